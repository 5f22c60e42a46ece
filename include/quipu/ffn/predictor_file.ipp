// What predictor_file.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/hex.hpp>
#include <quipu/core/mapped_file.hpp>
#include <quipu/core/number_text.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/core/tensor_type.hpp>
#include <quipu/ffn/file_numbers.hpp>
#include <quipu/ffn/predictor_file.hpp>
#include <quipu/io/gguf_file.hpp>
#include <quipu/io/safetensors.hpp>
#include <quipu/io/safetensors_writer.hpp>
#include <quipu/io/tensor_values.hpp>

namespace quipu::ffn {

namespace detail {

inline constexpr const char *predictor_kind_key = "quipu.predictor", *predictor_least_key = "quipu.least", *predictor_hash_key = "quipu.content_hash",
                            *predictor_layers_key = "quipu.n_layer";

/// A matrix in a file, which lies at any address.
[[nodiscard]] inline linear::stored_matrix matrix_in(const io::tensor_view& t, const std::string& place) {
  if (t.shape.size() != 2) fail<format_error>(place, "a matrix", concat(t.shape.size(), " dimensions"));
  if (!is_weight_type(t.type)) fail<format_error>(place, "a type of weights", name_of(t.type));
  return {t.type, t.shape[0], t.shape[1], t.bytes.data(), row_bytes(t.type, t.shape[1]), nullptr};
}

}  // namespace detail

QUIPU_INLINE void write_predictor(const std::string& path, std::string_view kind, const predictor_data& data) {
  if (data.layers.empty()) fail<config_error>("write_predictor: layers", "at least one", "none");
  std::map<std::string, io::tensor_view, std::less<>> tensors;
  for (std::size_t l = 0; l < data.layers.size(); ++l) {
    const predictor_layer& layer = data.layers[l];
    const auto add = [&](const char* name, const linear::stored_matrix& m) {
      if (is_quantised(m.type) || m.stride != row_bytes(m.type, m.cols)) fail<config_error>(concat("write_predictor: layer ", l, ", ", name), "plain values in whole rows", name_of(m.type));
      tensors.emplace(concat("layers.", l, ".", name), io::tensor_view{m.type, {m.rows, m.cols}, {m.data, m.n_byte()}});
    };
    add("first", layer.first);
    add("second", layer.second);
    if (!layer.least.empty()) tensors.emplace(concat("layers.", l, ".least"), io::tensor_view{tensor_type::f32, {layer.least.size()}, std::as_bytes(std::span(layer.least))});
  }
  io::write_safetensors(path, tensors, {{detail::predictor_kind_key, std::string(kind)},
                                        {detail::predictor_least_key, exact_text(data.least)},
                                        {detail::predictor_hash_key, hex_digits(data.content_hash)},
                                        {detail::predictor_layers_key, std::to_string(data.layers.size())}});
}

QUIPU_INLINE std::shared_ptr<const predictor_data> read_predictor(const std::string& path, std::string_view kind) {
  const io::safetensors_file file(path);
  const auto stated = file.metadata().find(detail::predictor_kind_key);
  if (stated == file.metadata().end() || stated->second != kind)
    fail<format_error>(concat(path, ": ", detail::predictor_kind_key), kind, stated == file.metadata().end() ? "nothing" : printable(stated->second));
  auto data = std::make_shared<predictor_data>();
  data->least = detail::number_in<double>(file, detail::predictor_least_key);
  data->content_hash = detail::number_in<std::uint64_t>(file, detail::predictor_hash_key, 16);
  const auto n_layer = detail::number_in<std::size_t>(file, detail::predictor_layers_key);
  if (n_layer == 0 || n_layer > file.tensors().size()) fail<format_error>(concat(path, ": ", detail::predictor_layers_key), "as many layers as there are tensors for", n_layer);
  for (std::size_t l = 0; l < n_layer; ++l) {
    const auto matrix = [&](const char* part) {
      const std::string name = concat("layers.", l, ".", part);
      return detail::matrix_in(file.at(name), concat(path, ": ", name));
    };
    predictor_layer layer{matrix("first"), matrix("second")};
    if (const io::tensor_view* least = file.find(concat("layers.", l, ".least"))) layer.least = io::values_of<float>(*least);
    data->layers.push_back(std::move(layer));
  }
  data->memory.push_back(file.file());
  return data;
}

QUIPU_INLINE mlp read_power_infer(const std::string& path) {
  auto file = std::make_shared<const mapped_file>(path);
  const io::gguf_contents contents = io::parse_gguf(file->bytes(), path, power_infer_magic);
  auto data = std::make_shared<predictor_data>();
  data->least = contents.metadata.number_or("powerinfer.sparse_threshold", 0);
  for (std::size_t l = 0;; ++l) {
    const auto first = contents.tensors.find(concat("blk.", l, ".fc1.weight")), second = contents.tensors.find(concat("blk.", l, ".fc2.weight"));
    if (first == contents.tensors.end() && second == contents.tensors.end()) break;
    if (first == contents.tensors.end() || second == contents.tensors.end())
      fail<format_error>(concat(path, ": predictor of layer ", l), "fc1 and fc2", first == contents.tensors.end() ? "no fc1" : "no fc2");
    data->layers.push_back({detail::matrix_in(first->second, concat(path, ": ", first->first)), detail::matrix_in(second->second, concat(path, ": ", second->first))});
  }
  if (data->layers.empty()) fail<format_error>(path, "predictors (blk.0.fc1.weight)", "none");
  data->memory.push_back(std::move(file));
  return {std::move(data)};
}

}  // namespace quipu::ffn
