/// @file Two open-addressing hash tables: from byte strings to numbers, and from pairs of ids to
/// merges.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <quipu/core/keyed_hash.hpp>
#include <quipu/core/token.hpp>
#include <string_view>
#include <vector>

namespace quipu::text {

/// From byte strings to numbers >= 0. The strings are the caller's and must outlive the table. Hashes are keyed:
/// texts of a file cannot be chosen so that they collide.
class string_index {
 public:
  static constexpr std::int32_t absent = -1;

  /// @param expected  number of keys to make room for
  explicit string_index(std::size_t expected = 0) : slots_(std::bit_ceil(2 * expected + 8)) {}

  /// Number of `key`, or `absent`.
  [[nodiscard]] std::int32_t find(std::string_view key) const noexcept {
    return slots_[slot_of(key, keyed_hash(key, secret_))].value;
  }

  /// Sets the number of `key`, replacing an earlier one.
  /// @pre value >= 0
  void insert(std::string_view key, std::int32_t value) {
    if (2 * (size_ + 1) > slots_.size()) grow();
    const std::uint64_t hash = keyed_hash(key, secret_);
    slot& place = slots_[slot_of(key, hash)];
    if (place.value == absent) ++size_;
    place = {key.data(), static_cast<std::uint32_t>(key.size()),
             static_cast<std::uint32_t>(hash >> 32), value};
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  struct slot {
    const char* data = nullptr;
    std::uint32_t size = 0;
    std::uint32_t tag = 0;  // upper half of the hash: a mismatch needs no look at the string
    std::int32_t value = absent;
  };

  [[nodiscard]] std::size_t slot_of(std::string_view key, std::uint64_t hash) const noexcept {
    const std::size_t mask = slots_.size() - 1;
    const auto tag = static_cast<std::uint32_t>(hash >> 32);
    for (std::size_t i = hash & mask;; i = (i + 1) & mask) {
      const slot& place = slots_[i];
      if (place.value == absent) return i;
      if (place.tag == tag && std::string_view(place.data, place.size) == key) return i;
    }
  }

  void grow() {
    std::vector<slot> old(2 * slots_.size());
    old.swap(slots_);
    for (const slot& place : old) {
      if (place.value == absent) continue;
      const std::string_view key(place.data, place.size);
      slots_[slot_of(key, keyed_hash(key, secret_))] = place;
    }
  }

  hash_secret secret_ = process_hash_secret();
  std::vector<slot> slots_;
  std::size_t size_ = 0;
};

/// What joining two neighbours gives, and how early it is done: smaller ranks first.
struct merge_rule {
  static constexpr std::uint32_t none = 0xFFFFFFFFu;
  std::uint32_t rank = none;
  std::int32_t result = no_token;
};

/// From pairs of symbol ids to merge rules; the rule of an absent pair has rank `merge_rule::none`.
class pair_index {
 public:
  /// @param expected  number of pairs to make room for
  explicit pair_index(std::size_t expected = 0) : slots_(std::bit_ceil(2 * expected + 8)) {}

  [[nodiscard]] merge_rule find(std::int32_t left, std::int32_t right) const noexcept {
    return slots_[slot_of(key_of(left, right))].rule;
  }

  /// Adds a rule; the first one of a pair stays.
  void insert(std::int32_t left, std::int32_t right, merge_rule rule) {
    if (2 * (size_ + 1) > slots_.size()) grow();
    const std::uint64_t key = key_of(left, right);
    slot& place = slots_[slot_of(key)];
    if (place.rule.rank != merge_rule::none) return;
    place = {key, rule};
    ++size_;
  }

 private:
  struct slot {
    std::uint64_t key = 0;
    merge_rule rule;
  };

  [[nodiscard]] static std::uint64_t key_of(std::int32_t left, std::int32_t right) noexcept {
    return std::uint64_t{static_cast<std::uint32_t>(left)} << 32 |
           static_cast<std::uint32_t>(right);
  }
  [[nodiscard]] std::size_t slot_of(std::uint64_t key) const noexcept {
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t i = keyed_hash(key, secret_) & mask;; i = (i + 1) & mask) {
      if (slots_[i].rule.rank == merge_rule::none || slots_[i].key == key) return i;
    }
  }
  void grow() {
    std::vector<slot> old(2 * slots_.size());
    old.swap(slots_);
    for (const slot& place : old) {
      if (place.rule.rank != merge_rule::none) slots_[slot_of(place.key)] = place;
    }
  }

  hash_secret secret_ = process_hash_secret();
  std::vector<slot> slots_;
  std::size_t size_ = 0;
};

}  // namespace quipu::text
