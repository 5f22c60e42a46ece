/// @file By what kernels choose the neurons of a token that are worth their rows: criteria of size.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <quipu/ffn/levels.hpp>

namespace quipu::ffn {

/// The value of a neuron whose size a criterion looks at.
enum class criterion_value : std::uint8_t {
  none,    ///< nothing: every neuron counts
  gate,    ///< f(gate), before up is known: spares rows of up and down
  up,      ///< up, before the gate is known: spares rows of the gate and of down
  hidden,  ///< f(gate) * up: spares rows of down
};

template <class C>
concept has_criterion_name = requires {
  { C::name } -> std::convertible_to<std::string_view>;
};
template <class C>
concept has_criterion_value = requires {
  { C::value } -> std::convertible_to<criterion_value>;
};

/// Role `sparse_criterion`: a small value by which a neuron is left out for a token if its size times its weight is below the level
/// of the layer.
///
/// | member | meaning |
/// |---|---|
/// | `name` | for reports |
/// | `static constexpr criterion_value value` | whose size it is |
/// | optional: `float weight(const neuron_sizes&, std::size_t neuron) const` | not negative; without it all weigh 1 |
template <class C>
concept sparse_criterion = std::copyable<C> && has_criterion_name<C> && has_criterion_value<C>;

/// Optional: a criterion under which neurons weigh differently. It needs the sizes of a calibration.
template <class C>
concept weighing_criterion = requires(const C& c, const neuron_sizes& sizes) {
  { c.weight(sizes, std::size_t{}) } -> std::convertible_to<float>;
};

/// Says in one sentence what a type lacks to be a criterion.
template <class C>
consteval void explain_criterion() {
  if constexpr (!std::copyable<C>) {
    static_assert(std::copyable<C>, "sparse_criterion: the policy must be copyable");
  } else if constexpr (!has_criterion_name<C>) {
    static_assert(has_criterion_name<C>, "sparse_criterion: declare 'static constexpr std::string_view name'");
  } else {
    static_assert(has_criterion_value<C>, "sparse_criterion: declare 'static constexpr criterion_value value', whose size it looks at");
  }
}

/// The weight of a neuron under a criterion.
template <class C>
[[nodiscard]] float weight_of(const C& criterion, const neuron_sizes& sizes, std::size_t neuron) {
  if constexpr (weighing_criterion<C>) {
    return criterion.weight(sizes, neuron);
  } else {
    return 1;
  }
}

/// No criterion.
struct every_neuron {
  static constexpr std::string_view name = "every neuron";
  static constexpr criterion_value value = criterion_value::none;
};

/// |f(gate)|. Source: Lee et al. 2024, "CATS", section 3.
struct gate_size {
  static constexpr std::string_view name = "|f(gate)|";
  static constexpr criterion_value value = criterion_value::gate;
};

/// |f(gate)| E|up| norm(down column): what the neuron adds to the output, as far as it can be told before up is known.
struct weighted_gate {
  static constexpr std::string_view name = "|f(gate)| E|up| norm(down)";
  static constexpr criterion_value value = criterion_value::gate;
  [[nodiscard]] float weight(const neuron_sizes& sizes, std::size_t i) const { return sizes.up[i] * sizes.down[i]; }
};

/// |up|: the gate is worked out for large ones alone.
struct up_size {
  static constexpr std::string_view name = "|up|";
  static constexpr criterion_value value = criterion_value::up;
};

/// |up| E|f(gate)| norm(down column)
struct weighted_up {
  static constexpr std::string_view name = "|up| E|f(gate)| norm(down)";
  static constexpr criterion_value value = criterion_value::up;
  [[nodiscard]] float weight(const neuron_sizes& sizes, std::size_t i) const { return sizes.gate[i] * sizes.down[i]; }
};

/// |f(gate) up|. Source: Liu et al. 2024, "TEAL", section 4.2, at the input of down.
struct hidden_size {
  static constexpr std::string_view name = "|hidden|";
  static constexpr criterion_value value = criterion_value::hidden;
};

/// |f(gate) up| norm(down column): the length of what the neuron adds. Source: Luo et al. 2024, "Sparsing Law", section 3.2.
struct weighted_hidden {
  static constexpr std::string_view name = "|hidden| norm(down)";
  static constexpr criterion_value value = criterion_value::hidden;
  [[nodiscard]] float weight(const neuron_sizes& sizes, std::size_t i) const { return sizes.down[i]; }
};

static_assert(sparse_criterion<every_neuron> && sparse_criterion<gate_size> && sparse_criterion<weighted_gate> && sparse_criterion<up_size> &&
              sparse_criterion<weighted_up> && sparse_criterion<hidden_size> && sparse_criterion<weighted_hidden>);

}  // namespace quipu::ffn
