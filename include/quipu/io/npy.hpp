/// @file NumPy's `.npy` files as xtensor arrays.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/mapped_file.hpp>
#include <quipu/core/scalar.hpp>
#include <quipu/core/xtensor.hpp>  // xt::xarray
#include <quipu/io/atomic_file.hpp>
#include <quipu/io/npy_header.hpp>
#include <quipu/io/unaligned.hpp>

// xtensor's own `load_npy` allocates what the header says, reads past it for short files, takes the header
// apart with std::regex and knows no float16; only its arrays are used here.

namespace quipu::io {

namespace detail {

template <class Stored, class Value>
Value npy_element(const std::byte* from, const std::string& place) {
  const auto stored = load_unaligned<Stored>(from);
  if constexpr (std::is_integral_v<Value> && std::is_integral_v<Stored>) {
    if (!std::in_range<Value>(stored)) {
      fail<format_error>(concat(place, ": element"), "a value of the wanted type", +stored);
    }
  }
  return static_cast<Value>(stored);
}

/// Reads one element as `Value`, or throws if that would lose its meaning.
template <class Value>
Value npy_value(npy_type type, const std::byte* from, const std::string& place) {
  switch (type) {
    case npy_type::i8: return npy_element<std::int8_t, Value>(from, place);
    case npy_type::i16: return npy_element<std::int16_t, Value>(from, place);
    case npy_type::i32: return npy_element<std::int32_t, Value>(from, place);
    case npy_type::i64: return npy_element<std::int64_t, Value>(from, place);
    case npy_type::u8:
    case npy_type::boolean: return npy_element<std::uint8_t, Value>(from, place);
    case npy_type::u16: return npy_element<std::uint16_t, Value>(from, place);
    case npy_type::u32: return npy_element<std::uint32_t, Value>(from, place);
    case npy_type::u64: return npy_element<std::uint64_t, Value>(from, place);
    default: break;
  }
  if constexpr (std::is_floating_point_v<Value>) {
    if (type == npy_type::f16) return static_cast<Value>(f16_bits_to_float(load_unaligned<std::uint16_t>(from)));
    if (type == npy_type::f32) return npy_element<float, Value>(from, place);
    return npy_element<double, Value>(from, place);
  } else {
    fail<config_error>(concat(place, ": type"), "integers", "floating-point numbers");
  }
}

}  // namespace detail

/// A parsed array as a row-major xtensor array; Fortran order is undone.
/// @tparam Value  float or double (from every type), or an integer type (from integers that it can hold)
/// @throws config_error  integers are asked of floating-point data
/// @throws format_error  an integer does not fit
template <class Value>
[[nodiscard]] xt::xarray<Value> npy_array(const npy_view& array, const std::string& place) {
  xt::xarray<Value> values = xt::xarray<Value>::from_shape(array.shape);
  const std::size_t size = bytes_of(array.type);
  const std::size_t n = array.bytes.size() / size;
  Value* out = values.data();
  if (!array.fortran_order) {
    for (std::size_t i = 0; i < n; ++i) {
      out[i] = detail::npy_value<Value>(array.type, array.bytes.data() + i * size, place);
    }
    return values;
  }
  std::vector<std::size_t> index(array.shape.size(), 0);  // of the element at i, in Fortran order
  for (std::size_t i = 0; i < n; ++i) {
    std::size_t at = 0;
    for (std::size_t axis = 0; axis < index.size(); ++axis) at = at * array.shape[axis] + index[axis];
    out[at] = detail::npy_value<Value>(array.type, array.bytes.data() + i * size, place);
    for (std::size_t axis = 0; axis < index.size() && ++index[axis] == array.shape[axis]; ++axis) index[axis] = 0;
  }
  return values;
}

/// Reads a .npy file.
/// @throws io_error, format_error, config_error  see `mapped_file`, `parse_npy` and `npy_array`
template <class Value>
[[nodiscard]] xt::xarray<Value> read_npy(const std::string& path) {
  const mapped_file file(path);
  return npy_array<Value>(parse_npy(file.bytes(), path), path);
}

/// Writes a row-major array as a .npy file of format 1, atomically.
/// @tparam Value  float, double or an integer type
/// @throws io_error  the file cannot be written
template <class Value>
void write_npy(const std::string& path, const xt::xarray<Value>& values) {
  static_assert(std::is_arithmetic_v<Value> && !std::is_same_v<Value, bool> && sizeof(Value) <= 8,
                "write_npy: the elements must be float, double or integers");
  const char kind = std::is_floating_point_v<Value> ? 'f' : std::is_signed_v<Value> ? 'i' : 'u';
  std::string header = concat("{'descr': '", sizeof(Value) == 1 ? '|' : '<', kind, sizeof(Value),
                              "', 'fortran_order': False, 'shape': (");
  for (const std::size_t extent : values.shape()) header += std::to_string(extent) + ", ";
  if (values.dimension() > 1) header.resize(header.size() - 2);
  header += "), }";
  constexpr std::size_t before = 10;  // magic, version and size
  header.resize((before + header.size() + 1 + 63) / 64 * 64 - before, ' ');
  header.back() = '\n';
  atomic_file file(path);
  file.write(std::string_view("\x93NUMPY\x01\x00", 8));
  file.value(static_cast<std::uint16_t>(header.size()));
  file.write(header);
  file.write(std::as_bytes(std::span(values.data(), values.size())));
  file.commit();
}

}  // namespace quipu::io
