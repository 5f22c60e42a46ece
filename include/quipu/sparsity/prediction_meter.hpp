/// @file How well predicted neurons cover the active ones.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

#include <quipu/core/error.hpp>
#include <quipu/sparsity/neuron_mask.hpp>

namespace quipu::sparsity {

/// Recall, precision, predicted sparsity and the share of the output's energy that predictions keep, over all tokens together
/// (micro-averages). Source: Song et al. 2024, "ProSparse", section 4.2.
class prediction_meter {
 public:
  /// @param energy  (n_neuron) hidden^2 norm(down column)^2 of each neuron; empty: energy is not counted
  /// @throws shape_error  lists of different lengths
  void add(const neuron_mask& predicted, const neuron_mask& active, std::span<const float> energy = {}) {
    if (predicted.n_neuron() != active.n_neuron() || (!energy.empty() && energy.size() != active.n_neuron()))
      fail<shape_error>("prediction_meter: neurons", active.n_neuron(), energy.empty() ? predicted.n_neuron() : energy.size());
    n_decision_ += active.n_neuron();
    n_active_ += active.count();
    n_predicted_ += predicted.count();
    n_hit_ += active.n_common(predicted);
    if (energy.empty()) return;
    active.for_each([&](std::size_t i) {
      energy_ += static_cast<double>(energy[i]);
      if (predicted[i]) kept_ += static_cast<double>(energy[i]);
    });
  }

  /// All that another meter has seen.
  void add(const prediction_meter& other) noexcept {
    n_decision_ += other.n_decision_;
    n_active_ += other.n_active_;
    n_predicted_ += other.n_predicted_;
    n_hit_ += other.n_hit_;
    energy_ += other.energy_;
    kept_ += other.kept_;
  }

  [[nodiscard]] std::uint64_t n_decision() const noexcept { return n_decision_; }
  [[nodiscard]] std::uint64_t n_missed() const noexcept { return n_active_ - n_hit_; }
  /// Active neurons that were predicted, of all active ones. NaN where there are none.
  [[nodiscard]] double recall() const noexcept { return ratio(n_hit_, n_active_); }
  /// Predicted neurons that were active, of all predicted ones.
  [[nodiscard]] double precision() const noexcept { return ratio(n_hit_, n_predicted_); }
  /// Share of neurons that were not predicted, and that were not active.
  [[nodiscard]] double predicted_sparsity() const noexcept { return 1 - ratio(n_predicted_, n_decision_); }
  [[nodiscard]] double sparsity() const noexcept { return 1 - ratio(n_active_, n_decision_); }
  /// Energy of active neurons that were predicted, of that of all active ones.
  [[nodiscard]] double energy_recall() const noexcept { return kept_ / energy_; }

 private:
  static double ratio(std::uint64_t a, std::uint64_t b) noexcept { return static_cast<double>(a) / static_cast<double>(b); }

  std::uint64_t n_decision_ = 0, n_active_ = 0, n_predicted_ = 0, n_hit_ = 0;
  double energy_ = 0, kept_ = 0;
};

}  // namespace quipu::sparsity
