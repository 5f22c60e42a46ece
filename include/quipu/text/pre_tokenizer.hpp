/// @file Cuts text into the words that byte-level BPE encodes one by one.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#ifndef PCRE2_CODE_UNIT_WIDTH
#define PCRE2_CODE_UNIT_WIDTH \
  8  // the header insists; the functions below are called by their full names
#endif
#include <pcre2.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <new>
#include <quipu/core/error.hpp>  // config_error
#include <quipu/text/utf8.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace quipu::text {

/// Names of pre-tokenizers as GGUF files give them, and the pattern that each one stands for.
enum class pre_tokenizer_kind : std::uint8_t { gpt2, llama_bpe, qwen2, smollm };

struct pre_tokenizer_name {
  std::string_view name;
  pre_tokenizer_kind kind;
};

/// If several names share a pattern, the first is the one to print.
inline constexpr std::array<pre_tokenizer_name, 13> pre_tokenizer_names = {{
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
}};

/// @throws config_error  the library does not know the pre-tokenizer
[[nodiscard]] inline pre_tokenizer_kind pre_tokenizer_by_name(std::string_view name) {
  for (const pre_tokenizer_name& known : pre_tokenizer_names) {
    if (known.name == name) return known.kind;
  }
  std::string names;
  for (const pre_tokenizer_name& known : pre_tokenizer_names)
    names += concat(names.empty() ? "" : ", ", known.name);
  fail<config_error>("pre-tokenizer", concat("one of ", names), concat("'", name, "'"));
}

/// The pattern of a pre-tokenizer in PCRE2's syntax; alternatives are tried in order at every
/// position.
///
/// `\s` is written out as Unicode's White_Space, because PCRE2's own `\s` has U+180E besides. Digits of
/// smollm stand alone: its two passes (cut at digits, then GPT-2's pattern) are one pattern here,
/// in which a digit ends a run of spaces as the end of the text does.
[[nodiscard]] inline std::string pre_tokenizer_pattern(pre_tokenizer_kind kind) {
  const std::string space =
      R"(\x{9}-\x{d}\x{20}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000})";
  const std::string spaces = "[" + space + "]+";
  const std::string not_space = "[^" + space + "]";
  const std::string symbols = " ?[^" + space + R"(\p{L}\p{N}]+)";
  const std::string lower_suffixes = "'(?:[sdmt]|ll|ve|re)";
  const std::string any_case_suffixes = "'(?:[sSdDmMtT]|[lL][lL]|[vV][eE]|[rR][eE])";
  const std::string lines = R"([\r\n]*|[)" + space + R"(]*[\r\n]+)";
  switch (kind) {
    case pre_tokenizer_kind::gpt2:
      return lower_suffixes + R"(| ?\p{L}+| ?\p{N}+|)" + symbols + "|" + spaces + "(?!" +
             not_space + ")|" + spaces;
    case pre_tokenizer_kind::smollm:
      return R"(\p{N}|)" + lower_suffixes + R"(| ?\p{L}+|)" + symbols + "|" + spaces + "(?![^" +
             space + R"(\p{N}])|)" + spaces;
    case pre_tokenizer_kind::llama_bpe:
    case pre_tokenizer_kind::qwen2:
      return any_case_suffixes + R"(|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N})" +
             (kind == pre_tokenizer_kind::llama_bpe ? "{1,3}" : "") + "|" + symbols + lines + "|" +
             spaces + "(?!" + not_space + ")|" + spaces;
  }
  return {};
}

/// A compiled pattern. Const and usable by several threads at once; copies share it.
class pre_tokenizer {
 public:
  /// @throws config_error  PCRE2 refuses the pattern, for example because it was built without
  /// Unicode
  explicit pre_tokenizer(pre_tokenizer_kind kind) {
    const std::string pattern = pre_tokenizer_pattern(kind);
    int error = 0;
    PCRE2_SIZE offset = 0;
    pcre2_code_8* code =
        pcre2_compile_8(reinterpret_cast<PCRE2_SPTR8>(pattern.data()), pattern.size(),
                        PCRE2_UTF | PCRE2_UCP | PCRE2_ANCHORED, &error, &offset, nullptr);
    if (code == nullptr)
      throw config_error(concat("pre-tokenizer: PCRE2 error ", error, " at offset ", offset));
    code_ = std::shared_ptr<pcre2_code_8>(code, [](pcre2_code_8* old) { pcre2_code_free_8(old); });
    pcre2_jit_compile_8(code,
                        PCRE2_JIT_COMPLETE);  // without a JIT the interpreter does the same, slower
  }

  /// Calls `visit(std::string_view word)` for the words of `text` in order; together they are
  /// `text`. Bytes that are not UTF-8 are words of their own, one for each run, and end the text
  /// before them.
  /// @throws std::bad_alloc
  template <class Visit>
  void for_each_word(std::string_view text, const Visit& visit) const {
    const match_space space(code_.get());
    while (!text.empty()) {
      const std::size_t valid = valid_utf8_prefix(text);
      split_valid(text.substr(0, valid), space, visit);
      text.remove_prefix(valid);
      std::size_t bad = 0;
      while (bad < text.size()) {
        const utf8_step step = decode_utf8(text, bad);
        if (step.status == utf8_status::valid) break;
        bad += step.length;
      }
      if (bad > 0) visit(text.substr(0, bad));
      text.remove_prefix(bad);
    }
  }

 private:
  // What one call needs to match: results, limits and a stack that long words cannot exhaust.
  struct match_space {
    explicit match_space(const pcre2_code_8* code)
        : data(pcre2_match_data_create_from_pattern_8(code, nullptr), pcre2_match_data_free_8),
          context(pcre2_match_context_create_8(nullptr), pcre2_match_context_free_8) {
      if (data == nullptr || context == nullptr) throw std::bad_alloc();
      pcre2_set_match_limit_8(context.get(), std::numeric_limits<std::uint32_t>::max());
    }
    std::unique_ptr<pcre2_match_data_8, decltype(&pcre2_match_data_free_8)> data;
    std::unique_ptr<pcre2_match_context_8, decltype(&pcre2_match_context_free_8)> context;
  };

  template <class Visit>
  void split_valid(std::string_view text, const match_space& space, const Visit& visit) const {
    const auto* subject = reinterpret_cast<PCRE2_SPTR8>(text.data());
    for (std::size_t at = 0; at < text.size();) {
      const int count = pcre2_match_8(code_.get(), subject, text.size(), at, PCRE2_NO_UTF_CHECK,
                                      space.data.get(), space.context.get());
      std::size_t end = count > 0 ? pcre2_get_ovector_pointer_8(space.data.get())[1] : at;
      // Every character starts a match of every pattern; should a limit of PCRE2 be met all the
      // same, the rest of the text is one word rather than lost.
      if (end <= at) end = text.size();
      visit(text.substr(at, end - at));
      at = end;
    }
  }

  std::shared_ptr<pcre2_code_8> code_;
};

}  // namespace quipu::text
