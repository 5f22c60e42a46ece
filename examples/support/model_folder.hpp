/// @file A Hugging Face folder with its tokenizer, written as one.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <quipu/io/atomic_folder.hpp>
#include <quipu/io/hf_writer.hpp>
#include <quipu/io/tokenizer_files.hpp>

namespace terminal {

/// What the folder held of another model's weights and tokenizer does not stay.
/// @param tokenizer  where the vocabulary came from; empty: none is written
inline void write_model_folder(const std::string& path, const quipu::io::checkpoint& model, const std::string& tokenizer,
                               const quipu::io::hf_options& options = {}) {
  namespace io = quipu::io;
  io::atomic_folder folder(path);
  io::write_hf_files(folder.path(), model, options);
  if (!tokenizer.empty()) io::write_tokenizer_files(folder.path(), model, tokenizer);
  std::vector<std::string_view> obsolete(io::tokenizer_file_names.begin(), io::tokenizer_file_names.end());
  obsolete.push_back("model.safetensors.index.json");
  folder.commit("config.json", obsolete);
}

}  // namespace terminal
