/// @file Which task a text belongs to: the role `selector`.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/matrix_view.hpp>
#include <quipu/core/number_text.hpp>
#include <quipu/core/policy_list.hpp>
#include <quipu/statistics/class_moments.hpp>

namespace quipu::role {
struct selector {};
}  // namespace quipu::role

namespace quipu::conpet {

/// How selectors are told what task a text is of.
enum class selector_kind : std::uint8_t {
  closed_form,  ///< sums over states of the base model; nothing trains
  trained,      ///< a module with a head of one output a task
  modules,      ///< the modules' own values, which must be of low rank; nothing trains and nothing is kept
  oracle,       ///< the true task, which the caller gives: a bound, not a method
};

/// Selectors that learn by sums: `scores_of(moments)` makes the classifier of all classes seen so far, `features(states)` what it reads.
template <class S>
concept closed_form_selector = requires(const S& s, const statistics::class_moments& m, matrix_view<const float> states) {
  { s.classifier(m) } -> std::same_as<statistics::linear_scores>;
  { s.features(states) } -> std::same_as<std::vector<float>>;
  { s.n_feature(std::size_t{}) } -> std::convertible_to<std::size_t>;
  { s.block(std::size_t{}) } -> std::convertible_to<std::size_t>;
};

struct trained_selector;

/// Selectors that train: `trained()` gives how.
template <class S>
concept trains_selector = requires(const S& s) {
  { s.trained() } -> std::convertible_to<const trained_selector&>;
};

/// Selectors that look at the modules: `sharpness()` is the factor of a likeness, 0 .. 1, whose softmax is a task's probability.
template <class S>
concept compares_modules = requires(const S& s) {
  { s.sharpness() } -> std::convertible_to<double>;
};

/// Selectors whose kind is chosen at run time have all of the parts and say by `kind_now()` which of them counts.
template <class S>
concept chosen_at_run_time = closed_form_selector<S> && trains_selector<S> && compares_modules<S> && requires(const S& s) {
  { s.kind_now() } -> std::same_as<selector_kind>;
};
template <class S>
concept has_selector_kind = chosen_at_run_time<S> || requires {
  { S::kind } -> std::convertible_to<selector_kind>;
};

/// Role `selector`: copyable; `kind` and `identity()`; of a closed-form one also the functions of `closed_form_selector`, of one that trains
/// `trained()`, of one that looks at the modules `sharpness()`.
template <class S>
concept selector = std::copyable<S> && has_selector_kind<S> && requires(const S& s) {
  { s.identity() } -> std::convertible_to<std::string>;
};

/// Whether a selector may be of a kind, as far as its type tells, and whether it is.
template <class S>
[[nodiscard]] consteval bool may_be(selector_kind kind) {
  if constexpr (chosen_at_run_time<S>) {
    return true;
  } else {
    return S::kind == kind;
  }
}
template <class S>
[[nodiscard]] constexpr bool is_kind(const S& s, selector_kind kind) {
  if constexpr (chosen_at_run_time<S>) {
    return s.kind_now() == kind;
  } else {
    return S::kind == kind;
  }
}

/// Says in one sentence what a type lacks to select.
template <class S>
consteval void explain_selector() {
  if constexpr (!selector<S>) {
    static_assert(selector<S>, "selector: it must be copyable, with 'static constexpr selector_kind kind' and 'std::string identity() const'");
  } else if constexpr (may_be<S>(selector_kind::closed_form) && !closed_form_selector<S>) {
    static_assert(closed_form_selector<S>,
                  "selector: a closed-form one also declares 'classifier(moments)', 'features(states)', 'n_feature(d_model)' and 'block(n_layer)'");
  } else if constexpr (may_be<S>(selector_kind::trained) && !trains_selector<S>) {
    static_assert(trains_selector<S>, "selector: one that trains also declares 'const trained_selector& trained() const'");
  } else {
    static_assert(!may_be<S>(selector_kind::modules) || compares_modules<S>,
                  "selector: one that looks at the modules also declares 'double sharpness() const'");
  }
}

namespace detail {

/// What all closed-form selectors read: the mean of the chosen rows behind some block of the base model.
struct reads_states {
  std::size_t n_block = 0;  ///< blocks below the states; 0: a third of the model's

