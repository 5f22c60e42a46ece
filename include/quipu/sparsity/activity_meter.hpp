/// @file What the active neurons of a layer have in common from token to token, counted while they go by.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/core/error.hpp>
#include <quipu/sparsity/neuron_mask.hpp>

namespace quipu::sparsity {

/// Meets the tokens of one layer in order, keeping the last few masks alone: 1.4 KB each at 11,008 neurons.
///
/// Unions and overlaps are means over all stretches of consecutive tokens of a text. Sources: Deja Vu (Liu et al. 2023) and
/// BlockFFN (Song et al. 2025) for unions, LLM in a Flash (Alizadeh et al. 2023) for overlaps, PowerInfer (Song et al. 2023) for skew.
class activity_meter {
 public:
  static constexpr std::array<std::size_t, 5> union_sizes{2, 4, 8, 16, 32};  ///< tokens of a stretch
  static constexpr std::array<std::size_t, 6> lags{1, 2, 3, 4, 8, 16};

  explicit activity_meter(std::size_t n_neuron) : counts_(n_neuron, 0), per_cent_(101, 0) {}

  /// The next token's active neurons.
  /// @throws shape_error  a mask of another number of neurons
  void add(const neuron_mask& active);
  /// The next token does not continue the last: no stretch spans both.
  void begin_text() noexcept { n_recent_ = 0; }

  [[nodiscard]] std::size_t n_neuron() const noexcept { return counts_.size(); }
  [[nodiscard]] std::size_t n_token() const noexcept { return n_token_; }
  /// Mean share of active neurons, and the extremes over tokens. 0 before the first token.
  [[nodiscard]] double density() const noexcept;
  [[nodiscard]] double least_density() const noexcept { return least_; }
  [[nodiscard]] double largest_density() const noexcept { return largest_; }
  /// (101) tokens by their density in per cent, rounded down.
  [[nodiscard]] const std::vector<std::uint64_t>& density_histogram() const noexcept { return per_cent_; }
  /// (n_neuron) tokens that each neuron was active for.
  [[nodiscard]] const std::vector<std::uint64_t>& counts() const noexcept { return counts_; }
  /// Neurons that were active for `least` .. `most` tokens; (0, 0) counts the dead.
  [[nodiscard]] std::size_t n_active_between(std::uint64_t least, std::uint64_t most) const noexcept;
  [[nodiscard]] std::size_t n_dead() const noexcept { return n_active_between(0, 0); }
  /// Share of all activations that the hottest `share` of the neurons carry (rounded to whole neurons).
  [[nodiscard]] double hottest(double share) const;
  /// Mean share of neurons that at least one of union_sizes[i] consecutive tokens makes active; NaN before there were so many.
  [[nodiscard]] double union_density(std::size_t i) const noexcept { return unions_[i].mean(); }
  /// Mean share of a token's active neurons that were active lags[i] tokens before; tokens without any do not count.
  [[nodiscard]] double overlap(std::size_t i) const noexcept { return overlaps_[i].mean(); }
  /// Mean of |both| / |either| at lags[i].
  [[nodiscard]] double jaccard(std::size_t i) const noexcept { return jaccards_[i].mean(); }

 private:
  static constexpr std::size_t n_kept = union_sizes.back();
  struct average {
    double sum = 0;
    std::uint64_t n = 0;
    void add(double v) noexcept { sum += v, ++n; }
    [[nodiscard]] double mean() const noexcept { return sum / static_cast<double>(n); }
  };

  std::vector<std::uint64_t> counts_, per_cent_;
  std::uint64_t n_token_ = 0, n_active_ = 0;
  double least_ = 0, largest_ = 0;
  std::vector<neuron_mask> recent_;       // a ring of the last n_kept
  std::vector<std::size_t> recent_count_;
  std::size_t next_ = 0, n_recent_ = 0;
  std::array<average, union_sizes.size()> unions_;
  std::array<average, lags.size()> overlaps_, jaccards_;
};

}  // namespace quipu::sparsity

#if !defined(QUIPU_COMPILED)
#include <quipu/sparsity/activity_meter.ipp>
#endif
