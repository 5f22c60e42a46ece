// What gguf_writer.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/tensor_type.hpp>
#include <quipu/io/checkpoint.hpp>
#include <quipu/io/export_tensor.hpp>
#include <quipu/io/gguf_key_writer.hpp>
#include <quipu/io/gguf_names.hpp>
#include <quipu/io/gguf_output.hpp>
#include <quipu/io/gguf_writer.hpp>
#include <quipu/io/llama3_factors.hpp>
#include <quipu/io/quantise.hpp>
#include <quipu/io/tensor_names.hpp>
#include <quipu/io/validate.hpp>

namespace quipu::io {

namespace detail {

/// The tensors in the order of the model, which is the order in which they are read. They refer to `source`.
[[nodiscard]] inline std::vector<gguf_output_tensor> plan_gguf_tensors(const checkpoint& source,
                                                                       const gguf_options& options) {
  std::vector<gguf_output_tensor> plan;
  const auto add = [&](const std::vector<expected_tensor>& tensors) {
    for (const expected_tensor& tensor : tensors) {
      const bool matrix = tensor.shape.size() > 1;
      const tensor_type type =
          matrix ? options.matrix_type.value_or(source.at(tensor.name).type) : tensor_type::f32;
      plan.push_back({gguf_name_of_hf(tensor.name).value(), type, tensor.shape, [&source, name = tensor.name, type] {
                        return export_tensor(source, name, type, rope_layout::neighbours);
                      }, tensor.name});
    }
  };
  add(tensors_outside_layers(source.config));
  for (std::size_t layer = 0; layer < source.config.n_layer; ++layer) {
    add(tensors_of_layer(source.config, layer));
  }
  const bool llama3 = source.config.scaling.type == rope_scaling::kind::llama3;
  if (llama3 || !source.config.rope_factors.empty()) {
    plan.push_back({"rope_freqs.weight", tensor_type::f32, {source.config.d_head / 2}, [&source, llama3] {
                      const std::vector<float> factors =
                          llama3 ? llama3_factors(source.config) : source.config.rope_factors;
                      const auto bytes = std::as_bytes(std::span(factors));
                      return std::vector<std::byte>(bytes.begin(), bytes.end());
                    }});
  }
  for (const auto& [name, tensor] : source.further) {
    plan.push_back({name, tensor.type, tensor.shape,
                    [&tensor = tensor] { return std::vector<std::byte>(tensor.bytes.begin(), tensor.bytes.end()); }});
  }
  return plan;
}

/// llama.cpp's `general.file_type` of a file whose matrices are mostly `type`.
[[nodiscard]] inline std::size_t gguf_file_type(tensor_type type) {
  switch (type) {
    case tensor_type::f32: return 0;
    case tensor_type::f16: return 1;
    case tensor_type::q4_0: return 2;
    case tensor_type::q4_1: return 3;
    case tensor_type::q8_0: return 7;
    case tensor_type::q5_0: return 8;
    case tensor_type::q5_1: return 9;
    case tensor_type::q2_k: return 10;
    case tensor_type::q3_k: return 12;
    case tensor_type::q4_k: return 15;
    case tensor_type::q5_k: return 17;
    case tensor_type::q6_k: return 18;
    case tensor_type::iq4_nl: return 25;
    case tensor_type::bf16: return 32;
    default: return 1024;  // LLAMA_FTYPE_GUESSED
  }
}

}  // namespace detail

QUIPU_INLINE void write_gguf(const std::string& path, const checkpoint& source, const gguf_options& options) {
  checkpoint checked = source;  // shares the bytes
  validate(checked);
  const bool llama3 = checked.config.scaling.type == rope_scaling::kind::llama3;
  if (llama3 && !checked.config.rope_factors.empty()) {
    fail<config_error>("write_gguf: rope", "a llama3 scaling or a table of factors", "both");
  }
  if (options.matrix_type && !can_quantise(*options.matrix_type)) {
    fail<config_error>("write_gguf: matrix_type", quantised_type_names, name_of(*options.matrix_type));
  }
  gguf_key_writer keys;
  add_gguf_config(keys, checked.config);
  const tensor_type main_type = options.matrix_type.value_or(
      checked.at(layer_name(0, "mlp.down_proj.weight")).type);
  keys.size("general.file_type", detail::gguf_file_type(main_type));
  keys.size("general.quantization_version", 2);
  for (const auto& [key, value] : checked.metadata) keys.text(key, value);
  add_gguf_vocabulary(keys, checked.vocabulary, checked.config);
  write_gguf_file(path, keys, detail::plan_gguf_tensors(checked, options), options.progress);
}

}  // namespace quipu::io
