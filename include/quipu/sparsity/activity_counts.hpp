/// @file How often each neuron of each layer was active.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <span>
#include <vector>

#include <quipu/core/matrix_view.hpp>
#include <quipu/core/thread_team.hpp>

namespace quipu::sparsity {

/// Counts entries of hidden values that are not 0, by layer and neuron. Whole numbers, so that neither order nor threads
/// matter. (n_layer, d_ffn)
class activity_counts {
 public:
  activity_counts(std::size_t n_layer, std::size_t d_ffn) : d_ffn_(d_ffn), counts_(n_layer * d_ffn), n_row_(n_layer) {}

  void clear() noexcept {
    std::fill(counts_.begin(), counts_.end(), 0);
    std::fill(n_row_.begin(), n_row_.end(), 0);
  }
  /// @param hidden  (n_row, d_ffn); NaN counts as active
  template <class Scalar>
  void add(const thread_team& team, std::size_t layer, matrix_view<const Scalar> hidden) {
    constexpr std::size_t n_block = 64;
    std::uint64_t* const counts = counts_.data() + layer * d_ffn_;
    team.parallel_for(hidden.cols(), n_block, [&](std::size_t begin, std::size_t end, std::size_t) {
      std::uint32_t own[n_block] = {};
      for (std::size_t t = 0; t < hidden.rows(); ++t) {
        const Scalar* const row = hidden.row(t) + begin;
        for (std::size_t i = 0; i < end - begin; ++i) own[i] += row[i] != Scalar(0);
      }
      for (std::size_t i = begin; i < end; ++i) counts[i] += own[i - begin];
    });
    n_row_[layer] += hidden.rows();
  }

  [[nodiscard]] std::size_t n_layer() const noexcept { return n_row_.size(); }
  [[nodiscard]] std::size_t d_ffn() const noexcept { return d_ffn_; }
  /// (d_ffn) of one layer.
  [[nodiscard]] std::span<const std::uint64_t> of(std::size_t layer) const noexcept {
    return std::span(counts_).subspan(layer * d_ffn_, d_ffn_);
  }
  /// Rows that were counted.
  [[nodiscard]] std::size_t n_row(std::size_t layer) const noexcept { return n_row_[layer]; }
  [[nodiscard]] std::uint64_t n_active(std::size_t layer) const noexcept {
    const auto counts = of(layer);
    return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
  }
  /// The share of a layer's entries that are 0; none if no row was counted.
  [[nodiscard]] std::optional<double> sparsity(std::size_t layer) const noexcept {
    if (n_row_[layer] == 0 || d_ffn_ == 0) return std::nullopt;
    return 1 - static_cast<double>(n_active(layer)) / (static_cast<double>(n_row_[layer]) * static_cast<double>(d_ffn_));
  }
  /// The mean over the layers that have rows: the average sparsity of ProSparse's tables.
  [[nodiscard]] std::optional<double> sparsity() const noexcept {
    double sum = 0;
    std::size_t n = 0;
    for (std::size_t layer = 0; layer < n_layer(); ++layer) {
      const auto own = sparsity(layer);
      sum += own.value_or(0);
      n += own.has_value();
    }
    return n == 0 ? std::nullopt : std::optional(sum / static_cast<double>(n));
  }

 private:
  std::size_t d_ffn_;
  std::vector<std::uint64_t> counts_;
  std::vector<std::size_t> n_row_;
};

}  // namespace quipu::sparsity
