// What llama2c.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/mapped_file.hpp>
#include <quipu/core/tensor_type.hpp>
#include <quipu/io/byte_reader.hpp>
#include <quipu/io/checkpoint.hpp>
#include <quipu/io/llama2c.hpp>
#include <quipu/io/llama2c_header.hpp>
#include <quipu/io/tensor_names.hpp>
#include <quipu/io/validate.hpp>
#include <quipu/text/llama2c_tokenizer.hpp>

namespace quipu::io {

QUIPU_INLINE std::vector<llama2c_section> llama2c_sections(const model_config& c, int version) {
  const llama2c_section attention_norms = {"input_layernorm.weight", c.d_model, 0, true};
  const llama2c_section ffn_norms = {"post_attention_layernorm.weight", c.d_model, 0, true};
  const llama2c_section final_norm = {final_norm_name, c.d_model, 0, false};
  const llama2c_section embedding = {embedding_name, c.n_vocab, c.d_model, false};
  const llama2c_section attention[] = {{"self_attn.q_proj.weight", c.d_q(), c.d_model, true},
                                       {"self_attn.k_proj.weight", c.d_kv(), c.d_model, true},
                                       {"self_attn.v_proj.weight", c.d_kv(), c.d_model, true},
                                       {"self_attn.o_proj.weight", c.d_model, c.d_q(), true}};
  const llama2c_section ffn[] = {{"mlp.gate_proj.weight", c.d_ffn, c.d_model, true},   // w1
                                 {"mlp.down_proj.weight", c.d_model, c.d_ffn, true},   // w2
                                 {"mlp.up_proj.weight", c.d_ffn, c.d_model, true}};    // w3
  std::vector<llama2c_section> sections;
  if (version == 0) {
    sections = {embedding, attention_norms};
    sections.insert(sections.end(), std::begin(attention), std::end(attention));
    sections.push_back(ffn_norms);
    sections.insert(sections.end(), std::begin(ffn), std::end(ffn));
    sections.push_back(final_norm);
  } else {
    sections = {attention_norms, ffn_norms, final_norm, embedding};
    sections.insert(sections.end(), std::begin(attention), std::end(attention));
    sections.insert(sections.end(), std::begin(ffn), std::end(ffn));
  }
  if (!c.tied_embeddings) sections.push_back({head_name, c.n_vocab, c.d_model, false});
  return sections;
}

namespace detail {

/// A matrix of version 2: (rows * cols) bytes of integers, then a float for each group. The groups are not
/// ggml's blocks (their scales are binary32), so the exact floats are kept instead.
inline tensor_view read_llama2c_groups(byte_reader& in, const llama2c_section& section,
                                       std::size_t group_size, checkpoint& opened) {
  const std::size_t n = section.rows * section.cols;
  const std::span<const std::byte> integers = in.take(n, "weights");
  const std::span<const std::byte> scales = in.take(n / group_size * sizeof(float), "scales");
  auto values = std::make_shared<std::vector<std::byte>>(n * sizeof(float));
  for (std::size_t i = 0; i < n; ++i) {
    const auto q = static_cast<float>(load_unaligned<std::int8_t>(integers.data() + i));
    const auto scale = load_unaligned<float>(scales.data() + i / group_size * sizeof(float));
    store_unaligned(values->data() + i * sizeof(float), q * scale);
  }
  opened.owned.push_back(values);
  return {tensor_type::f32, {section.rows, section.cols}, *values};
}

/// run.c multiplies row by row in whole groups and silently leaves out what remains of a row.
inline void check_llama2c_groups(const llama2c_header& header, const std::string& place) {
  for (const std::size_t row : {header.config.d_model, header.config.d_ffn}) {
    if (row % header.group_size != 0) {
      fail<format_error>(concat(place, ": rows of quantised weights"),
                         concat("a multiple of the group size ", header.group_size),
                         concat(row, " (the file's groups run across the ends of rows)"));
    }
  }
}

}  // namespace detail

QUIPU_INLINE checkpoint parse_llama2c(std::span<const std::byte> file, const std::string& place) {
  byte_reader in(file, place);
  const llama2c_header header = read_llama2c_header(in);
  if (header.version == 2) detail::check_llama2c_groups(header, place);
  const std::size_t expected = llama2c_file_bytes(header, place);
  if (expected != file.size()) {
    fail<format_error>(concat(place, ": llama2.c version ", header.version),
                       concat(expected, " bytes for the sizes in the header"), file.size());
  }
  checkpoint opened;
  opened.path = place;
  opened.format = concat("llama2.c v", header.version);
  opened.config = header.config;
  opened.rope = rope_layout::neighbours;
  const model_config& c = opened.config;
  for (const llama2c_section& section : llama2c_sections(c, header.version)) {
    if (section.part == head_name && header.version == 0) {
      (void)in.take(c.n_ctx * c.d_head * sizeof(float), "cosine and sine tables");
    }
    for (std::size_t layer = 0; layer < (section.per_layer ? c.n_layer : 1); ++layer) {
      tensor_view tensor;
      if (section.cols == 0) {
        tensor = {tensor_type::f32, {section.rows}, in.take(section.rows * sizeof(float), "norm")};
      } else if (header.version == 2) {
        tensor = detail::read_llama2c_groups(in, section, header.group_size, opened);
      } else {
        tensor = {tensor_type::f32,
                  {section.rows, section.cols},
                  in.take(section.rows * section.cols * sizeof(float), "weights")};
      }
      const std::string_view part = section.part;
      opened.tensors.emplace(section.per_layer ? layer_name(layer, part) : std::string(part), tensor);
    }
  }
  validate(opened);
  return opened;
}

QUIPU_INLINE checkpoint open_llama2c(const std::string& path, const std::string& tokenizer, file_access how) {
  auto file = std::make_shared<const mapped_file>(path, how);
  checkpoint opened = parse_llama2c(file->bytes(), path);
  opened.files.push_back(std::move(file));
  if (!tokenizer.empty()) {
    opened.vocabulary = text::read_llama2c_tokenizer(tokenizer, opened.config.n_vocab);
    validate_vocabulary_size(opened);
  }
  return opened;
}

QUIPU_INLINE checkpoint open_llama2c(const std::string& path, file_access how) {
  namespace fs = std::filesystem;
  checkpoint opened = open_llama2c(path, std::string(), how);
  const fs::path folder = fs::path(path).parent_path();
  for (const std::string& name : {concat("tok", opened.config.n_vocab, ".bin"), std::string("tokenizer.bin")}) {
    std::error_code trouble;
    if (!fs::exists(folder / name, trouble)) continue;
    opened.vocabulary = text::read_llama2c_tokenizer((folder / name).string(), opened.config.n_vocab);
    validate_vocabulary_size(opened);
    break;
  }
  return opened;
}

}  // namespace quipu::io
