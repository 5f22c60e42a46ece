/// @file Whole stored tensors as numbers in memory, and in another storage type.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/tensor_type.hpp>
#include <quipu/io/checkpoint.hpp>  // tensor_view
#include <quipu/io/dequantise.hpp>
#include <quipu/io/unaligned.hpp>

namespace quipu::io {

namespace detail {

template <class Stored, class Value>
std::vector<Value> integer_values(const tensor_view& tensor) {
  std::vector<Value> values(tensor.n_element());
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<Value>(load_unaligned<Stored>(tensor.bytes.data() + i * sizeof(Stored)));
  }
  return values;
}

}  // namespace detail

/// All elements in storage order. Weight types become floating-point numbers, integer types integers;
/// integers may be read as any type, weights only as `float` or `double`.
/// @throws config_error  weights are asked for as integers
template <class Value>
[[nodiscard]] std::vector<Value> values_of(const tensor_view& tensor) {
  switch (tensor.type) {
    case tensor_type::i64: return detail::integer_values<std::int64_t, Value>(tensor);
    case tensor_type::i32: return detail::integer_values<std::int32_t, Value>(tensor);
    case tensor_type::i16: return detail::integer_values<std::int16_t, Value>(tensor);
    case tensor_type::i8: return detail::integer_values<std::int8_t, Value>(tensor);
    case tensor_type::u8: return detail::integer_values<std::uint8_t, Value>(tensor);
    default: break;
  }
  if constexpr (std::is_same_v<Value, float> || std::is_same_v<Value, double>) {
    std::vector<Value> values(tensor.n_element());
    if (!values.empty()) dequantise_row(tensor.type, tensor.bytes.data(), values.data(), values.size());
    return values;
  } else {
    fail<config_error>("values_of: tensor type", "an integer type", name_of(tensor.type));
  }
}

#if defined(QUIPU_COMPILED)
extern template std::vector<float> values_of<float>(const tensor_view&);
extern template std::vector<double> values_of<double>(const tensor_view&);
#endif

/// The tensor stored as `type`, through float; the same type is copied as it is.
/// @throws config_error  `type` cannot be written (see `can_quantise`), or rows are not whole blocks of it
[[nodiscard]] std::vector<std::byte> stored_as(const tensor_view& tensor, tensor_type type);

}  // namespace quipu::io

#if !defined(QUIPU_COMPILED)
#include <quipu/io/tensor_values.ipp>
#endif
