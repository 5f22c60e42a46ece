/// @file Finds, in one pass, which of many patterns begins at each place of a text.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <quipu/text/flat_index.hpp>  // pair_index
#include <string_view>
#include <vector>

namespace quipu::text {

/// An automaton over the patterns read backwards: after the letters from the end of a text down to a place, its state
/// knows the longest pattern that begins there. Source: Aho and Corasick, "Efficient string matching: an aid to
/// bibliographic search", 1975.
///
/// Patterns are numbered in the order in which they are given; of equal ones the first counts, empty ones match
/// nowhere. Immutable afterwards; memory and time to build are linear in the letters of all patterns.
class token_automaton {
 public:
  static constexpr std::int32_t none = -1;

  token_automaton() = default;
  /// @param patterns  need not outlive the call; fewer than 2^31 letters together
  explicit token_automaton(const std::vector<std::string_view>& patterns) {
    // Grows with the nodes: patterns that share their ends have far fewer of them than letters.
    edges_ = pair_index();
    std::vector<std::int32_t> ends;  // node of each pattern
    std::vector<std::int32_t> parents = {none};
    std::vector<std::int32_t> depths = {0};
    std::vector<unsigned char> letters_of = {0};
    nodes_.assign(1, {});
    for (const std::string_view pattern : patterns) {
      std::int32_t at = 0;
      for (std::size_t i = pattern.size(); i-- > 0;) {
        const auto letter = static_cast<unsigned char>(pattern[i]);
        std::int32_t next = edges_.find(at, letter).result;
        if (next < 0) {
          next = static_cast<std::int32_t>(nodes_.size());
          edges_.insert(at, letter, {0, next});
          nodes_.push_back({});
          parents.push_back(at);
          depths.push_back(depths[static_cast<std::size_t>(at)] + 1);
          letters_of.push_back(letter);
        }
        at = next;
      }
      ends.push_back(at);
      const auto number = static_cast<std::int32_t>(lengths_.size());
      lengths_.push_back(pattern.size());
      if (at != 0 && nodes_[static_cast<std::size_t>(at)].longest == none)
        nodes_[static_cast<std::size_t>(at)].longest = number;
    }
    root_.fill(0);
    for (int letter = 0; letter < 256; ++letter) {
      const std::int32_t next = edges_.find(0, letter).result;
      if (next > 0) root_[static_cast<std::size_t>(letter)] = next;
    }
    link(parents, depths, letters_of);
    shorter_.assign(patterns.size(), none);
    jump_.assign(patterns.size(), none);
    chain(ends);
  }

  [[nodiscard]] bool empty() const noexcept { return lengths_.empty(); }
  [[nodiscard]] std::size_t length(std::int32_t pattern) const noexcept {
    return lengths_[static_cast<std::size_t>(pattern)];
  }

  /// Calls `visit(begin, pattern)` for every place where a pattern begins, from the last to the first, with the
  /// longest there.
  template <class Visit>
  void for_each_start(std::string_view text, const Visit& visit) const {
    if (empty()) return;
    std::int32_t state = 0;
    for (std::size_t i = text.size(); i-- > 0;) {
      const auto letter = static_cast<unsigned char>(text[i]);
      state = state == 0 ? root_[letter] : step(state, letter);
      const std::int32_t longest = nodes_[static_cast<std::size_t>(state)].longest;
      if (longest != none) visit(i, longest);
    }
  }

  /// The longest pattern of at most `length` letters with which `pattern` begins, itself included; or `none`.
  /// Cost: logarithmic in the number of such patterns.
  [[nodiscard]] std::int32_t at_most(std::int32_t pattern, std::size_t length) const noexcept {
    while (pattern != none && lengths_[static_cast<std::size_t>(pattern)] > length) {
      const std::int32_t far = jump_[static_cast<std::size_t>(pattern)];
      const bool use = far != none && lengths_[static_cast<std::size_t>(far)] > length;
      pattern = use ? far : shorter_[static_cast<std::size_t>(pattern)];
    }
    return pattern;
  }

 private:
  struct node {
    std::int32_t fail = 0;
    std::int32_t longest = none;  // pattern that ends here, or the longest one that ends a suffix of this node
  };

  [[nodiscard]] std::int32_t step(std::int32_t state, unsigned char letter) const noexcept {
    while (state != 0) {
      const std::int32_t next = edges_.find(state, letter).result;
      if (next >= 0) return next;
      state = nodes_[static_cast<std::size_t>(state)].fail;
    }
    return root_[letter];
  }

  // Failure links, nodes near the root first.
  void link(const std::vector<std::int32_t>& parents, const std::vector<std::int32_t>& depths,
            const std::vector<unsigned char>& letters_of) {
    std::vector<std::int32_t> order(nodes_.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int32_t>(i);
    std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
      return depths[static_cast<std::size_t>(a)] < depths[static_cast<std::size_t>(b)];
    });
    for (const std::int32_t at : order) {
      const auto i = static_cast<std::size_t>(at);
      if (depths[i] < 2) continue;  // the root's children fail to the root
      node& here = nodes_[i];
      here.fail = step(nodes_[static_cast<std::size_t>(parents[i])].fail, letters_of[i]);
      if (here.longest == none) here.longest = nodes_[static_cast<std::size_t>(here.fail)].longest;
    }
  }

  // For each pattern the next shorter one with which it begins, and one far down that chain: jumps as in Myers'
  // skew-binary ancestors, so that a search in the chain takes logarithmic time.
  void chain(const std::vector<std::int32_t>& ends) {
    std::vector<std::int32_t> order(ends.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int32_t>(i);
    std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
      return lengths_[static_cast<std::size_t>(a)] < lengths_[static_cast<std::size_t>(b)];
    });
    std::vector<std::int32_t> place(ends.size(), 1);  // position in the chain, 1 at its end
    for (const std::int32_t pattern : order) {
      const auto i = static_cast<std::size_t>(pattern);
      if (lengths_[i] == 0) continue;
      const std::int32_t next =
          nodes_[static_cast<std::size_t>(nodes_[static_cast<std::size_t>(ends[i])].fail)].longest;
      shorter_[i] = next;
      if (next == none) continue;
      const auto n = static_cast<std::size_t>(next);
      place[i] = place[n] + 1;
      const std::int32_t j1 = jump_[n];
      const std::int32_t j2 = j1 == none ? none : jump_[static_cast<std::size_t>(j1)];
      const auto at = [&](std::int32_t p) { return p == none ? 0 : place[static_cast<std::size_t>(p)]; };
      jump_[i] = j1 != none && place[n] - at(j1) == at(j1) - at(j2) ? j2 : next;
    }
  }

  pair_index edges_;
  std::vector<node> nodes_;
  std::array<std::int32_t, 256> root_{};
  std::vector<std::size_t> lengths_;   // of the patterns
  std::vector<std::int32_t> shorter_;  // of the patterns
  std::vector<std::int32_t> jump_;
};

}  // namespace quipu::text
