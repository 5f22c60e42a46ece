// What write.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/hex.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/ffn/stored_thresholds.hpp>
#include <quipu/io/atomic_folder.hpp>
#include <quipu/io/checkpoint_content.hpp>
#include <quipu/io/dequantise.hpp>
#include <quipu/io/gguf_writer.hpp>
#include <quipu/io/hf_writer.hpp>
#include <quipu/io/tensor_names.hpp>
#include <quipu/io/tensor_values.hpp>
#include <quipu/io/tokenizer_files.hpp>
#include <quipu/prosparse/write.hpp>

namespace quipu::prosparse {

namespace detail {

/// What no gate of a layer can exceed: a normalised row has a length of at most sqrt(d_model) before the norm's weights.
/// @return (d_ffn)
[[nodiscard]] inline std::vector<double> largest_gates(const io::checkpoint& source, std::size_t layer) {
  const io::tensor_view& gate = source.at(io::layer_name(layer, "mlp.gate_proj.weight"));
  const auto norm = io::values_of<double>(source.at(io::layer_name(layer, "post_attention_layernorm.weight")));
  const io::tensor_view* const bias = source.find(io::layer_name(layer, "mlp.gate_proj.bias"));
  const auto shift = bias == nullptr ? std::vector<double>() : io::values_of<double>(*bias);
  const std::size_t d_model = source.config.d_model;
  std::vector<double> largest(source.config.d_ffn), row(d_model);
  for (std::size_t i = 0; i < largest.size(); ++i) {
    io::dequantise_row(gate.type, gate.bytes.data() + i * row_bytes(gate.type, d_model), row.data(), d_model);
    double sum = 0;
    for (std::size_t k = 0; k < d_model; ++k) sum += row[k] * norm[k] * row[k] * norm[k];
    largest[i] = std::sqrt(sum * static_cast<double>(d_model)) + (shift.empty() ? 0 : shift[i]);
  }
  return largest;
}

inline void check_hash(std::string_view what, std::uint64_t of, const io::checkpoint& source) {
  if (of == 0) return;
  const std::uint64_t own = io::content_hash(source);
  if (of != own) fail<config_error>(what, concat("those of these weights, whose hash is ", hex_digits(own)), hex_digits(of));
}

}  // namespace detail

QUIPU_INLINE io::checkpoint with_thresholds(io::checkpoint source, const ffn::thresholds& t) {
  io::model_config& c = source.config;
  if (c.hidden_act != "relu" && c.hidden_act != "fatrelu")
    fail<config_error>(concat(source.path, ": hidden_act of a model with thresholds of gates"), "relu or fatrelu", printable(c.hidden_act));
  t.check(c);
  detail::check_hash("thresholds", t.content_hash, source);
  const auto own = [&](std::size_t layer, std::size_t i) {
    double limit = c.activation_threshold;
    if (!t.of_layers.empty()) limit = std::max(limit, t.of_layers[layer]);
    if (!t.of_neurons.empty()) limit = std::max(limit, static_cast<double>(t.of_neurons[layer][i]));
    return limit;
  };
  double least = own(0, 0), largest = least;
  std::vector<std::vector<float>> all;
  for (std::size_t layer = 0; layer < c.n_layer; ++layer) {
    const std::vector<double> gates = detail::largest_gates(source, layer);
    std::size_t n_dead = 0;
    all.emplace_back(c.d_ffn);
    for (std::size_t i = 0; i < c.d_ffn; ++i) {
      const double limit = own(layer, i);
      least = std::min(least, limit), largest = std::max(largest, limit);
      all.back()[i] = static_cast<float>(limit);
      n_dead += limit > gates[i];
    }
    if (n_dead == c.d_ffn) fail<config_error>(concat("thresholds of layer ", layer), "some that a gate can reach", "every neuron dead");
  }
  c.hidden_act = "fatrelu";
  c.activation_threshold = least;
  ffn::store_thresholds(source, least == largest ? std::vector<std::vector<float>>() : all);
  return source;
}

QUIPU_INLINE io::checkpoint with_levels(io::checkpoint source, const ffn::sparse_levels& levels, std::string_view first_criterion,
                                        std::string_view second_criterion) {
  ffn::sparse_levels checked = levels;
  checked.content_hash = 0;  // compared here, since the checkpoint is no content yet
  checked.check(source.config, io::checkpoint_content());
  detail::check_hash("sparse levels", levels.content_hash, source);
  ffn::store_levels(source, levels, first_criterion, second_criterion);
  return source;
}

QUIPU_INLINE void write_checkpoint(const std::filesystem::path& path, const io::checkpoint& source, const write_options& options) {
  if (path.extension() == ".gguf") {
    io::write_gguf(path.string(), source, {options.type, options.progress});
    return;
  }
  constexpr std::array<std::string_view, 1> obsolete{"model.safetensors.index.json"};
  io::atomic_folder folder(path);
  io::write_hf_files(folder.path(), source, {options.type, options.progress});
  if (source.vocabulary.kind != text::tokenizer_kind::none) io::write_tokenizer_files(folder.path(), source, source.path);
  folder.commit("config.json", obsolete);
}

}  // namespace quipu::prosparse
