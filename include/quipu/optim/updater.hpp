/// @file A parameter set and its optimiser: groups, clipping, steps.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/isa.hpp>
#include <quipu/core/thread_team.hpp>
#include <quipu/optim/name_pattern.hpp>
#include <quipu/optim/optimizer.hpp>
#include <quipu/optim/parameter.hpp>

namespace quipu::optim {

/// Settings of the tensors that a pattern names; the first group that fits a tensor holds for it.
struct parameter_group {
  name_pattern which;
  double learning_rate_factor = 1;
  std::optional<double> weight_decay{};  ///< in place of the optimiser's
};

/// Applies an optimiser to the tensors of a set that train.
///
/// @tparam Optimizer  models `optimizer_policy`
template <class Optimizer, class Scalar>
class updater {
  static_assert((explain<Optimizer>(), true));

 public:
  /// @param parameters  frozen ones are left out
  updater(Optimizer policy, std::span<const parameter<Scalar>> parameters, thread_team team,
          std::vector<parameter_group> groups = {}, instruction_set set = best_instruction_set())
      : policy_(std::move(policy)), parameters_(trained(parameters)), team_(std::move(team)), set_(set),
        state_(policy_, parameters_) {
    for (const parameter<Scalar>& p : parameters_) {
      const auto own =
          std::find_if(groups.begin(), groups.end(), [&](const parameter_group& g) { return g.which(p.name); });
      settings_.push_back(own == groups.end()
                              ? tensor_settings{policy_.learning_rate, policy_.weight_decay}
                              : tensor_settings{policy_.learning_rate * own->learning_rate_factor,
                                                own->weight_decay.value_or(policy_.weight_decay)});
    }
  }

  [[nodiscard]] std::span<const parameter<Scalar>> parameters() const noexcept { return parameters_; }
  void zero_gradients() const { optim::zero_gradients<Scalar>(team_, parameters_); }

  /// Norm of all gradients together, summed in double in a fixed order. Not finite if a gradient is not.
  [[nodiscard]] double gradient_norm() const {
    const auto square_sum = update_kernels_for<Scalar>(set_).square_sum;
    std::vector<double> sums(n_piece<Scalar>(parameters_));
    for_each_piece<Scalar>(team_, parameters_,
                           [&](std::size_t tensor, std::size_t begin, std::size_t end, std::size_t piece) {
                             sums[piece] = square_sum(parameters_[tensor].gradient + begin, end - begin);
                           });
    double total = 0;
    for (const double sum : sums) total += sum;
    return std::sqrt(total);
  }
  /// The first tensor with a gradient that is not finite, or null.
  [[nodiscard]] const parameter<Scalar>* broken_gradient() const {
    for (const parameter<Scalar>& p : parameters_) {
      if (!std::all_of(p.gradient, p.gradient + p.size(), [](Scalar g) { return std::isfinite(g); })) return &p;
    }
    return nullptr;
  }

  /// One step. @param factor  of the learning rate, from a schedule
  /// @param max_norm  gradients with a larger norm are scaled down to it, as PyTorch's clip_grad_norm_ does
  /// @param norm      what `gradient_norm` returned, if max_norm is given
  void step(double factor = 1, double max_norm = std::numeric_limits<double>::infinity(), double norm = 0) {
    std::vector<tensor_settings> now = settings_;
    for (tensor_settings& s : now) s.learning_rate *= factor;
    const double scale = std::isfinite(max_norm) ? std::min(1.0, max_norm / (norm + 1e-6)) : 1.0;
    ++n_step_;
    state_.step(policy_, step_context{team_, set_, n_step_, scale}, parameters_, now);
  }

  /// Steps done so far.
  [[nodiscard]] std::size_t n_step() const noexcept { return n_step_; }
  void set_n_step(std::size_t n) noexcept { n_step_ = n; }
  /// Of the tensors in their order, the schedule left aside.
  [[nodiscard]] std::span<const tensor_settings> settings() const noexcept { return settings_; }
  [[nodiscard]] const Optimizer& policy() const noexcept { return policy_; }
  /// What a checkpoint must keep besides values and `n_step`; may be written to.
  [[nodiscard]] std::vector<state_array> state_arrays() { return state_.arrays(); }
  [[nodiscard]] std::size_t n_state_byte() const noexcept { return state_.n_byte(); }

 private:
  Optimizer policy_;
  parameter_set<Scalar> parameters_;
  thread_team team_;
  instruction_set set_;
  typename Optimizer::template state<Scalar> state_;
  std::vector<tensor_settings> settings_;
  std::size_t n_step_ = 0;
};

}  // namespace quipu::optim
