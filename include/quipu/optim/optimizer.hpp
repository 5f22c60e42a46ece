/// @file The optimiser role, and the optimisers that work value by value: SGD, AdamW, Lion.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <quipu/core/isa.hpp>
#include <quipu/core/thread_team.hpp>
#include <quipu/optim/moments.hpp>
#include <quipu/optim/parameter.hpp>
#include <quipu/optim/update_kernels.hpp>

namespace quipu::optim {

/// What every step of an optimiser is told.
struct step_context {
  const thread_team& team;
  instruction_set set;
  std::size_t t;          ///< number of the step, counted from 1
  double gradient_scale;  ///< factor of all gradients: clipping
};

/// Settings of one tensor: its learning rate (schedule and group applied) and weight decay.
struct tensor_settings {
  double learning_rate;
  double weight_decay;
};

/// AdamW: decoupled weight decay. Source: Loshchilov, Hutter 2017, algorithm 2, as PyTorch computes it.
struct adamw {
  static constexpr std::string_view name = "adamw";

  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0.01;
  moment_storage storage = moment_storage::full;

  /// All other numbers, for the record of a run.
  [[nodiscard]] std::string numbers() const {
    return concat("beta1 ", exact_text(beta1), ", beta2 ", exact_text(beta2), ", eps ", exact_text(eps), ", storage ",
                  static_cast<int>(storage));
  }

  template <class Scalar>
  class state : public moments<Scalar, 2> {
   public:
    state(const adamw& policy, std::span<const parameter<Scalar>> p) : moments<Scalar, 2>(p, policy.storage) {}

    void step(const adamw& a, const step_context& s, std::span<const parameter<Scalar>> p,
              std::span<const tensor_settings> settings) {
      const double t = static_cast<double>(s.t);
      this->update(s.team, p, update_kernels_for<Scalar>(s.set).adamw, [&](std::size_t i) {
        update_numbers<Scalar> c;
        c.gradient_scale = static_cast<Scalar>(s.gradient_scale);
        c.beta1 = static_cast<Scalar>(a.beta1);
        c.beta2 = static_cast<Scalar>(a.beta2);
        c.rest1 = static_cast<Scalar>(1 - a.beta1);
        c.rest2 = static_cast<Scalar>(1 - a.beta2);
        c.keep = static_cast<Scalar>(1 - settings[i].learning_rate * settings[i].weight_decay);
        c.step = static_cast<Scalar>(settings[i].learning_rate / (1 - std::pow(a.beta1, t)));
        c.root = static_cast<Scalar>(std::sqrt(1 - std::pow(a.beta2, t)));
        c.eps = static_cast<Scalar>(a.eps);
        return c;
      });
    }
  };
};

/// Stochastic gradient descent with momentum, weight decay added to the gradient, as PyTorch computes it.
struct sgd {
  static constexpr std::string_view name = "sgd";

  double learning_rate = 1e-2;
  double momentum = 0.9;
  bool nesterov = false;
  double weight_decay = 0;
  moment_storage storage = moment_storage::full;

  /// All other numbers, for the record of a run.
  [[nodiscard]] std::string numbers() const {
    return concat("momentum ", exact_text(momentum), ", nesterov ", nesterov, ", storage ", static_cast<int>(storage));
  }

  template <class Scalar>
  class state : public moments<Scalar, 1> {
   public:
    state(const sgd& policy, std::span<const parameter<Scalar>> p) : moments<Scalar, 1>(p, policy.storage) {}

    void step(const sgd& a, const step_context& s, std::span<const parameter<Scalar>> p,
              std::span<const tensor_settings> settings) {
      this->update(s.team, p, update_kernels_for<Scalar>(s.set).sgd, [&](std::size_t i) {
        update_numbers<Scalar> c;
        c.gradient_scale = static_cast<Scalar>(s.gradient_scale);
        c.beta1 = static_cast<Scalar>(a.momentum);
        c.beta2 = a.nesterov ? Scalar(1) : Scalar(0);
        c.keep = static_cast<Scalar>(settings[i].weight_decay);
        c.step = static_cast<Scalar>(settings[i].learning_rate);
        return c;
      });
    }
  };
};

/// Lion: the sign of an interpolated momentum. Source: Chen et al. 2023, algorithm 2.
struct lion {
  static constexpr std::string_view name = "lion";

