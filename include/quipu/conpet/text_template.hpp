/// @file How a text is put before the model to be classified: the role `text_template`.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/policy_list.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/core/token.hpp>
#include <quipu/data/task_stream.hpp>
#include <quipu/text/tokenizer.hpp>
#include <quipu/text/utf8.hpp>

namespace quipu::role {
struct text_template {};
}  // namespace quipu::role

namespace quipu::conpet {

using text::special;

/// Tokens of a text in its template.
struct encoded_text {
  std::vector<token_id> tokens;
  std::size_t marked = 0;  ///< the token whose state stands for the text: the mask of a cloze, else the last one
};

template <class T, class Tokenizer>
concept encodes_with = requires(const T& t, const Tokenizer& tokenizer, const data::labelled_text& text, std::size_t n) {
  { t.encode(tokenizer, text, n) } -> std::same_as<encoded_text>;
};

/// Role `text_template`: copyable; `encode(tokenizer, text, n_longest)` gives at most n_longest tokens, whatever the text's length, with what
/// the template adds whole; `identity()` names it in caches and files.
template <class T, class Tokenizer>
concept text_template = std::copyable<T> && encodes_with<T, Tokenizer> && requires(const T& t) {
  { t.identity() } -> std::convertible_to<std::string>;
};

/// Says in one sentence what a type lacks to be a template.
template <class T, class Tokenizer>
consteval void explain_text_template() {
  if constexpr (!std::copyable<T>) {
    static_assert(std::copyable<T>, "text_template: it must be copyable");
  } else if constexpr (!encodes_with<T, Tokenizer>) {
    static_assert(encodes_with<T, Tokenizer>,
                  "text_template: declare 'encoded_text encode(tokenizer, const data::labelled_text&, std::size_t n_longest) const'");
  } else {
    static_assert(text_template<T, Tokenizer>, "text_template: declare 'std::string identity() const'");
  }
}

namespace detail {

/// @throws format_error  a text that is not UTF-8
inline void check_encodable(std::string_view text) {
  if (!text::is_valid_utf8(text)) fail<format_error>("text to classify", "UTF-8", printable(text));
}

/// @throws config_error  no room for the text itself
inline std::size_t room(const char* what, std::size_t n_longest, std::size_t n_fixed) {
  if (n_longest <= n_fixed)
    fail<config_error>(concat(what, ": tokens of a text"), concat("room for more than the template's ", n_fixed), n_longest);
  return n_longest - n_fixed;
}

template <class Tokenizer>
void begin_tokens(const Tokenizer& tokenizer, std::vector<token_id>& out) {
  if (tokenizer.add_bos() && tokenizer.bos() != no_token) out.push_back(tokenizer.bos());
}

inline void append(std::vector<token_id>& out, const std::vector<token_id>& more) { out.insert(out.end(), more.begin(), more.end()); }

}  // namespace detail

/// The text alone, after the tokenizer's BOS; what is too long loses its end.
struct plain_text {
  using policy_role = role::text_template;

  [[nodiscard]] static std::string identity() { return "plain"; }
  template <class Tokenizer>
  [[nodiscard]] encoded_text encode(const Tokenizer& tokenizer, const data::labelled_text& one, std::size_t n_longest) const {
    detail::check_encodable(one.text);
    encoded_text e;
    detail::begin_tokens(tokenizer, e.tokens);
    static_cast<void>(detail::room("plain text", n_longest, e.tokens.size()));
    detail::append(e.tokens, tokenizer.encode(one.text, special::plain));
    if (e.tokens.size() > n_longest) e.tokens.resize(n_longest);
    if (e.tokens.empty()) fail<format_error>("text to classify", "at least one token", "none");
    e.marked = e.tokens.size() - 1;
    return e;
  }
};

/// Words before and after the text that say what is asked. A text that is too long loses its end, never what stands around it.
struct label_prompt {
  using policy_role = role::text_template;

  std::string before = "Query: ", after = "\nIntent:";

  [[nodiscard]] std::string identity() const { return concat("prompt ", before.size(), " ", before, after); }
  template <class Tokenizer>
  [[nodiscard]] encoded_text encode(const Tokenizer& tokenizer, const data::labelled_text& one, std::size_t n_longest) const {
    detail::check_encodable(one.text);
    encoded_text e;
    detail::begin_tokens(tokenizer, e.tokens);
    const std::size_t n_begin = e.tokens.size();
    detail::append(e.tokens, tokenizer.encode(before + one.text + after, special::plain));
    if (e.tokens.size() > n_longest) {
      const auto end = tokenizer.encode(after, special::plain);
      const auto front = tokenizer.encode(before + one.text, special::plain);
      const std::size_t n_fixed = n_begin + tokenizer.encode(before, special::plain).size() + end.size();
      static_cast<void>(detail::room("label prompt", n_longest, n_fixed));
      e.tokens.resize(n_begin);
      e.tokens.insert(e.tokens.end(), front.begin(), front.begin() + static_cast<std::ptrdiff_t>(n_longest - n_begin - end.size()));
      detail::append(e.tokens, end);
    }
    e.marked = e.tokens.size() - 1;
    return e;
  }
};

}  // namespace quipu::conpet
