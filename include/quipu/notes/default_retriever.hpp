/// @file The retriever that an editor takes by itself: words and n-grams together.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <quipu/notes/bm25_retriever.hpp>
#include <quipu/notes/char_ngram_retriever.hpp>
#include <quipu/notes/hybrid_retriever.hpp>

namespace quipu::notes {

using default_retriever = hybrid_retriever<bm25_retriever, char_ngram_retriever<>>;

}  // namespace quipu::notes
