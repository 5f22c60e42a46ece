// What plane_file.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/hex.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/core/tensor_type.hpp>
#include <quipu/ffn/file_numbers.hpp>
#include <quipu/ffn/plane_file.hpp>
#include <quipu/io/checkpoint_content.hpp>
#include <quipu/io/safetensors.hpp>
#include <quipu/io/safetensors_writer.hpp>

namespace quipu::ffn {

namespace detail {

inline constexpr const char *plane_form_key = "quipu.gate_planes", *plane_form = "1", *plane_seed_key = "quipu.dither_seed", *plane_columns_key = "quipu.n_col",
                            *plane_weights_key = "quipu.content_hash", *plane_layers_key = "quipu.n_layer", *plane_bytes_key = "quipu.planes_hash";

using plane_tensors = std::map<std::string, io::tensor_view, std::less<>>;

/// What tells a damaged file from a whole one.
[[nodiscard]] inline std::uint64_t hash_of(const plane_tensors& tensors) {
  io::checkpoint all;
  all.tensors = tensors;
  return io::content_hash(all);
}

/// A tensor of planes as it must be.
[[nodiscard]] inline std::span<const std::byte> plane_bytes(const io::safetensors_file& file, const std::string& name, tensor_type type,
                                                            const std::vector<std::size_t>& shape) {
  const io::tensor_view& t = file.at(name);
  const auto show = [](tensor_type of, const std::vector<std::size_t>& extents) {
    std::string text(name_of(of));
    for (const std::size_t n : extents) text += concat(" ", n);
    return text;
  };
  if (t.type != type || t.shape != shape) fail<format_error>(concat(file.path(), ": ", name), show(type, shape), show(t.type, t.shape));
  return t.bytes;
}

}  // namespace detail

QUIPU_INLINE void write_planes(const std::string& path, const plane_data& data) {
  detail::plane_tensors tensors;
  std::size_t n_col = 0;
  for (std::size_t l = 0; l < data.layers.size(); ++l) {
    const plane_layer& layer = data.layers[l];
    if (layer.planes == nullptr) continue;
    const linear::gate_planes& p = *layer.planes;
    n_col = p.n_col;
    const auto add = [&](const char* part, tensor_type type, std::vector<std::size_t> shape, std::span<const std::byte> bytes) {
      tensors.emplace(concat("layers.", l, ".", part), io::tensor_view{type, std::move(shape), bytes});
    };
    add("high", tensor_type::u8, {p.n_tile(), p.form().tile_bytes(linear::integer_form::high_lines)}, p.high.span());
    add("low", tensor_type::u8, {p.n_neuron, p.form().low_bytes()}, p.low.span());
    add("scale", tensor_type::f32, {p.scale.size()}, std::as_bytes(p.scale.span()));
    add("error", tensor_type::f64, {1}, std::as_bytes(std::span(&layer.relative_error, 1)));
  }
  if (tensors.empty()) fail<config_error>("write_planes: layers with planes", "at least one", "none");
  io::write_safetensors(path, tensors, {{detail::plane_form_key, detail::plane_form},
                                        {detail::plane_seed_key, hex_digits(data.dither_seed)},
                                        {detail::plane_columns_key, std::to_string(n_col)},
                                        {detail::plane_weights_key, hex_digits(data.content_hash)},
                                        {detail::plane_layers_key, std::to_string(data.layers.size())},
                                        {detail::plane_bytes_key, hex_digits(detail::hash_of(tensors))}});
}

QUIPU_INLINE std::shared_ptr<const plane_data> read_planes(const std::string& path) {
  const io::safetensors_file file(path);
  const auto stated = file.metadata().find(detail::plane_form_key);
  if (stated == file.metadata().end() || stated->second != detail::plane_form)
    fail<format_error>(concat(path, ": ", detail::plane_form_key), detail::plane_form, stated == file.metadata().end() ? "nothing" : printable(stated->second));
  auto data = std::make_shared<plane_data>();
  data->dither_seed = detail::number_in<std::uint64_t>(file, detail::plane_seed_key, 16);
  data->content_hash = detail::number_in<std::uint64_t>(file, detail::plane_weights_key, 16);
  const auto n_layer = detail::number_in<std::size_t>(file, detail::plane_layers_key);
  const auto n_col = detail::number_in<std::size_t>(file, detail::plane_columns_key);
  constexpr std::size_t most_layers = 100'000;  // layers may be without planes, so tensors do not say how many there are
  if (n_layer == 0 || n_layer > most_layers) fail<format_error>(concat(path, ": ", detail::plane_layers_key), concat("1 .. ", most_layers), n_layer);
  if (n_col == 0 || n_col > linear::largest_integer_columns)
    fail<format_error>(concat(path, ": ", detail::plane_columns_key), concat("1 .. ", linear::largest_integer_columns), n_col);
  const auto of_bytes = detail::number_in<std::uint64_t>(file, detail::plane_bytes_key, 16);
  data->layers.resize(n_layer);
  for (std::size_t l = 0; l < n_layer; ++l) {
    const auto name = [&](const char* part) { return concat("layers.", l, ".", part); };
    const io::tensor_view* const low = file.find(name("low"));
    if (low == nullptr) continue;
    if (low->shape.size() != 2) fail<format_error>(concat(path, ": ", name("low")), "a matrix", concat(low->shape.size(), " dimensions"));
    const linear::gate_shape shape{low->shape[0], n_col};
    const auto form = shape.form();
    // Memory is asked for only when all sizes are known to be the file's.
    const auto low_bytes = detail::plane_bytes(file, name("low"), tensor_type::u8, {shape.n_neuron, form.low_bytes()});
    const auto high_bytes = detail::plane_bytes(file, name("high"), tensor_type::u8, {shape.n_tile(), form.tile_bytes(linear::integer_form::high_lines)});
    const auto scale_bytes = detail::plane_bytes(file, name("scale"), tensor_type::f32, {shape.n_tile() * linear::integer_tile_rows});
    const auto error_bytes = detail::plane_bytes(file, name("error"), tensor_type::f64, {1});
    auto planes = std::make_shared<linear::gate_planes>(shape);
    std::copy(low_bytes.begin(), low_bytes.end(), planes->low.span().begin());
    std::copy(high_bytes.begin(), high_bytes.end(), planes->high.span().begin());
    if (!scale_bytes.empty()) std::memcpy(planes->scale.data(), scale_bytes.data(), scale_bytes.size());
    std::memcpy(&data->layers[l].relative_error, error_bytes.data(), sizeof(double));
    planes->draw_dither(data->dither_seed, l);
    if (const std::string flaw = planes->flaw(); !flaw.empty()) fail<format_error>(concat(path, ": planes of layer ", l), "multipliers of 1 .. 16 and finite scales", flaw);
    if (!(data->layers[l].relative_error >= 0 && std::isfinite(data->layers[l].relative_error)))
      fail<format_error>(concat(path, ": ", name("error")), "a finite number of at least 0", data->layers[l].relative_error);
    data->layers[l].planes = std::move(planes);
  }
  if (std::none_of(data->layers.begin(), data->layers.end(), [](const plane_layer& l) { return l.planes != nullptr; }))
    fail<format_error>(path, "planes of a layer (layers.0.low)", "none");
  if (const std::uint64_t found = detail::hash_of(file.tensors()); found != of_bytes)
    fail<format_error>(concat(path, ": hash of the planes"), hex_digits(of_bytes), hex_digits(found));
  return data;
}

}  // namespace quipu::ffn
