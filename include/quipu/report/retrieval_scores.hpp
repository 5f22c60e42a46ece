/// @file How well rankings find what they should.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include <quipu/report/metrics.hpp>

namespace quipu::report {

/// Sums up rankings of items, named by numbers, against the items that belong to each question.
class retrieval_scores {
 public:
  /// @param cutoffs  the k of `recall@k`
  explicit retrieval_scores(std::vector<std::size_t> cutoffs = {1, 3, 5, 10}) : cutoffs_(std::move(cutoffs)) {}

  /// @param ranking  best first
  /// @param wanted   items of the question; nothing is counted if there are none
  void count(std::span<const std::int64_t> ranking, std::span<const std::int64_t> wanted) {
    if (wanted.empty()) return;
    const auto is_wanted = [&](std::int64_t item) {
      return std::find(wanted.begin(), wanted.end(), item) != wanted.end();
    };
    for (const std::size_t k : cutoffs_) {
      const auto end = ranking.begin() + static_cast<std::ptrdiff_t>(std::min(k, ranking.size()));
      const auto n_found = static_cast<std::size_t>(std::count_if(ranking.begin(), end, is_wanted));
      any_[k].count(n_found > 0);
      all_[k].count(n_found == wanted.size());
    }
    const auto first = std::find_if(ranking.begin(), ranking.end(), is_wanted);
    if (first != ranking.end()) reciprocal_ += 1.0 / static_cast<double>(first - ranking.begin() + 1);
    ++n_;
  }
  /// Share of the questions with at least one of their items among the first k; nothing for another k
  /// than the cutoffs.
  [[nodiscard]] std::optional<double> recall_any(std::size_t k) const { return at(any_, k); }
  /// Share of the questions with all of their items among the first k.
  [[nodiscard]] std::optional<double> recall_all(std::size_t k) const { return at(all_, k); }
  /// Mean of 1 / rank of the first item found, 0 if none was.
  [[nodiscard]] std::optional<double> mean_reciprocal_rank() const {
    if (n_ == 0) return std::nullopt;
    return reciprocal_ / static_cast<double>(n_);
  }
  [[nodiscard]] std::size_t size() const noexcept { return n_; }

 private:
  static std::optional<double> at(const std::map<std::size_t, tally>& tallies, std::size_t k) {
    const auto found = tallies.find(k);
    return found == tallies.end() ? std::nullopt : found->second.rate();
  }
  std::vector<std::size_t> cutoffs_;
  std::map<std::size_t, tally> any_, all_;
  double reciprocal_ = 0;
  std::size_t n_ = 0;
};

}  // namespace quipu::report
