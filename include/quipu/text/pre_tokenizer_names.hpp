/// @file Names of pre-tokenizers as GGUF files give them, and the patterns that they stand for.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <quipu/core/error.hpp>  // config_error
#include <string>
#include <string_view>
#include <vector>

namespace quipu::text {

/// The rules that cut text into words. Names that share a rule share a kind.
enum class pre_tokenizer_kind : std::uint8_t {
  gpt2,
  llama_bpe,
  qwen2,
  smollm,
  by_default,  ///< llama.cpp's for files that name none
  falcon,
  deepseek_coder,
  deepseek_v3,
  tekken,
  gpt4o,
  qwen35,
  bailing,
  seed_coder,
  bloom,
  viking,
  minicpm5,
  laguna,
  jais2,
  granite_multi,
};

struct pre_tokenizer_name {
  std::string_view name;
  pre_tokenizer_kind kind;
};

/// If several names share a pattern, the first is the one to print. Source: ggml-org/llama.cpp, src/llama-vocab.cpp,
/// `llama_vocab::impl::load` (names) and `llm_tokenizer_bpe` (patterns). Left out are the names whose rule is code
/// (kimi-k2, afmoe), whose `\b` or empty matches depend on the library of expressions (tiny_aya, superbpe), whose list
/// of letters is long (deepseek-llm), that are not byte-level (gemma4, sarvam-moe, whitespace), that add a separator
/// (roberta-bpe, jina-v1-en, jina-v2-code) or are hardly met (chameleon, youtu, exaone-moe).
inline constexpr pre_tokenizer_name pre_tokenizer_names[] = {
    {"gpt-2", pre_tokenizer_kind::gpt2},
    {"llama-bpe", pre_tokenizer_kind::llama_bpe},
    {"qwen2", pre_tokenizer_kind::qwen2},
    {"smollm", pre_tokenizer_kind::smollm},
    {"phi-2", pre_tokenizer_kind::gpt2},
    {"mpt", pre_tokenizer_kind::gpt2},
    {"olmo", pre_tokenizer_kind::gpt2},
    {"llama3", pre_tokenizer_kind::llama_bpe},
    {"llama-v3", pre_tokenizer_kind::llama_bpe},
    {"smaug-bpe", pre_tokenizer_kind::llama_bpe},
    {"deepseek-r1-qwen", pre_tokenizer_kind::qwen2},
    {"starcoder", pre_tokenizer_kind::smollm},
    {"command-r", pre_tokenizer_kind::smollm},
    {"default", pre_tokenizer_kind::by_default},
    {"jais", pre_tokenizer_kind::gpt2},
    {"trillion", pre_tokenizer_kind::gpt2},
    {"granite-docling", pre_tokenizer_kind::gpt2},
    {"exaone4", pre_tokenizer_kind::gpt2},
    {"gigachat", pre_tokenizer_kind::gpt2},
    {"a.x-4.0", pre_tokenizer_kind::gpt2},
    {"mellum", pre_tokenizer_kind::gpt2},
    {"modern-bert", pre_tokenizer_kind::gpt2},
    {"jina-es", pre_tokenizer_kind::gpt2},
    {"jina-de", pre_tokenizer_kind::gpt2},
    {"falcon3", pre_tokenizer_kind::llama_bpe},
    {"falcon-h1", pre_tokenizer_kind::llama_bpe},
    {"pixtral", pre_tokenizer_kind::llama_bpe},
    {"midm-2.0", pre_tokenizer_kind::llama_bpe},
    {"lfm2", pre_tokenizer_kind::llama_bpe},
    {"jina-v5-nano", pre_tokenizer_kind::llama_bpe},
    {"dbrx", pre_tokenizer_kind::llama_bpe},
    {"chatglm-bpe", pre_tokenizer_kind::llama_bpe},
    {"glm4", pre_tokenizer_kind::llama_bpe},
    {"stablelm2", pre_tokenizer_kind::qwen2},
    {"hunyuan", pre_tokenizer_kind::qwen2},
    {"solar-open", pre_tokenizer_kind::qwen2},
    {"megrez", pre_tokenizer_kind::qwen2},
    {"kormo", pre_tokenizer_kind::qwen2},
    {"f2llmv2", pre_tokenizer_kind::qwen2},
    {"grok-2", pre_tokenizer_kind::qwen2},
    {"refact", pre_tokenizer_kind::smollm},
    {"codeshell", pre_tokenizer_kind::smollm},
    {"exaone", pre_tokenizer_kind::smollm},
    {"minerva-7b", pre_tokenizer_kind::smollm},
    {"mellum2", pre_tokenizer_kind::smollm},
    {"falcon", pre_tokenizer_kind::falcon},
    {"deepseek-coder", pre_tokenizer_kind::deepseek_coder},
    {"deepseek-v3", pre_tokenizer_kind::deepseek_v3},
    {"hunyuan-dense", pre_tokenizer_kind::deepseek_v3},
    {"joyai-llm", pre_tokenizer_kind::deepseek_v3},
    {"tekken", pre_tokenizer_kind::tekken},
    {"gpt-4o", pre_tokenizer_kind::gpt4o},
    {"llama4", pre_tokenizer_kind::gpt4o},
    {"kanana2", pre_tokenizer_kind::gpt4o},
    {"talkie", pre_tokenizer_kind::gpt4o},
    {"minimax-m2", pre_tokenizer_kind::gpt4o},
    {"qwen35", pre_tokenizer_kind::qwen35},
    {"bailingmoe", pre_tokenizer_kind::bailing},
    {"bailingmoe2", pre_tokenizer_kind::bailing},
    {"llada-moe", pre_tokenizer_kind::bailing},
    {"seed-coder", pre_tokenizer_kind::seed_coder},
    {"bloom", pre_tokenizer_kind::bloom},
    {"poro-chat", pre_tokenizer_kind::bloom},
    {"gpt3-finnish", pre_tokenizer_kind::bloom},
    {"viking", pre_tokenizer_kind::viking},
    {"minicpm5", pre_tokenizer_kind::minicpm5},
    {"laguna", pre_tokenizer_kind::laguna},
    {"jais-2", pre_tokenizer_kind::jais2},
    {"granite-embed-multi-97m", pre_tokenizer_kind::granite_multi},
};

/// Is there a pre-tokenizer of this name?
[[nodiscard]] constexpr bool is_pre_tokenizer_name(std::string_view name) noexcept {
  for (const pre_tokenizer_name& known : pre_tokenizer_names) {
    if (known.name == name) return true;
  }
  return false;
}

/// All names, separated by commas, for errors.
[[nodiscard]] inline std::string pre_tokenizer_name_list() {
  std::string names;
  for (const pre_tokenizer_name& known : pre_tokenizer_names) names += concat(names.empty() ? "" : ", ", known.name);
  return names;
}

/// @throws config_error  the library does not know the pre-tokenizer
[[nodiscard]] inline pre_tokenizer_kind pre_tokenizer_by_name(std::string_view name) {
  for (const pre_tokenizer_name& known : pre_tokenizer_names) {
    if (known.name == name) return known.kind;
  }
  fail<config_error>("pre-tokenizer", concat("one of ", pre_tokenizer_name_list()), concat("'", name, "'"));
}

/// Unicode's White_Space inside a class of PCRE2, whose own `\s` has U+180E besides.
inline constexpr std::string_view white_space_class =
    R"(\x{9}-\x{d}\x{20}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000})";

/// The patterns of a pre-tokenizer in PCRE2's syntax; alternatives are tried in order at every position.
///
/// One pattern: it matches at every position, and its matches are the words. Several: each cuts all that the one
/// before left, matches and what lies between them are the words. Digits of smollm stand alone: its two passes (cut
/// at digits, then GPT-2's pattern) are one pattern here, in which a digit ends a run of spaces as the end of the text
/// does.
[[nodiscard]] inline std::vector<std::string> pre_tokenizer_patterns(pre_tokenizer_kind kind) {
  const std::string space(white_space_class);
  const std::string blank = "[" + space + "]";
  const std::string spaces = blank + "+";
  const std::string not_space = "[^" + space + "]";
  const std::string symbols = " ?[^" + space + R"(\p{L}\p{N}]+)";
  const std::string lower_suffixes = "'(?:[sdmt]|ll|ve|re)";
  const std::string any_case_suffixes = "'(?:[sSdDmMtT]|[lL][lL]|[vV][eE]|[rR][eE])";
  const std::string line_ends = "|" + blank + R"(*[\r\n]+)";
  const std::string space_ends = "|" + spaces + "(?!" + not_space + ")|" + spaces;
  const std::string letters = R"(|[^\r\n\p{L}\p{N}]?\p{L}+)";
  const std::string gpt2 = lower_suffixes + R"(| ?\p{L}+| ?\p{N}+|)" + symbols + space_ends;
  const auto llama = [&](const char* digits, const std::string& suffixes) {
    return suffixes + letters + "|" + digits + "|" + symbols + R"([\r\n]*)" + line_ends + space_ends;
  };
  // Capitals and small letters as llama.cpp tells them apart: ASCII letters by case, all others are both.
  const auto cased = [&](const char* letter, const std::string& ending) {
    const std::string up = concat("(?:(?=", letter, ")[^a-z])");
    const std::string low = concat("(?:(?=", letter, ")[^A-Z])");
    const std::string before = R"([^\r\n\p{L}\p{N}]?)";
    return before + up + "*" + low + "+" + ending + "|" + before + up + "+" + low + "*" + ending;
  };
  const std::string symbol_lines = "|" + symbols + R"([\r\n/]*)" + line_ends + space_ends;
  const std::string ideographs = R"([\x{4e00}-\x{9fa5}\x{3040}-\x{309f}\x{30a0}-\x{30ff}]+)";
  switch (kind) {
    case pre_tokenizer_kind::gpt2: return {gpt2};
    case pre_tokenizer_kind::smollm:
      return {R"(\p{N}|)" + lower_suffixes + R"(| ?\p{L}+|)" + symbols + "|" + spaces + "(?![^" + space +
              R"(\p{N}])|)" + spaces};
    case pre_tokenizer_kind::llama_bpe: return {llama(R"(\p{N}{1,3})", any_case_suffixes)};
    case pre_tokenizer_kind::qwen2: return {llama(R"(\p{N})", any_case_suffixes)};
    case pre_tokenizer_kind::by_default: return {R"([\p{P}$+<=>^~|]+)", gpt2, R"(\p{N}+)", "[0-9][0-9][0-9]"};
    case pre_tokenizer_kind::falcon: return {R"([\p{P}$+<=>^~|`]+)", gpt2, "[0-9][0-9][0-9]"};
    case pre_tokenizer_kind::deepseek_coder:
      return {R"([\r\n])", blank + R"(?\p{L}+)", blank + R"(?\p{P}+)",
              R"([\x{4e00}-\x{9fa5}\x{800}-\x{4e00}\x{ac00}-\x{d7ff}]+)", R"(\p{N})"};
    case pre_tokenizer_kind::deepseek_v3:
      return {R"(\p{N}{1,3})", ideographs,
              R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+)"
              R"(| ?[\p{P}\p{S}]+[\r\n]*)" +
                  line_ends + space_ends};
    case pre_tokenizer_kind::tekken: return {cased(R"(\p{L})", "") + R"(|\p{N})" + symbol_lines};
    case pre_tokenizer_kind::gpt4o:
      return {cased(R"(\p{L})", "(?:" + any_case_suffixes + ")?") + R"(|\p{N}{1,3})" + symbol_lines};
    case pre_tokenizer_kind::granite_multi:
      return {cased(R"([\p{L}\p{M}])", "(?:" + any_case_suffixes + ")?") + R"(|\p{N}{1,3})" + symbol_lines};
    case pre_tokenizer_kind::qwen35:
      return {any_case_suffixes + R"(|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^)" + space +
              R"(\p{L}\p{M}\p{N}]+[\r\n]*)" + line_ends + space_ends};
    case pre_tokenizer_kind::bailing:
      return {any_case_suffixes + letters + R"(|\p{N}|)" + symbols + R"([\r\n]*|)" + blank + R"(*[\r\n])" + space_ends};
    case pre_tokenizer_kind::seed_coder:
      return {any_case_suffixes + letters + R"(|\p{N}| ?[^)" + space + R"(\p{L}\p{N}\r\n]+)" + line_ends + space_ends};
    case pre_tokenizer_kind::bloom:
    case pre_tokenizer_kind::viking: {
      std::vector<std::string> passes = {" ?[^(" + space +
                                         R"(|.,!?\x{2026}\x{3002}\x{ff0c}\x{3001}\x{964}\x{6d4}\x{60c})]+)"};
      // Of one pass the words are the matches and what is between them: an empty pass keeps it of that form.
      passes.push_back(kind == pre_tokenizer_kind::viking ? R"(\p{N})" : "(?!)");
      return passes;
    }
    case pre_tokenizer_kind::minicpm5: return {R"(\p{N}{1,3})", llama(R"(\p{N}+)", any_case_suffixes)};
    case pre_tokenizer_kind::laguna: return {R"([^\n]+|\n+)", llama(R"(\p{N})", any_case_suffixes)};
    case pre_tokenizer_kind::jais2: {
      std::string runs;
      for (const int n : {512, 256, 128, 64, 32, 16, 8, 4}) runs += concat("|", blank, "{", n, "}(?!", not_space, ")");
      return {any_case_suffixes + letters + R"(|\p{N}{1,3}|)" + symbols + R"([\r\n]*)" + line_ends + runs + "|" +
              blank + "{1,2}(?!" + not_space + ")|" + blank};
    }
  }
  return {};
}

}  // namespace quipu::text
