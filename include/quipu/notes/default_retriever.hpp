/// @file The retriever that is meant where none is named: words, and the character n-grams of words.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <quipu/notes/bm25_retriever.hpp>
#include <quipu/notes/char_ngram_retriever.hpp>
#include <quipu/notes/hybrid_retriever.hpp>

namespace quipu::notes {

/// BM25 finds notes by their words, n-grams also those whose words are spelt or inflected differently. A place in BM25's ranking
/// counts three times as much: of 1, 1.001, 1.5, 2, 3 and 5 that kept most of what BM25 alone finds first on the development parts
/// of CounterFact-Hard and XQuAD, and more than it on FEVER's. Statistics of words come from the first part.
class default_retriever : public hybrid_retriever<bm25_retriever, char_ngram_retriever<>> {
 public:
  using hybrid_retriever::hybrid_retriever;
  default_retriever()
      : hybrid_retriever(bm25_retriever(), char_ngram_retriever<>(), {.weights = {3, 1}}) {}
};
static_assert(note_retriever<default_retriever> && cacheable_retriever<default_retriever>);

}  // namespace quipu::notes