  [[nodiscard]] std::size_t block(std::size_t n_layer) const noexcept { return n_block > 0 ? n_block : std::max<std::size_t>(1, n_layer / 3); }
  [[nodiscard]] static std::size_t n_feature(std::size_t d_model) noexcept { return d_model; }
  [[nodiscard]] static std::vector<float> features(matrix_view<const float> states) {
    std::vector<float> all;
    for (std::size_t i = 0; i < states.rows(); ++i) all.insert(all.end(), states.row(i), states.row(i) + states.cols());
    return all;
  }
};

}  // namespace detail

/// Linear discriminant analysis over all classes; a task is as probable as its classes together.
struct discriminant_selector : detail::reads_states {
  using policy_role = role::selector;
  static constexpr selector_kind kind = selector_kind::closed_form;
  double ridge = 0.03;

  [[nodiscard]] std::string identity() const { return concat("discriminant, block ", n_block, ", ridge ", exact_text(ridge)); }
  [[nodiscard]] statistics::linear_scores classifier(const statistics::class_moments& m) const { return m.discriminant({.ridge = ridge}); }
};

/// The nearest mean of a class.
struct means_selector : detail::reads_states {
  using policy_role = role::selector;
  static constexpr selector_kind kind = selector_kind::closed_form;

  [[nodiscard]] std::string identity() const { return concat("class means, block ", n_block); }
  [[nodiscard]] static statistics::linear_scores classifier(const statistics::class_moments& m) { return m.nearest_means(); }
};

/// Linear discriminant analysis on random Fourier features of the states, each brought to length 1.
struct fourier_selector : detail::reads_states {
  using policy_role = role::selector;
  static constexpr selector_kind kind = selector_kind::closed_form;
  std::size_t n_wave = 3000;
  double width = 1, ridge = 0.1;
  std::uint64_t seed = 1;

  [[nodiscard]] std::string identity() const {
    return concat("Fourier ", n_wave, ", block ", n_block, ", width ", exact_text(width), ", ridge ", exact_text(ridge), ", seed ", seed);
  }
  [[nodiscard]] std::size_t n_feature(std::size_t) const noexcept { return n_wave; }
  [[nodiscard]] statistics::linear_scores classifier(const statistics::class_moments& m) const { return m.discriminant({.ridge = ridge}); }
  [[nodiscard]] std::vector<float> features(matrix_view<const float> states) const {
    std::vector<float> unit = reads_states::features(states);
    for (std::size_t i = 0; i < states.rows(); ++i) {
      double square = 0;
      for (std::size_t f = 0; f < states.cols(); ++f) square += static_cast<double>(states(i, f)) * static_cast<double>(states(i, f));
      const auto scale = static_cast<float>(1 / std::max(std::sqrt(square), 1e-12));
      for (std::size_t f = 0; f < states.cols(); ++f) unit[i * states.cols() + f] *= scale;
    }
    if (!map || map->n_in() != states.cols()) map = std::make_shared<const statistics::fourier_features>(states.cols(), n_wave, width, seed);
    return (*map)({unit.data(), states.rows(), states.cols()});
  }

  mutable std::shared_ptr<const statistics::fourier_features> map{};  ///< made when it is first needed
};

/// ConPET's own: a module with a head that grows by one output with every task, trained on the new task and what is replayed of old ones.
struct trained_selector {
  using policy_role = role::selector;
  static constexpr selector_kind kind = selector_kind::trained;
  std::size_t n_step = 150;    ///< of each task from the second on
  bool subtract_prior = true;  ///< half of a batch is the newest task's: its share is taken off at use. False as in the official code

  [[nodiscard]] const trained_selector& trained() const noexcept { return *this; }
  [[nodiscard]] std::string identity() const { return concat("trained, ", n_step, " steps", subtract_prior ? ", without prior" : ""); }
};

/// The module whose most sensitive input directions the text is most like: see `arrow_likeness`.
struct arrow_selector {
  using policy_role = role::selector;
  static constexpr selector_kind kind = selector_kind::modules;
  double factor = 50;  ///< likenesses differ by some hundredths

  [[nodiscard]] double sharpness() const noexcept { return factor; }
  [[nodiscard]] std::string identity() const { return concat("arrow, factor ", exact_text(factor)); }
};

/// The true task.
struct oracle_selector {
  using policy_role = role::selector;
  static constexpr selector_kind kind = selector_kind::oracle;
  [[nodiscard]] static std::string identity() { return "oracle"; }
};

static_assert(selector<discriminant_selector> && selector<means_selector> && selector<fourier_selector> && selector<trained_selector> &&
              selector<arrow_selector> && selector<oracle_selector>);

}  // namespace quipu::conpet
