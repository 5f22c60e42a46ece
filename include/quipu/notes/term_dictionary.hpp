/// @file Numbers for terms: a hash table whose strings lie in one block.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/keyed_hash.hpp>

namespace quipu::notes {

/// Gives terms the numbers 0, 1, 2, ... in the order of their first appearance. Hashes are keyed: no notes can be
/// written whose terms collide.
class term_dictionary {
 public:
  static constexpr std::uint32_t absent = std::numeric_limits<std::uint32_t>::max();

  [[nodiscard]] std::size_t size() const noexcept { return ends_.size(); }
  [[nodiscard]] std::string_view operator[](std::uint32_t number) const noexcept {
    const std::size_t begin = number == 0 ? 0 : ends_[number - 1];
    return {bytes_.data() + begin, ends_[number] - begin};
  }

  /// The number of a term, or `absent`.
  [[nodiscard]] std::uint32_t find(std::string_view term) const noexcept {
    if (slots_.empty()) return absent;
    const std::uint64_t slot = slots_[place_of(term, keyed_hash(term, secret_))];
    return slot == 0 ? absent : static_cast<std::uint32_t>(slot) - 1;
  }
  /// The number of a term, a new one if it is not known yet.
  /// @throws config_error  more than 2^32 - 2 terms
  std::uint32_t insert(std::string_view term) {
    if ((ends_.size() + 1) * 2 > slots_.size()) grow();
    const std::uint64_t hashed = keyed_hash(term, secret_);
    const std::size_t place = place_of(term, hashed);
    if (slots_[place] != 0) return static_cast<std::uint32_t>(slots_[place]) - 1;
    if (ends_.size() >= absent - 1) throw config_error("term dictionary: more than 2^32 - 2 terms");
    bytes_.append(term);
    ends_.push_back(bytes_.size());
    slots_[place] = (hashed & high_half) | ends_.size();
    return static_cast<std::uint32_t>(ends_.size() - 1);
  }
  /// Makes room for so many terms in all, of so many bytes together.
  void reserve(std::size_t n_term, std::size_t n_byte) {
    bytes_.reserve(n_byte);
    ends_.reserve(n_term);
    while (slots_.size() < 2 * n_term) grow();
  }
  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    return bytes_.capacity() + ends_.capacity() * sizeof(std::size_t) + slots_.capacity() * sizeof(std::uint64_t);
  }

 private:
  static constexpr std::uint64_t high_half = 0xffffffff00000000u;

  /// Where the term is or would be: a slot holds the upper half of the hash and the number plus one.
  [[nodiscard]] std::size_t place_of(std::string_view term, std::uint64_t hashed) const noexcept {
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t place = hashed >> 33 & mask;; place = (place + 1) & mask) {
      const std::uint64_t slot = slots_[place];
      if (slot == 0) return place;
      if (((slot ^ hashed) & high_half) == 0 && (*this)[static_cast<std::uint32_t>(slot) - 1] == term) return place;
    }
  }
  void grow() {
    const std::vector<std::uint64_t> old = std::move(slots_);
    slots_.assign(old.empty() ? 64 : old.size() * 2, 0);
    const std::size_t mask = slots_.size() - 1;
    for (const std::uint64_t slot : old) {
      if (slot == 0) continue;
      std::size_t place = slot >> 33 & mask;  // the bits above 33 are kept in the slot
      while (slots_[place] != 0) place = (place + 1) & mask;
      slots_[place] = slot;
    }
  }

  hash_secret secret_ = process_hash_secret();
  std::string bytes_;
  std::vector<std::size_t> ends_;
  std::vector<std::uint64_t> slots_;  // size a power of two
};

}  // namespace quipu::notes