  double learning_rate = 1e-4;
  double beta1 = 0.9;
  double beta2 = 0.99;
  double weight_decay = 0;
  moment_storage storage = moment_storage::full;

  /// All other numbers, for the record of a run.
  [[nodiscard]] std::string numbers() const {
    return concat("beta1 ", exact_text(beta1), ", beta2 ", exact_text(beta2), ", storage ", static_cast<int>(storage));
  }

  template <class Scalar>
  class state : public moments<Scalar, 1> {
   public:
    state(const lion& policy, std::span<const parameter<Scalar>> p) : moments<Scalar, 1>(p, policy.storage) {}

    void step(const lion& a, const step_context& s, std::span<const parameter<Scalar>> p,
              std::span<const tensor_settings> settings) {
      this->update(s.team, p, update_kernels_for<Scalar>(s.set).lion, [&](std::size_t i) {
        update_numbers<Scalar> c;
        c.gradient_scale = static_cast<Scalar>(s.gradient_scale);
        c.beta1 = static_cast<Scalar>(a.beta1);
        c.beta2 = static_cast<Scalar>(a.beta2);
        c.rest1 = static_cast<Scalar>(1 - a.beta1);
        c.rest2 = static_cast<Scalar>(1 - a.beta2);
        c.keep = static_cast<Scalar>(1 - settings[i].learning_rate * settings[i].weight_decay);
        c.step = static_cast<Scalar>(settings[i].learning_rate);
        return c;
      });
    }
  };
};

template <class O>
concept has_optimizer_state = requires {
  typename O::template state<float>;
  typename O::template state<double>;
};

/// Optional: an optimiser that says what it is set to besides `learning_rate` and `weight_decay`; a run that is resumed
/// with other numbers is refused.
template <class O>
concept numbered_optimizer = requires(const O& o) {
  { o.numbers() } -> std::convertible_to<std::string>;
};

/// Role `optimizer`: a small value with `name`, `learning_rate`, `weight_decay` and a nested `state<Scalar>` that is
/// made from (policy, parameters) and has `step(policy, context, parameters, settings)`, `arrays()` and `n_byte()`.
template <class O>
concept optimizer_policy =
    std::copyable<O> && requires(const O& o, typename O::template state<float>& s, const step_context& c,
                                 std::span<const parameter<float>> p, std::span<const tensor_settings> t) {
      { O::name } -> std::convertible_to<std::string_view>;
      { o.learning_rate } -> std::convertible_to<double>;
      { o.weight_decay } -> std::convertible_to<double>;
      typename O::template state<double>;
      s.step(o, c, p, t);
      { s.arrays() } -> std::same_as<std::vector<state_array>>;
      { s.n_byte() } -> std::convertible_to<std::size_t>;
    };

/// Says in one sentence what a type lacks to be an optimiser.
template <class O>
consteval void explain() {
  if constexpr (!std::copyable<O>) {
    static_assert(std::copyable<O>, "optimizer: the policy must be copyable");
  } else if constexpr (!has_optimizer_state<O>) {
    static_assert(optimizer_policy<O>, "optimizer: declare 'template <class Scalar> class state'");
  } else {
    static_assert(
        optimizer_policy<O>,
        "optimizer: declare name, learning_rate, weight_decay, and in state 'step(policy, context, parameters, "
        "settings)', 'arrays()' and 'n_byte()'");
  }
}

static_assert(optimizer_policy<adamw> && optimizer_policy<sgd> && optimizer_policy<lion>);

}  // namespace quipu::optim
