/// @file The retriever that is meant where none is named: words, and the character n-grams of words.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <quipu/notes/bm25_retriever.hpp>
#include <quipu/notes/char_ngram_retriever.hpp>
#include <quipu/notes/hybrid_retriever.hpp>

namespace quipu::notes {

/// BM25 finds notes by their words, n-grams also those whose words are spelt or inflected differently. The two rankings
/// count alike; statistics of words come from the first part.
using default_retriever = hybrid_retriever<bm25_retriever, char_ngram_retriever<>>;
static_assert(note_retriever<default_retriever> && cacheable_retriever<default_retriever>);

}  // namespace quipu::notes
