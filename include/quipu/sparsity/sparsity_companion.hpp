/// @file What a regularised run logs of itself: lambda, penalty, sparsity by layer, dead neurons.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/core/error.hpp>
#include <quipu/optim/optimizer.hpp>  // state_array
#include <quipu/schedule/seeking_lambda.hpp>  // following_schedule
#include <quipu/sparsity/activity_counts.hpp>
#include <quipu/train/companion.hpp>
#include <quipu/train/run.hpp>

namespace quipu::sparsity {

/// A companion of runs with `regularised_hooks`. Fields of a log line: `lambda`, `penalty` (without lambda, summed over layers),
/// `penalty_by_layer`, `sparsity` (mean over layers), `sparsity_by_layer`, `n_dead` (neurons that were not active in the last
/// `dead_after` steps) and, where there was a validation, `validation_sparsity` and `validation_sparsity_by_layer`. A lambda
/// that follows what is measured is told here, and its state lies in the run's checkpoints.
///
/// @tparam Hooks  a `regularised_hooks`; must outlive the companion
template <class Hooks>
class sparsity_companion {
 public:
  /// @param dead_after  steps without a token that makes a neuron active, after which it counts as dead; at least 1
  explicit sparsity_companion(Hooks& hooks, std::size_t dead_after = 100)
      : hooks_(&hooks),
        dead_after_(dead_after),
        last_active_(hooks.activity().n_layer() * hooks.activity().d_ffn()) {
    if (dead_after == 0) fail<config_error>("sparsity_companion: steps after which neurons are dead", "at least 1", 0);
  }

  void step_done(const train::step_report& report, nlohmann::ordered_json& fields) {
    const activity_counts& activity = hooks_->activity();
    const std::optional<double> sparsity = activity.sparsity();
    fields["lambda"] = hooks_->factor();
    fields["penalty"] = hooks_->penalty();
    fields["penalty_by_layer"] = std::vector<double>(hooks_->penalties().begin(), hooks_->penalties().end());
    fields["sparsity"] = number(sparsity);
    fields["sparsity_by_layer"] = by_layer(activity);
    note_active(activity, report.step);
    fields["n_dead"] = n_dead(report.step);
    if (report.validation_loss) {
      fields["validation_sparsity"] = number(hooks_->evaluated_activity().sparsity());
      fields["validation_sparsity_by_layer"] = by_layer(hooks_->evaluated_activity());
    }
    if constexpr (schedule::following_schedule<std::remove_cvref_t<decltype(hooks_->lambda())>>) {
      if (sparsity) hooks_->lambda().follow(report.step, *sparsity);
    }
  }

  /// Neurons that were not active in the last steps, if `step` of them are done.
  [[nodiscard]] std::size_t n_dead(std::size_t step) const noexcept {
    std::size_t n = 0;
    for (const std::uint32_t last : last_active_) n += step - last >= dead_after_;
    return n;
  }

  [[nodiscard]] nlohmann::json state() const {
    nlohmann::json out = {{"dead_after", dead_after_}};
    if constexpr (schedule::following_schedule<std::remove_cvref_t<decltype(hooks_->lambda())>>) out["lambda"] = hooks_->lambda().state();
    return out;
  }
  /// @throws config_error, format_error  the state of other settings, or none of a companion of this kind
  void restore(const nlohmann::json& saved) {
    if (!saved.is_object() || !saved.contains("dead_after") || !saved["dead_after"].is_number_unsigned())
      fail<format_error>("sparsity_companion: saved state", "an object with 'dead_after'", saved.dump());
    if (saved["dead_after"].get<std::size_t>() != dead_after_)
      fail<config_error>("sparsity_companion: steps after which neurons are dead", saved["dead_after"].dump(), dead_after_);
    if constexpr (schedule::following_schedule<std::remove_cvref_t<decltype(hooks_->lambda())>>) {
      std::vector<double> numbers;
      if (!saved.contains("lambda") || !saved["lambda"].is_array())
        fail<format_error>("sparsity_companion: saved state", "a list 'lambda'", saved.dump());
      for (const auto& one : saved["lambda"]) {
        if (!one.is_number()) fail<format_error>("sparsity_companion: saved lambda", "numbers", one.dump());
        numbers.push_back(one.get<double>());
      }
      hooks_->lambda().restore(numbers);
    }
  }
  /// The step in which each neuron was active last, from 1; 0 for never.
  [[nodiscard]] std::vector<optim::state_array> arrays() {
    return {{"last_active", std::as_writable_bytes(std::span(last_active_))}};
  }

 private:
  [[nodiscard]] static nlohmann::ordered_json number(std::optional<double> x) {
    return x ? nlohmann::ordered_json(*x) : nlohmann::ordered_json(nullptr);
  }
  [[nodiscard]] static nlohmann::ordered_json by_layer(const activity_counts& counts) {
    auto all = nlohmann::ordered_json::array();
    for (std::size_t layer = 0; layer < counts.n_layer(); ++layer) all.push_back(number(counts.sparsity(layer)));
    return all;
  }
  void note_active(const activity_counts& counts, std::size_t step) {
    for (std::size_t layer = 0; layer < counts.n_layer(); ++layer) {
      const auto own = counts.of(layer);
      for (std::size_t i = 0; i < own.size(); ++i) {
        if (own[i] > 0) last_active_[layer * own.size() + i] = static_cast<std::uint32_t>(step);
      }
    }
  }

  Hooks* hooks_;
  std::size_t dead_after_;
  std::vector<std::uint32_t> last_active_;  // (n_layer, d_ffn)
};

}  // namespace quipu::sparsity
