/// @file Chat formats: the template that a checkpoint brings, or one that the library knows by name.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/core/error.hpp>  // config_error
#include <quipu/core/token.hpp>
#include <quipu/text/jinja.hpp>
#include <quipu/text/tokenizer.hpp>
#include <quipu/text/vocabulary.hpp>  // token_kind

namespace quipu::text {

/// The chat formats that the library renders by name.
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
[[nodiscard]] chat_family chat_family_by_name(std::string_view name);

/// Who says something: "system", "user" or "assistant", and what.
struct chat_message {
  std::string role;
  std::string content;
};

/// Does the text end with the opening of the assistant's turn?
enum class generation_prompt : std::uint8_t { omit, add };

/// A part of a rendered conversation. Control tokens are found in what the template wrote alone: in the rest, a user's
/// words above all, they stay text.
struct chat_piece {
  std::string text;
  bool from_template = false;
};

/// A chat format. Cheap to copy; usable by several threads at once.
struct chat_template {
  chat_family family = chat_family::chatml;  ///< if `own` is null
  std::string bos;  ///< text of the bos token: llama-2 and llama-3 begin with it
  std::string eos;  ///< text of the eos token: llama-2 and zephyr end turns with it
  std::shared_ptr<const jinja::compiled_template> own{};  ///< the checkpoint's, evaluated as transformers does
  std::vector<std::pair<std::string, std::string>> special_tokens{};  ///< variables of `own`: "bos_token", its text
  std::vector<std::string> marks{};  ///< texts that would pass for the format's own in a message, see `guarded_message`

  /// Whether a prompt ends with the opening of the assistant's turn, if it is asked for.
  [[nodiscard]] bool opens_answers() const {
    return own != nullptr ? own->mentions("add_generation_prompt") : family != chat_family::llama2;
  }
};

namespace detail {

/// May a token of users be a mark, as "<tool_call>" and "<|user|>" are? HTML's elements, which some vocabularies have as
/// tokens, are none.
[[nodiscard]] bool is_mark(std::string_view token);

}  // namespace detail

/// A template of the library, or the one of a checkpoint.
/// @param jinja   source of the checkpoint's template; may be empty if `forced` is given
/// @param forced  a family to use in its place
/// @throws config_error  no template and no family, or a template that cannot be compiled: what is wrong with it, or what
///                       it uses that the library does not have
[[nodiscard]] chat_template make_chat_template(std::string_view jinja, std::string bos, std::string eos,
                                               std::optional<chat_family> forced = std::nullopt);

/// The chat template of a checkpoint's tokenizer (one with a `vocab()`).
/// @throws config_error  see `make_chat_template`
template <tokenizer Tokenizer>
[[nodiscard]] chat_template chat_template_of(const Tokenizer& tokenizer,
                                             std::optional<chat_family> forced = std::nullopt) {
  const auto& vocab = tokenizer.vocab();
  const auto text = [&](token_id id) { return id == no_token ? std::string() : vocab.tokens[id]; };
  chat_template result = make_chat_template(vocab.chat_template, text(vocab.bos), text(vocab.eos), forced);
  if (vocab.unk != no_token) result.special_tokens.emplace_back("unk_token", text(vocab.unk));
  if (vocab.pad != no_token) result.special_tokens.emplace_back("pad_token", text(vocab.pad));
  for (std::size_t i = 0; i < std::min(vocab.tokens.size(), vocab.kinds.size()); ++i) {
    if (vocab.kinds[i] == token_kind::user_defined && detail::is_mark(vocab.tokens[i]))
      result.marks.push_back(vocab.tokens[i]);
  }
  return result;
}

}  // namespace quipu::text

#if !defined(QUIPU_COMPILED)
#include <quipu/text/chat_template.ipp>
#endif
