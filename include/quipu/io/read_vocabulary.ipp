// What read_vocabulary.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include <quipu/core/mapped_file.hpp>
#include <quipu/io/gguf_vocabulary.hpp>
#include <quipu/io/read_vocabulary.hpp>
#include <quipu/text/llama2c_tokenizer.hpp>
#include <quipu/text/sentencepiece_model.hpp>
#include <quipu/text/tokenizer_folder.hpp>
#include <quipu/text/tokenizer_json.hpp>
#include <quipu/text/vocabulary.hpp>

namespace quipu::io {

QUIPU_INLINE text::vocabulary read_vocabulary(const std::string& path, std::size_t n_vocab) {
  std::error_code trouble;
  if (std::filesystem::is_directory(path, trouble)) return text::read_tokenizer_folder(path);
  const mapped_file file(path);
  const std::string_view bytes = file.text();
  if (bytes.starts_with("GGUF")) return read_gguf_vocabulary(path);
  const std::size_t first = bytes.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && bytes[first] == '{') return text::read_tokenizer_json(path);
  // A SentencePiece model begins with field 1 of a protobuf message, its first token.
  if (bytes.starts_with('\n')) return text::read_sentencepiece_model(path);
  return text::read_llama2c_tokenizer(path, n_vocab);
}

}  // namespace quipu::io
