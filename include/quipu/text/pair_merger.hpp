/// @file Byte-pair merging of one word: the best neighbours first, in n log n.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <quipu/core/config.hpp>  // QUIPU_ASSERT
#include <quipu/core/token.hpp>
#include <quipu/text/flat_index.hpp>  // merge_rule
#include <vector>

namespace quipu::text {

/// Reusable work space that merges the symbols of one word after the other. Not for several
/// threads.
class pair_merger {
 public:
  /// A run of bytes of the word. After `merge`, symbols of length 0 are those that went into
  /// others.
  struct symbol {
    std::uint32_t begin = 0;
    std::uint32_t length = 0;
    std::int32_t id = no_token;
    std::int32_t previous = -1;
    std::int32_t next = -1;
  };

  void clear() noexcept {
    symbols_.clear();
    queue_.clear();
  }

  /// Appends the symbol of the next `length` bytes.
  void add(std::uint32_t length, std::int32_t id) {
    const auto index = static_cast<std::int32_t>(symbols_.size());
    std::uint32_t begin = 0;
    if (index > 0) {
      symbol& before = symbols_.back();
      before.next = index;
      begin = before.begin + before.length;
    }
    symbols_.push_back({begin, length, id, index - 1, -1});
  }

  /// Joins neighbours until no rule is left: always the pair of the smallest rank, and the leftmost
  /// of equal ones.
  /// @param rule_of  merge_rule(const symbol& left, const symbol& right)
  template <class RuleOf>
  void merge(const RuleOf& rule_of) {
    const auto offer = [&](std::int32_t left, std::int32_t right) {
      if (left < 0 || right < 0) return;
      const symbol& a = symbols_[left];
      const symbol& b = symbols_[right];
      const merge_rule rule = rule_of(a, b);
      if (rule.rank == merge_rule::none) return;
      queue_.push_back({std::uint64_t{rule.rank} << 32 | static_cast<std::uint32_t>(left), right,
                        a.length + b.length, rule.result});
      std::push_heap(queue_.begin(), queue_.end(), later);
    };
    for (std::size_t i = 1; i < symbols_.size(); ++i) {
      offer(static_cast<std::int32_t>(i) - 1, static_cast<std::int32_t>(i));
    }
    while (!queue_.empty()) {
      std::pop_heap(queue_.begin(), queue_.end(), later);
      const candidate best = queue_.back();
      queue_.pop_back();
      const auto left_index = static_cast<std::int32_t>(best.key & 0xFFFFFFFFu);
      symbol& left = symbols_[left_index];
      symbol& right = symbols_[best.right];
      // Symbols only grow or vanish, so an unchanged total length means that both are as they were.
      if (left.length == 0 || right.length == 0 || left.length + right.length != best.length)
        continue;
      QUIPU_ASSERT(left.next == best.right);
      left.length = best.length;
      left.id = best.result;
      left.next = right.next;
      right.length = 0;
      if (right.next >= 0) symbols_[right.next].previous = left_index;
      offer(left.previous, left_index);
      offer(left_index, left.next);
    }
  }

  /// Calls `visit(const symbol&)` for the symbols that are left, in order.
  template <class Visit>
  void for_each(const Visit& visit) const {
    for (std::int32_t i = symbols_.empty() ? -1 : 0; i >= 0; i = symbols_[i].next)
      visit(symbols_[i]);
  }

 private:
  struct candidate {
    std::uint64_t key;  // rank, then position: one comparison orders the queue
    std::int32_t right;
    std::uint32_t length;
    std::int32_t result;
  };
  static bool later(const candidate& a, const candidate& b) noexcept { return a.key > b.key; }

  std::vector<symbol> symbols_;
  std::vector<candidate> queue_;
};

}  // namespace quipu::text
