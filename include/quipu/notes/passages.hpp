/// @file Cutting long notes into sentences, and into passages that a small model can read at a glance.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include <quipu/core/compiled.hpp>

namespace quipu::notes {

/// Sentences without the blanks around them, in order; views of the text. One ends after a full stop, an exclamation or a
/// question mark (with the quotes and brackets that close there) if a blank and no lower-case letter follows, after those
/// of Chinese and Japanese always, and at a line feed. Titles, initials and the usual abbreviations of English, German and
/// Spanish end none.
[[nodiscard]] std::vector<std::string_view> sentences_of(std::string_view text);

struct passage_options {
  std::size_t n_whole = 480;  ///< bytes: texts that are no longer stay whole
  std::size_t n_byte = 360;   ///< longest passage, if its sentences are no longer themselves
};

/// Runs of whole sentences, as long as allowed, from every sentence on; those that lie inside an earlier one are left out.
/// Sentences that are longer are cut at blanks, or anywhere between letters. A text of nothing but blanks has none.
[[nodiscard]] std::vector<std::string_view> passages_of(std::string_view text, const passage_options& options = {});

}  // namespace quipu::notes

#if !defined(QUIPU_COMPILED)
#include <quipu/notes/passages.ipp>
#endif
