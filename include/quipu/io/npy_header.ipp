// What npy_header.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/io/byte_reader.hpp>
#include <quipu/io/checked_size.hpp>
#include <quipu/io/npy_header.hpp>

namespace quipu::io {

namespace detail {

inline constexpr std::array<std::pair<std::string_view, npy_type>, 14> npy_types = {{
    {"<f2", npy_type::f16}, {"<f4", npy_type::f32}, {"<f8", npy_type::f64}, {"|i1", npy_type::i8},
    {"<i1", npy_type::i8},  {"<i2", npy_type::i16}, {"<i4", npy_type::i32}, {"<i8", npy_type::i64},
    {"|u1", npy_type::u8},  {"<u1", npy_type::u8},  {"<u2", npy_type::u16}, {"<u4", npy_type::u32},
    {"<u8", npy_type::u64}, {"|b1", npy_type::boolean}}};

/// Reads the Python literal {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }.
class npy_literal {
 public:
  npy_literal(std::string_view text, std::string place) : text_(text), place_(std::move(place)) {}

  void read(npy_view& array) {
    need("{");
    bool seen[3] = {false, false, false};
    while (!take("}")) {
      const std::string_view key = quoted();
      need(":");
      const int which = key == "descr" ? 0 : key == "fortran_order" ? 1 : key == "shape" ? 2 : 3;
      if (which == 3 || seen[which]) refuse("the keys descr, fortran_order and shape, once each");
      seen[which] = true;
      if (which == 0) array.type = type();
      if (which == 1) array.fortran_order = flag();
      if (which == 2) array.shape = shape();
      if (!take(",")) {
        need("}");
        break;
      }
    }
    if (!(seen[0] && seen[1] && seen[2])) refuse("the keys descr, fortran_order and shape");
    skip_space();
    if (!text_.empty()) refuse("the end of the header");
  }

 private:
  [[noreturn]] void refuse(std::string_view expected) const {
    fail<format_error>(concat(place_, ": header"), expected, printable(text_.substr(0, 40)));
  }
  void skip_space() {
    const std::size_t n = text_.find_first_not_of(" \n\t");
    text_.remove_prefix(n == std::string_view::npos ? text_.size() : n);
  }
  bool take(std::string_view word) {
    skip_space();
    if (!text_.starts_with(word)) return false;
    text_.remove_prefix(word.size());
    return true;
  }
  void need(std::string_view word) {
    if (!take(word)) refuse(word);
  }
  std::string_view quoted() {
    need("'");
    const std::size_t end = text_.find('\'');
    if (end == std::string_view::npos) refuse("a closing quote");
    const std::string_view inner = text_.substr(0, end);
    text_.remove_prefix(end + 1);
    return inner;
  }
  bool flag() {
    if (take("True")) return true;
    need("False");
    return false;
  }
  npy_type type() {
    const std::string_view name = quoted();
    for (const auto& [known, type] : npy_types) {
      if (name == known) return type;
    }
    fail<format_error>(concat(place_, ": descr"), "little-endian float, integer or bool", printable(name));
  }
  std::size_t number() {
    skip_space();
    std::size_t value = 0;
    std::size_t digits = 0;
    for (; digits < text_.size() && text_[digits] >= '0' && text_[digits] <= '9'; ++digits) {
      value = checked_product(value, 10, place_);
      value = checked_sum(value, static_cast<std::size_t>(text_[digits] - '0'), place_);
    }
    if (digits == 0) refuse("an integer");
    text_.remove_prefix(digits);
    return value;
  }
  std::vector<std::size_t> shape() {
    std::vector<std::size_t> extents;
    need("(");
    while (!take(")")) {
      if (extents.size() == largest_rank) refuse(concat("at most ", largest_rank, " axes"));
      extents.push_back(number());
      if (!take(",")) {
        need(")");
        break;
      }
    }
    return extents;
  }

  std::string_view text_;
  std::string place_;
};

}  // namespace detail

QUIPU_INLINE npy_view parse_npy(std::span<const std::byte> file, const std::string& place) {
  byte_reader in(file, place);
  const std::span<const std::byte> magic = in.take(6, "magic");
  if (std::string_view(reinterpret_cast<const char*>(magic.data()), 6) != "\x93NUMPY") {
    fail<format_error>(place, "a .npy file", "no magic");
  }
  const auto version = in.value<std::uint8_t>("version");
  (void)in.value<std::uint8_t>("version");
  if (version < 1 || version > 3) fail<format_error>(concat(place, ": .npy version"), "1 to 3", int{version});
  const std::size_t size = version == 1 ? in.value<std::uint16_t>("header size")
                                        : in.value<std::uint32_t>("header size");
  const std::span<const std::byte> header = in.take(size, "header");
  npy_view array;
  detail::npy_literal({reinterpret_cast<const char*>(header.data()), header.size()}, place).read(array);
  // xtensor multiplies extents as signed numbers, those of an array without elements too.
  constexpr std::size_t most = std::size_t{1} << 60;
  std::size_t elements = 1;
  bool empty = false;
  for (const std::size_t extent : array.shape) {
    empty = empty || extent == 0;
    if (extent != 0) elements = checked_product(elements, extent, place);
    if (elements > most) {
      fail<format_error>(concat(place, ": shape"), "extents whose product is at most 2^60", show_shape(array.shape));
    }
  }
  const std::size_t expected = empty ? 0 : checked_product(elements, bytes_of(array.type), place);
  if (expected != in.left()) {
    fail<format_error>(concat(place, ": data"), concat(expected, " bytes for ", show_shape(array.shape)),
                       in.left());
  }
  array.bytes = in.take(expected, "data");
  return array;
}

}  // namespace quipu::io
