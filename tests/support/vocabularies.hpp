/// @file Vocabularies for tests: real ones from the shared folder, and tiny ones made on the spot.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <quipu/io/gguf.hpp>
#include <quipu/io/gguf_vocabulary.hpp>
#include <quipu/text/byte_alphabet.hpp>
#include <quipu/text/sentencepiece_model.hpp>
#include <quipu/text/vocabulary.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "support/json_file.hpp"
#include "support/shared_data.hpp"

namespace quipu::test {

/// File of the shared vocabulary "gpt-2", "llama-bpe", "qwen2" (GGUF) or "llama2"
/// (tokenizer.model); "smollm2" is the checkpoint itself, an empty path if it is absent.
inline std::filesystem::path vocabulary_path(const std::string& name) {
  if (name == "smollm2") return smollm2_path();
  const auto folder = shared_root() / "data" / "tokenizers" / name;
  return name == "llama2" ? folder / "tokenizer.model" : folder / ("ggml-vocab-" + name + ".gguf");
}

inline text::vocabulary read_vocabulary(const std::filesystem::path& path) {
  return path.extension() == ".gguf" ? io::read_gguf_vocabulary(path.string())
                                     : text::read_sentencepiece_model(path.string());
}

/// The array "cases" of a golden file.
inline nlohmann::json read_cases(const std::filesystem::path& path) {
  return read_json(path).at("cases");
}

/// A sentencepiece vocabulary: unk, bos, eos, 256 byte tokens (3 to 258), then `pieces` with
/// `scores`.
inline text::vocabulary tiny_sentencepiece(const std::vector<std::string>& pieces,
                                           const std::vector<float>& scores) {
  text::vocabulary v;
  v.kind = text::tokenizer_kind::sentencepiece;
  v.unk = 0;
  v.bos = 1;
  v.eos = 2;
  v.add_bos = true;
  v.add_space_prefix = true;
  v.tokens = {"<unk>", "<s>", "</s>"};
  v.kinds = {text::token_kind::unknown, text::token_kind::control, text::token_kind::control};
  const std::string_view digits = "0123456789ABCDEF";
  for (std::size_t byte = 0; byte < 256; ++byte) {
    v.tokens.push_back(std::string("<0x") + digits[byte / 16] + digits[byte % 16] + ">");
    v.kinds.push_back(text::token_kind::byte);
  }
  v.scores.assign(v.tokens.size(), 0.0f);
  v.tokens.insert(v.tokens.end(), pieces.begin(), pieces.end());
  v.scores.insert(v.scores.end(), scores.begin(), scores.end());
  v.kinds.resize(v.tokens.size(), text::token_kind::normal);
  return v;
}

/// A byte-level vocabulary: the 256 bytes (0 to 255), then the result of every merge; merges are
/// given as bytes. Control tokens `<|endoftext|>` and `<|im_start|>` stand after them.
inline text::vocabulary tiny_byte_level(
    const std::vector<std::pair<std::string, std::string>>& merges,
    const std::string& pre_tokenizer = "gpt-2") {
  text::vocabulary v;
  v.kind = text::tokenizer_kind::byte_level_bpe;
  v.pre_tokenizer = pre_tokenizer;
  for (int byte = 0; byte < 256; ++byte) {
    v.tokens.push_back(text::encode_byte_alphabet(std::string(1, static_cast<char>(byte))));
  }
  for (const auto& [left, right] : merges) {
    v.merges.emplace_back(text::encode_byte_alphabet(left), text::encode_byte_alphabet(right));
    v.tokens.push_back(text::encode_byte_alphabet(left + right));
  }
  v.kinds.assign(v.tokens.size(), text::token_kind::normal);
  v.eos = static_cast<token_id>(v.tokens.size());
  v.tokens.insert(v.tokens.end(), {"<|endoftext|>", "<|im_start|>"});
  v.kinds.insert(v.kinds.end(), 2, text::token_kind::control);
  return v;
}

}  // namespace quipu::test
