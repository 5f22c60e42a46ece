/// @file Writer of GGUF files that llama.cpp runs.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/tensor_type.hpp>
#include <quipu/io/atomic_file.hpp>
#include <quipu/io/checked_size.hpp>
#include <quipu/io/checkpoint.hpp>
#include <quipu/io/export_tensor.hpp>
#include <quipu/io/gguf_key_writer.hpp>
#include <quipu/io/gguf_names.hpp>
#include <quipu/io/gguf_types.hpp>
#include <quipu/io/llama3_factors.hpp>
#include <quipu/io/tensor_names.hpp>
#include <quipu/io/validate.hpp>

namespace quipu::io {

struct gguf_options {
  /// F32, F16, BF16, Q8_0, Q4_0 or Q4_1 for all matrices; empty keeps every matrix as it is stored.
  /// Norms and biases are always F32.
  std::optional<tensor_type> matrix_type;
};

namespace detail {

struct gguf_tensor_plan {
  std::string hf_name;  ///< empty for the rotary factors
  std::string gguf_name;
  tensor_type type;
  std::vector<std::size_t> shape;
};

/// The tensors in the order of the model, which is the order in which they are read.
[[nodiscard]] inline std::vector<gguf_tensor_plan> plan_gguf_tensors(const checkpoint& source,
                                                                     const gguf_options& options) {
  std::vector<gguf_tensor_plan> plan;
  const auto add = [&](const std::vector<expected_tensor>& tensors) {
    for (const expected_tensor& tensor : tensors) {
      const bool matrix = tensor.shape.size() > 1;
      const tensor_type type =
          matrix ? options.matrix_type.value_or(source.at(tensor.name).type) : tensor_type::f32;
      plan.push_back({tensor.name, gguf_name_of_hf(tensor.name).value(), type, tensor.shape});
    }
  };
  add(tensors_outside_layers(source.config));
  for (std::size_t layer = 0; layer < source.config.n_layer; ++layer) {
    add(tensors_of_layer(source.config, layer));
  }
  if (source.config.scaling.type == rope_scaling::kind::llama3 || !source.config.rope_factors.empty()) {
    plan.push_back({"", "rope_freqs.weight", tensor_type::f32, {source.config.d_head / 2}});
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

/// Writes config, vocabulary and tensors as one GGUF v3 file, atomically.
///
/// Query and key rows are brought into GGUF's order. Another activation than SiLU is stated in keys of
/// our own (`gguf_hidden_act_key`), which llama.cpp does not know: it would run such a model with SiLU.
/// @param source  tensors under Hugging Face's names, in either rope layout
/// @throws config_error  a type that cannot be written, rows that are not whole blocks of it, or both a
///                       llama3 scaling and a table of rotary factors
/// @throws format_error  the checkpoint is not complete
/// @throws io_error      the file cannot be written
inline void write_gguf(const std::string& path, const checkpoint& source, const gguf_options& options = {}) {
  constexpr std::size_t alignment = 32;
  checkpoint checked = source;  // shares the bytes
  validate(checked);
  const bool llama3 = checked.config.scaling.type == rope_scaling::kind::llama3;
  if (llama3 && !checked.config.rope_factors.empty()) {
    fail<config_error>("write_gguf: rope", "a llama3 scaling or a table of factors", "both");
  }
  if (options.matrix_type && !can_quantise(*options.matrix_type)) {
    fail<config_error>("write_gguf: matrix_type", "F64, F32, F16, BF16, Q8_0, Q4_0 or Q4_1",
                       name_of(*options.matrix_type));
  }
  const std::vector<detail::gguf_tensor_plan> plan = detail::plan_gguf_tensors(checked, options);
  gguf_key_writer keys;
  add_gguf_config(keys, checked.config);
  const tensor_type main_type = options.matrix_type.value_or(
      checked.at(layer_name(0, "mlp.down_proj.weight")).type);
  keys.size("general.file_type", detail::gguf_file_type(main_type));
  keys.size("general.quantization_version", 2);
  add_gguf_vocabulary(keys, checked.vocabulary, checked.config);

  std::string table;
  std::size_t offset = 0;
  for (const detail::gguf_tensor_plan& tensor : plan) {
    gguf_key_writer::append_text(table, tensor.gguf_name);
    gguf_key_writer::append(table, static_cast<std::uint32_t>(tensor.shape.size()));
    for (std::size_t axis = tensor.shape.size(); axis-- > 0;) {
      gguf_key_writer::append(table, static_cast<std::uint64_t>(tensor.shape[axis]));
    }
    gguf_key_writer::append(table, ggml_number_of(tensor.type));
    gguf_key_writer::append(table, static_cast<std::uint64_t>(offset));
    if (tensor.shape.back() % block_of(tensor.type).elements != 0) {
      fail<config_error>(concat("write_gguf: ", tensor.hf_name, ": row of ", name_of(tensor.type)),
                         concat("a multiple of ", block_of(tensor.type).elements), tensor.shape.back());
    }
    const std::size_t bytes = checked_bytes(tensor.type, tensor.shape, tensor.gguf_name);
    offset += (bytes + alignment - 1) / alignment * alignment;
  }

  atomic_file file(path);
  file.value(gguf_magic);
  file.value(std::uint32_t{3});
  file.value(static_cast<std::uint64_t>(plan.size()));
  file.value(keys.count());
  file.write(keys.bytes());
  file.write(table);
  file.pad(alignment);
  for (const detail::gguf_tensor_plan& tensor : plan) {
    if (!tensor.hf_name.empty()) {
      file.write(export_tensor(checked, tensor.hf_name, tensor.type, rope_layout::neighbours));
    } else {
      const std::vector<float> factors = llama3 ? llama3_factors(checked.config) : checked.config.rope_factors;
      file.write(std::as_bytes(std::span(factors)));
    }
    file.pad(alignment);
  }
  file.commit();
}

}  // namespace quipu::io
