/// @file Chat formats: which one a checkpoint's Jinja template is, and what it needs to be
/// rendered.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <quipu/core/error.hpp>  // config_error
#include <quipu/core/token.hpp>
#include <quipu/text/tokenizer.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace quipu::text {

/// The chat formats that the library renders.
enum class chat_family : std::uint8_t { llama2, llama3, chatml, zephyr };

inline constexpr std::array<std::pair<std::string_view, chat_family>, 4> chat_family_names = {{
    {"llama-2", chat_family::llama2},
    {"llama-3", chat_family::llama3},
    {"chatml", chat_family::chatml},
    {"zephyr", chat_family::zephyr},
}};

[[nodiscard]] constexpr std::string_view name_of(chat_family family) noexcept {
  for (const auto& [name, known] : chat_family_names) {
    if (known == family) return name;
  }
  return "?";
}

/// @throws config_error  none of "llama-2", "llama-3", "chatml", "zephyr"
[[nodiscard]] inline chat_family chat_family_by_name(std::string_view name) {
  for (const auto& [known, family] : chat_family_names) {
    if (known == name) return family;
  }
  fail<config_error>("chat template", "llama-2, llama-3, chatml or zephyr", concat("'", name, "'"));
}

/// Who says something: "system", "user" or "assistant", and what.
struct chat_message {
  std::string role;
  std::string content;
};

/// A format with the texts that differ from model to model.
struct chat_template {
  chat_family family = chat_family::chatml;
  std::string bos;  ///< text of the bos token: llama-2 and llama-3 begin with it
  std::string eos;  ///< text of the eos token: llama-2 and zephyr end turns with it
  std::optional<std::string>
      default_system;        ///< chatml: said if a conversation has no system message
  bool leading_bos = false;  ///< chatml: the text begins with bos
};

/// The family of a Jinja template, known by the marks that it writes.
/// @throws config_error  a template of another family, named if the library knows the name; a
/// family
///                       can still be forced with `chat_family_by_name`
[[nodiscard]] inline chat_family detect_chat_family(std::string_view jinja) {
  const auto has = [&](std::string_view mark) {
    return jinja.find(mark) != std::string_view::npos;
  };
  // Marks of families that would look like ours, or that are worth a name in the message.
  struct foreign_mark {
    std::string_view mark;
    std::string_view name;
  };
  constexpr std::array<foreign_mark, 13> foreign = {{
      {"<start_of_turn>", "gemma"},
      {"<|START_OF_TURN_TOKEN|>", "command-r"},
      {"<|start_of_role|>", "granite"},
      {"<|im_sep|>", "phi-4"},
      {"<|end|>", "phi-3"},
      {"[gMASK]", "glm-4"},
      {"<\xEF\xBD\x9CUser\xEF\xBD\x9C>", "deepseek"},
      {"GPT4 Correct", "openchat"},
      {"### Instruction", "alpaca"},
      {"USER: ", "vicuna"},
      {"reasoning_content", "qwen3"},
      {"Cutting Knowledge Date", "llama-3.1"},
      {"date_string", "llama-3.1"},
  }};
  std::string_view other;
  for (const foreign_mark& one : foreign) {
    if (other.empty() && has(one.mark)) other = one.name;
  }
  if (other.empty()) {
    if (has("<|start_header_id|>") && has("<|eot_id|>")) return chat_family::llama3;
    if (has("<|im_start|>") && has("<|im_end|>")) return chat_family::chatml;
    if (has("[INST]") && has("<<SYS>>")) return chat_family::llama2;
    if (has("<|user|>") && has("<|assistant|>") && has("eos_token")) return chat_family::zephyr;
    other = has("[INST]") ? "mistral" : jinja.empty() ? "none" : "unknown";
  }
  fail<config_error>("chat template",
                     "llama-2, llama-3, chatml or zephyr (detected, or forced by name)",
                     concat("'", other, "'"));
}

/// The system message that a ChatML template writes by itself, if it does.
[[nodiscard]] inline std::optional<std::string> default_system_of(std::string_view jinja) {
  constexpr std::string_view begin = "<|im_start|>system";
  constexpr std::string_view end = "<|im_end|>";
  for (std::size_t at = jinja.find(begin); at != std::string_view::npos;
       at = jinja.find(begin, at + 1)) {
    if (at == 0) continue;
    const char quote = jinja[at - 1];  // the message stands inside one string literal
    std::string_view rest = jinja.substr(at + begin.size());
    if (rest.starts_with("\n")) {
      rest.remove_prefix(1);
    } else if (rest.starts_with("\\n")) {
      rest.remove_prefix(2);
    } else {
      continue;
    }
    std::string text;
    while (!rest.empty() && rest.front() != quote && !rest.starts_with(end)) {
      char c = rest.front();
      rest.remove_prefix(1);
      if (c == '\\' && !rest.empty()) {
        c = rest.front() == 'n' ? '\n' : rest.front() == 't' ? '\t' : rest.front();
        rest.remove_prefix(1);
      }
      text.push_back(c);
    }
    if (rest.starts_with(end)) return text;
  }
  return std::nullopt;
}

/// A template with its family's needs filled in.
/// @param jinja   source of the checkpoint's template, may be empty if `forced` is given
/// @param forced  the family to use whatever `jinja` says
/// @throws config_error  see `detect_chat_family`
[[nodiscard]] inline chat_template make_chat_template(
    std::string_view jinja, std::string bos, std::string eos,
    std::optional<chat_family> forced = std::nullopt) {
  chat_template result;
  result.family = forced ? *forced : detect_chat_family(jinja);
  result.bos = std::move(bos);
  result.eos = std::move(eos);
  if (result.family == chat_family::chatml) {
    result.default_system = default_system_of(jinja);
    result.leading_bos = jinja.find("bos_token") != std::string_view::npos;
  }
  return result;
}

/// The chat template of a checkpoint's tokenizer (one with a `vocab()`).
/// @throws config_error  see `detect_chat_family`
template <tokenizer Tokenizer>
[[nodiscard]] chat_template chat_template_of(const Tokenizer& tokenizer,
                                             std::optional<chat_family> forced = std::nullopt) {
  const auto& vocab = tokenizer.vocab();
  const auto text = [&](token_id id) { return id == no_token ? std::string() : vocab.tokens[id]; };
  return make_chat_template(vocab.chat_template, text(vocab.bos), text(vocab.eos), forced);
}

}  // namespace quipu::text
