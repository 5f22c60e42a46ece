/// @file Dicts of the template language: in order of insertion, found by value, as Python's.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/text/jinja/big_integer.hpp>
#include <quipu/text/jinja/value.hpp>

namespace quipu::text::jinja {

/// -1, 0 or 1, exactly; 2 if `b` is not a number.
[[nodiscard]] inline int compare_integer_real(std::int64_t a, double b) noexcept {
  if (std::isnan(b)) return 2;
  if (b >= 9223372036854775808.0) return -1;
  if (b < -9223372036854775808.0) return 1;
  const auto whole = static_cast<std::int64_t>(b);
  if (a != whole) return a < whole ? -1 : 1;
  const double rest = b - static_cast<double>(whole);
  return rest > 0 ? -1 : rest < 0 ? 1 : 0;
}

[[nodiscard]] inline bool is_number(const value& v) noexcept {
  return v.is_integral() || v.is(kind::real) || v.is(kind::big);
}

/// Order of two numbers: -1, 0 or 1; 2 if one is not a number.
/// @pre is_number(a) and is_number(b)
[[nodiscard]] inline int compare_numbers(const value& a, const value& b) {
  if (a.is_integral() && b.is_integral()) {
    return a.integer() < b.integer() ? -1 : a.integer() > b.integer() ? 1 : 0;
  }
  if (a.is_integral() && b.is(kind::real)) return compare_integer_real(a.integer(), b.real());
  if (a.is(kind::real) && b.is_integral()) {
    const int order = compare_integer_real(b.integer(), a.real());
    return order == 2 ? 2 : -order;
  }
  if (!a.is(kind::real) && !b.is(kind::real)) {
    const auto wide = [](const value& v) {
      return v.is(kind::big) ? v.as<big_object>().number : big_integer(v.integer());
    };
    return big_integer::compare(wide(a), wide(b));
  }
  if (a.is(kind::real) && b.is(kind::real))
    return a.real() < b.real() ? -1 : a.real() > b.real() ? 1 : a.real() == b.real() ? 0 : 2;
  // Beyond 64 bits every float is a whole number.
  const double real = a.is(kind::real) ? a.real() : b.real();
  if (std::isnan(real)) return 2;
  const int side = a.is(kind::real) ? -1 : 1;
  if (std::isinf(real)) return real > 0 ? -side : side;
  return side * big_integer::compare(a.is(kind::real) ? b.as<big_object>().number : a.as<big_object>().number,
                                     big_integer::of_real(real));
}

/// Equality of keys. 1, 1.0 and true are one key.
[[nodiscard]] inline bool same_key(const value& a, const value& b) {
  if (a.is_text() && b.is_text()) return chars_of(a) == chars_of(b);
  if (is_number(a) && is_number(b)) return a.same(b) || compare_numbers(a, b) == 0;
  if (a.what() != b.what()) return false;
  if (a.is(kind::tuple)) {
    const auto& x = items_of(a);
    const auto& y = items_of(b);
    if (x.size() != y.size()) return false;
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (!same_key(x[i], y[i])) return false;
    }
    return true;
  }
  if (a.is(kind::range)) {
    const auto& x = a.as<range_object>();
    const auto& y = b.as<range_object>();
    return x.length == y.length && (x.length == 0 || (x.start == y.start && (x.length == 1 || x.step == y.step)));
  }
  return a.is(kind::undefined) || a.same(b);
}

[[nodiscard]] inline std::uint64_t mixed(std::uint64_t h) noexcept {
  h = (h ^ h >> 32) * 0xD6E8FEB86659FD93u;
  return h ^ h >> 32;
}

/// Equal keys have equal hashes.
[[nodiscard]] inline std::uint64_t hash_of(const value& v) {
  switch (v.what()) {
    case kind::text: {
      std::uint64_t h = 14695981039346656037u;
      for (const char c : chars_of(v)) h = (h ^ static_cast<unsigned char>(c)) * 1099511628211u;
      return mixed(h);
    }
    case kind::boolean:
    case kind::integer: return mixed(static_cast<std::uint64_t>(v.integer()));
    case kind::real:
    case kind::big: {
      const double real = v.is(kind::real) ? v.real() : v.as<big_object>().number.real();
      if (v.is(kind::real) && compare_integer_real(static_cast<std::int64_t>(0), real) != 2 &&
          std::fabs(real) < 9.2e18 && real == std::trunc(real)) {
        return mixed(static_cast<std::uint64_t>(static_cast<std::int64_t>(real)));
      }
      std::uint64_t bits = 0;
      std::memcpy(&bits, &real, sizeof bits);
      return mixed(bits);
    }
    case kind::tuple: {
      std::uint64_t h = 0x345678;
      for (const value& item : items_of(v)) h = mixed(h * 31 + hash_of(item));
      return h;
    }
    case kind::range: return static_cast<std::uint64_t>(v.as<range_object>().length);
    case kind::undefined: return 7;
    default: return v.what() >= kind::undefined ? mixed(reinterpret_cast<std::uintptr_t>(v.pointer())) : 11;
  }
}

/// Keys and values in order of insertion.
struct dict_object : object {
  using entry = std::pair<value, value>;
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  dict_object() noexcept : object(kind::dict, destroy_as<dict_object>) {}

  /// Place of the key, or `none`.
  [[nodiscard]] std::size_t find(const value& key) const {
    if (index_.empty()) {
      for (std::size_t i = 0; i < entries.size(); ++i) {
        if (same_key(entries[i].first, key)) return i;
      }
      return none;
    }
    const std::size_t at = index_[slot_of(key)];
    return at == 0 ? none : at - 1;
  }
  [[nodiscard]] const value* get(const value& key) const {
    const std::size_t at = find(key);
    return at == none ? nullptr : &entries[at].second;
  }
  /// The value of a key that is text.
  [[nodiscard]] const value* get(std::string_view key) const {
    if (!index_.empty()) return get(make_text(key));
    for (const entry& one : entries) {
      if (one.first.is_text() && chars_of(one.first) == key) return &one.second;
    }
    return nullptr;
  }
  /// Sets the value of a key; the first of equal keys stays.
  void set(value key, value item) {
    depth = std::max({depth, key.depth() + 1, item.depth() + 1});
    const std::size_t at = find(key);
    if (at != none) {
      entries[at].second = std::move(item);
      return;
    }
    entries.emplace_back(std::move(key), std::move(item));
    if (index_.empty() ? entries.size() > longest_scan : 2 * entries.size() > index_.size()) {
      index_.assign(4 * entries.size(), 0);
      for (std::size_t i = 0; i < entries.size(); ++i) index_[slot_of(entries[i].first)] = i + 1;
    } else if (!index_.empty()) {
      index_[slot_of(entries.back().first)] = entries.size();
    }
  }

  std::vector<entry> entries;

 private:
  static constexpr std::size_t longest_scan = 8;  // messages have fewer keys: no index for them

  /// Where the key is in the index, or the empty place where it would be.
  [[nodiscard]] std::size_t slot_of(const value& key) const {
    std::size_t slot = hash_of(key) % index_.size();
    while (index_[slot] != 0 && !same_key(entries[index_[slot] - 1].first, key)) slot = (slot + 1) % index_.size();
    return slot;
  }

  std::vector<std::size_t> index_;  // 1 + place in entries; 0 is empty
};

[[nodiscard]] inline const dict_object& dict_of(const value& v) noexcept { return v.as<dict_object>(); }

}  // namespace quipu::text::jinja
