// What stored_thresholds.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/ffn/place.hpp>  // density_tensor_name
#include <quipu/ffn/stored_thresholds.hpp>

namespace quipu::ffn {

namespace detail {

/// All values of a further tensor of a given shape; empty if it is not there.
template <class Value>
[[nodiscard]] std::vector<Value> further_values(const io::checkpoint_content& content, std::string_view name, const std::vector<std::size_t>& shape) {
  const io::tensor_view* const found = content.find(name);
  if (found == nullptr) return {};
  constexpr tensor_type type = std::is_same_v<Value, float> ? tensor_type::f32 : tensor_type::f64;
  const auto show = [](tensor_type t, const std::vector<std::size_t>& extents) {
    std::string text = concat(name_of(t), " (");
    for (std::size_t i = 0; i < extents.size(); ++i) text += concat(i == 0 ? "" : ", ", extents[i]);
    return text + ")";
  };
  if (found->type != type || found->shape != shape) fail<config_error>(concat("tensor ", name), show(type, shape), show(found->type, found->shape));
  std::vector<Value> values(found->n_element());
  std::memcpy(values.data(), found->bytes.data(), values.size() * sizeof(Value));
  return values;
}

[[nodiscard]] inline std::vector<std::vector<float>> further_rows(const io::checkpoint_content& content, std::string_view name, const io::model_config& c) {
  const std::vector<float> all = further_values<float>(content, name, {c.n_layer, c.d_ffn});
  std::vector<std::vector<float>> rows;
  for (std::size_t l = 0; l < c.n_layer && !all.empty(); ++l) {
    const auto first = all.begin() + static_cast<std::ptrdiff_t>(l * c.d_ffn);
    rows.emplace_back(first, first + static_cast<std::ptrdiff_t>(c.d_ffn));
  }
  return rows;
}

/// @param values  empty: the tensor goes away
template <class Value>
void put_further(io::checkpoint& to, std::string_view name, const std::vector<Value>& values, std::vector<std::size_t> shape) {
  if (const auto old = to.further.find(name); old != to.further.end()) to.further.erase(old);
  if (values.empty()) return;
  auto bytes = std::make_shared<std::vector<std::byte>>(values.size() * sizeof(Value));
  std::memcpy(bytes->data(), values.data(), bytes->size());
  to.further.emplace(name, io::tensor_view{std::is_same_v<Value, float> ? tensor_type::f32 : tensor_type::f64, std::move(shape), *bytes});
  to.owned.push_back(std::move(bytes));
}

inline void put_further_rows(io::checkpoint& to, std::string_view name, const std::vector<std::vector<float>>& rows) {
  std::vector<float> all;
  for (const auto& row : rows) all.insert(all.end(), row.begin(), row.end());
  put_further(to, name, all, {rows.size(), rows.empty() ? 0 : rows.front().size()});
}

}  // namespace detail

QUIPU_INLINE std::vector<std::vector<float>> stored_thresholds(const io::checkpoint_content& content, const io::model_config& c) {
  return detail::further_rows(content, threshold_tensor_name, c);
}

QUIPU_INLINE sparse_levels stored_levels(const io::checkpoint_content& content, const io::model_config& c, std::string_view first_criterion,
                                         std::string_view second_criterion) {
  sparse_levels levels;
  levels.first = detail::further_values<double>(content, first_level_tensor_name, {c.n_layer});
  levels.product = detail::further_values<double>(content, product_level_tensor_name, {c.n_layer});
  if (levels.first.empty() && levels.product.empty()) return levels;
  const auto check = [&](std::string_view key, std::string_view wanted) {
    const auto found = content.metadata().find(key);
    if (found != content.metadata().end() && found->second != wanted)
      fail<config_error>("levels beside the weights", concat("levels for ", wanted), printable(found->second));
  };
  check(first_criterion_key, first_criterion);
  check(second_criterion_key, second_criterion);
  auto gate = detail::further_rows(content, gate_size_tensor_name, c), up = detail::further_rows(content, up_size_tensor_name, c),
       down = detail::further_rows(content, down_norm_tensor_name, c);
  if (gate.empty() || up.empty() || down.empty()) return levels;
  for (std::size_t l = 0; l < c.n_layer; ++l) levels.sizes.push_back({std::move(gate[l]), std::move(up[l]), std::move(down[l])});
  return levels;
}

QUIPU_INLINE void store_thresholds(io::checkpoint& to, const std::vector<std::vector<float>>& of_neurons) {
  detail::put_further_rows(to, threshold_tensor_name, of_neurons);
}

QUIPU_INLINE void store_densities(io::checkpoint& to, const std::vector<double>& densities) {
  std::vector<float> values;
  for (const double d : densities) values.push_back(static_cast<float>(d));
  detail::put_further(to, density_tensor_name, values, {values.size()});
}

QUIPU_INLINE void store_levels(io::checkpoint& to, const sparse_levels& levels, std::string_view first_criterion, std::string_view second_criterion) {
  detail::put_further(to, first_level_tensor_name, levels.first, {levels.first.size()});
  detail::put_further(to, product_level_tensor_name, levels.product, {levels.product.size()});
  std::vector<std::vector<float>> gate, up, down;
  for (const neuron_sizes& each : levels.sizes) {
    gate.push_back(each.gate);
    up.push_back(each.up);
    down.push_back(each.down);
  }
  detail::put_further_rows(to, gate_size_tensor_name, gate);
  detail::put_further_rows(to, up_size_tensor_name, up);
  detail::put_further_rows(to, down_norm_tensor_name, down);
  to.metadata.insert_or_assign(std::string(first_criterion_key), std::string(first_criterion));
  to.metadata.insert_or_assign(std::string(second_criterion_key), std::string(second_criterion));
}

}  // namespace quipu::ffn
