/// @file Hashes that depend on a secret of the process: no file can be made so that its keys collide.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include <quipu/core/compiled.hpp>

namespace quipu {

/// What the hashes of one table depend on. Tables keep a copy: nothing is looked up for a hash.
struct hash_secret {
  std::uint64_t start = 0, factor = 1;
};

/// The secret of this process, drawn from the operating system at the first call. Hashes differ from run to run, so
/// they must not be written to a file, and nothing may depend on the order of a table's slots.
[[nodiscard]] hash_secret process_hash_secret() noexcept;

namespace detail {

/// Both halves of the product, folded. With a secret factor no difference of two inputs is known to cancel.
[[nodiscard]] inline std::uint64_t folded_product(std::uint64_t a, std::uint64_t b) noexcept {
  __extension__ using wide = unsigned __int128;
  const wide product = static_cast<wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

}  // namespace detail

/// Hash of a byte string, eight bytes a step; all bits of the result are good.
[[nodiscard]] inline std::uint64_t keyed_hash(std::string_view bytes, const hash_secret& secret) noexcept {
  std::uint64_t hash = secret.start ^ bytes.size();
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; at += 8, left -= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    hash = detail::folded_product(hash ^ word, secret.factor);
  }
  std::uint64_t tail = 0;
  if (left > 0) std::memcpy(&tail, at, left);  // an empty text may have no address
  hash = detail::folded_product(hash ^ tail, secret.factor);
  return detail::folded_product(hash ^ secret.start, 0x9E3779B97F4A7C15u);
}

/// Hash of a number.
[[nodiscard]] inline std::uint64_t keyed_hash(std::uint64_t number, const hash_secret& secret) noexcept {
  return detail::folded_product(detail::folded_product(number ^ secret.start, secret.factor) ^ secret.start,
                                0x9E3779B97F4A7C15u);
}

/// For the standard's tables: std::unordered_map<std::string, T, keyed_text_hash, std::equal_to<>>.
struct keyed_text_hash {
  using is_transparent = void;
  hash_secret secret = process_hash_secret();
  [[nodiscard]] std::size_t operator()(std::string_view text) const noexcept {
    return static_cast<std::size_t>(keyed_hash(text, secret));
  }
};

}  // namespace quipu

#if !defined(QUIPU_COMPILED)
#include <quipu/core/keyed_hash.ipp>
#endif
