// What hf_folder.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <set>
#include <utility>

#include <quipu/core/error.hpp>
#include <quipu/core/mapped_file.hpp>
#include <quipu/io/checkpoint.hpp>
#include <quipu/io/hf_config.hpp>
#include <quipu/io/hf_folder.hpp>
#include <quipu/io/safetensors_shards.hpp>
#include <quipu/io/validate.hpp>
#include <quipu/text/tokenizer_folder.hpp>

namespace quipu::io {

namespace detail {

/// Embeddings are often rounded up to more rows than the tokenizer has tokens; the rows past its end
/// get names that no text contains as one token, as llama.cpp's converter does.
inline void pad_vocabulary(text::vocabulary& vocabulary, std::size_t n_vocab) {
  if (vocabulary.kind == text::tokenizer_kind::none) return;
  while (vocabulary.tokens.size() < n_vocab) {
    vocabulary.tokens.push_back(concat("[PAD", vocabulary.tokens.size(), "]"));
    vocabulary.kinds.push_back(text::token_kind::unused);
    if (vocabulary.kind == text::tokenizer_kind::sentencepiece) vocabulary.scores.push_back(-1000.0f);
  }
}

}  // namespace detail

QUIPU_INLINE checkpoint open_hf_folder(const std::filesystem::path& folder, file_access how) {
  const mapped_file config((folder / "config.json").string());
  checkpoint opened;
  opened.path = folder.string();
  opened.format = "safetensors";
  opened.config = parse_hf_config(config.text(), config.path());
  opened.metadata = hf_metadata(config.text(), config.path());
  opened.rope = rope_layout::halves;
  if (const auto path = folder / "generation_config.json"; std::filesystem::exists(path)) {
    const mapped_file generation(path.string());
    auto& ends = opened.config.end_tokens;
    std::set<token_id> known(ends.begin(), ends.end());
    for (const token_id id : hf_generation_ends(generation.text(), generation.path(), opened.config.n_vocab)) {
      if (known.insert(id).second) ends.push_back(id);
    }
    if (opened.config.eos == no_token && !ends.empty()) opened.config.eos = ends.front();
  }
  safetensors_weights weights = open_safetensors_folder(folder, how);
  opened.tensors = std::move(weights.tensors);
  opened.files = std::move(weights.files);
  // Only a complete model pays for its vocabulary: a hostile n_vocab has met the embedding's rows here.
  validate(opened);
  opened.vocabulary = text::read_tokenizer_folder(opened.path);
  detail::pad_vocabulary(opened.vocabulary, opened.config.n_vocab);
  validate_vocabulary_size(opened);
  return opened;
}

}  // namespace quipu::io
