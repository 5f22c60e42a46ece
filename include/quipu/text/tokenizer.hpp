/// @file The concept of a tokenizer, and encoding and decoding with any of them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <quipu/core/token.hpp>
#include <quipu/text/special_places.hpp>  // special
#include <string>
#include <string_view>
#include <vector>

namespace quipu::text {

template <class T>
concept has_n_vocab = requires(const T& t) {
  { t.n_vocab() } -> std::convertible_to<std::size_t>;
};

template <class T>
concept has_encode = requires(const T& t, std::string_view text, special mode) {
  { t.encode(text, mode) } -> std::same_as<std::vector<token_id>>;
};

template <class T>
concept has_piece = requires(const T& t, token_id token) {
  { t.piece(token) } -> std::convertible_to<std::string_view>;
};

template <class T>
concept has_leading_piece = requires(const T& t, token_id token) {
  { t.leading_piece(token) } -> std::convertible_to<std::string_view>;
};

template <class T>
concept has_text_ends = requires(const T& t) {
  { t.bos() } -> std::same_as<token_id>;
  { t.eos() } -> std::same_as<token_id>;
  { t.add_bos() } -> std::same_as<bool>;
  { t.add_eos() } -> std::same_as<bool>;
};

template <class T>
concept has_token_roles = requires(const T& t, token_id token) {
  { t.is_control(token) } -> std::same_as<bool>;
  { t.is_end(token) } -> std::same_as<bool>;
};

template <class T>
concept has_find_special = requires(const T& t, std::string_view text) {
  { t.find_special(text) } -> std::same_as<token_id>;
};

/// Turns text into token ids and back. A value: cheap to copy, const, usable by several threads at
/// once.
///
/// | member | meaning |
/// |---|---|
/// | `n_vocab()` | number of ids |
/// | `encode(text, special)` | ids of `text`, no bos or eos added; any bytes are accepted |
/// | `piece(id)` | bytes that the token stands for, empty for control tokens |
/// | `leading_piece(id)` | the same if the token is the first of a text |
/// | `bos()`, `eos()` | their ids or `no_token` |
/// | `add_bos()`, `add_eos()` | does the model expect them around a text? |
/// | `is_control(id)` | special token without a text of its own |
/// | `is_end(id)` | ends a turn or a text: generation stops there |
/// | `find_special(text)` | control or user-defined token of exactly this text, or `no_token` |
template <class T>
concept tokenizer = std::copyable<T> && has_n_vocab<T> && has_encode<T> && has_piece<T> &&
    has_leading_piece<T> && has_text_ends<T> && has_token_roles<T> && has_find_special<T>;

/// Optional: a tokenizer that shows the vocabulary that it came with, and in it the checkpoint's chat template.
template <class T>
concept chat_tokenizer = requires(const T& t) {
  { t.vocab().chat_template } -> std::convertible_to<std::string_view>;
};

/// Optional: a tokenizer that can spell its control tokens.
template <class T>
concept has_spellings = requires(const T& t, token_id token) {
  { t.vocab().tokens[static_cast<std::size_t>(token)] } -> std::convertible_to<std::string_view>;
};

/// What a control token is called, such as "<|im_end|>"; nothing for other tokens, and if the tokenizer cannot say.
template <class T>
[[nodiscard]] std::string_view control_text(const T& tokenizer, token_id token) {
  if constexpr (has_spellings<T>) {
    if (tokenizer.is_control(token)) return tokenizer.vocab().tokens[static_cast<std::size_t>(token)];
  }
  return {};
}

/// Says in one sentence what keeps `T` from being a tokenizer; hosts call it first.
template <class T>
consteval void explain_tokenizer() {
  if constexpr (!std::copyable<T>)
    static_assert(std::copyable<T>, "tokenizer: the type must be copyable");
  else if constexpr (!has_n_vocab<T>)
    static_assert(has_n_vocab<T>, "tokenizer: declare 'std::size_t n_vocab() const'");
  else if constexpr (!has_encode<T>)
    static_assert(
        has_encode<T>,
        "tokenizer: declare 'std::vector<token_id> encode(std::string_view, special) const'");
  else if constexpr (!has_piece<T>)
    static_assert(has_piece<T>, "tokenizer: declare 'std::string_view piece(token_id) const'");
  else if constexpr (!has_leading_piece<T>)
    static_assert(has_leading_piece<T>,
                  "tokenizer: declare 'std::string_view leading_piece(token_id) const'");
  else if constexpr (!has_text_ends<T>)
    static_assert(has_text_ends<T>,
                  "tokenizer: declare 'token_id bos() const', 'eos()', 'bool add_bos() const' and "
                  "'add_eos()'");
  else if constexpr (!has_token_roles<T>)
    static_assert(has_token_roles<T>,
                  "tokenizer: declare 'bool is_control(token_id) const' and 'is_end(token_id)'");
  else
    static_assert(has_find_special<T>,
                  "tokenizer: declare 'token_id find_special(std::string_view) const'");
}

/// The ids of `text` with the bos and eos that the model expects around it.
template <tokenizer Tokenizer>
[[nodiscard]] std::vector<token_id> encode_document(const Tokenizer& tokenizer, std::string_view text,
                                                    special mode = special::plain) {
  std::vector<token_id> ids;
  if (tokenizer.add_bos() && tokenizer.bos() != no_token) ids.push_back(tokenizer.bos());
  const std::vector<token_id> inner = tokenizer.encode(text, mode);
  ids.insert(ids.end(), inner.begin(), inner.end());
  if (tokenizer.add_eos() && tokenizer.eos() != no_token) ids.push_back(tokenizer.eos());
  return ids;
}

}  // namespace quipu::text
