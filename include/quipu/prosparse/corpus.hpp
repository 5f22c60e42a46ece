/// @file The text that a model is made sparse on, as tokens, with a part of it held out.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/token.hpp>
#include <quipu/text/tokenizer.hpp>

namespace quipu::prosparse {

/// How a text is cut into documents, each of which begins with the model's first token.
enum class document_split : std::uint8_t {
  whole,         ///< one document
  single_lines,  ///< at every line feed that has none beside it; white space around documents is no part of them
};
inline constexpr std::string_view document_split_names[] = {"whole", "single_lines"};

struct corpus_settings {
  document_split split = document_split::whole;
  bool ascii_only = false;  ///< documents with other bytes are left out
  double validation = 0.1;  ///< share that is held out, from the end: of the documents' bytes, or of a single one's tokens

  friend bool operator==(const corpus_settings&, const corpus_settings&) = default;
};

/// Tokens to train on and to validate with; documents lie one after the other.
struct corpus {
  std::vector<token_id> training, validation;
  std::vector<std::size_t> training_starts{};  ///< where the documents of the training text begin

  /// A corpus whose validation text is the last documents of this one's training text: what a search for settings may see.
  /// @throws config_error  not fewer than there are
  [[nodiscard]] corpus held_back(std::size_t n_document) const;
};

/// The documents of a text. @throws config_error  a validation share outside 0 .. 1, or no document
[[nodiscard]] std::vector<std::string_view> documents_of(std::string_view text, const corpus_settings& settings);
/// How many of these documents train: as many from the first on as have at most their share of all bytes.
[[nodiscard]] std::size_t n_training_document(const std::vector<std::string_view>& documents, double validation);

/// @throws config_error  as `documents_of`
template <text::tokenizer Tokenizer>
[[nodiscard]] corpus make_corpus(const Tokenizer& tokenizer, std::string_view text, const corpus_settings& settings) {
  const auto documents = documents_of(text, settings);
  corpus made;
  if (documents.size() == 1) {
    made.training = text::encode_document(tokenizer, documents[0]);
    const auto n = static_cast<std::size_t>(static_cast<double>(made.training.size()) * (1 - settings.validation));
    made.validation.assign(made.training.begin() + static_cast<std::ptrdiff_t>(n), made.training.end());
    made.training.resize(n);
    made.training_starts = {0};
    return made;
  }
  const std::size_t n_training = n_training_document(documents, settings.validation);
  for (std::size_t i = 0; i < documents.size(); ++i) {
    auto& to = i < n_training ? made.training : made.validation;
    if (i < n_training) made.training_starts.push_back(to.size());
    const auto ids = text::encode_document(tokenizer, documents[i]);
    to.insert(to.end(), ids.begin(), ids.end());
  }
  return made;
}

}  // namespace quipu::prosparse

#if !defined(QUIPU_COMPILED)
#include <quipu/prosparse/corpus.ipp>
#endif
