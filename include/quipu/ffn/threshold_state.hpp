/// @file What a kernel that leaves out small neurons holds of a layer.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/ffn/criteria.hpp>
#include <quipu/ffn/levels.hpp>
#include <quipu/ffn/place.hpp>
#include <quipu/ffn/sparse_forms.hpp>
#include <quipu/ffn/stored_thresholds.hpp>
#include <quipu/ffn/weights.hpp>

namespace quipu::ffn {

/// Of `threshold_sparse`: rows of what the first criterion spares beside transposed down rows, and limits.
template <class Scalar>
struct threshold_state : sparse_state<Scalar> {
  size_limits first, product;

  /// @throws config_error  see `sparse_levels::check`; a criterion that weighs neurons without their sizes; limits that no neuron of
  ///                       the layer can reach; as `sparse_state`
  template <class Kernel>
  threshold_state(const Kernel& kernel, const ffn_weights<Scalar>& w, const place& at) {
    const sparse_levels levels = kernel.levels.empty() ? stored_levels(at.content, at.config, Kernel::first_criterion::name, Kernel::second_criterion::name)
                                                       : kernel.levels;
    levels.check(at.config, at.content);
    first = limits_of(kernel.first, levels.first, levels, at);
    product = limits_of(kernel.second, levels.product, levels, at);
    this->bits = kernel.options.bits;
    if constexpr (Kernel::first_criterion::value == criterion_value::up) {
      this->hold_rows(w, at, sparse_state<Scalar>::beside_down::gate);
    } else {
      this->hold_rows(w, at);
      if (!kernel.options.has_integer_gate(w.gate.type)) return;
      this->hold_gate(w, at, kernel.options.dither_seed);
      this->bytes = this->counted(this->gate->has_bytes(), [&] { return this->gate->bytes(at.team); });
    }
  }

 private:
  template <class Criterion>
  static size_limits limits_of(const Criterion& criterion, const std::vector<double>& levels, const sparse_levels& all, const place& at) {
    size_limits limits;
    if (levels.empty() || Criterion::value == criterion_value::none) return limits;
    const double level = levels[at.layer];
    if constexpr (!weighing_criterion<Criterion>) {
      limits.all = static_cast<float>(level);
    } else {
      if (all.sizes.empty()) fail<config_error>(concat("sparse levels of ", Criterion::name), "sizes of the neurons with them", "none");
      limits.own.resize(at.config.d_ffn);
      for (std::size_t i = 0; i < limits.own.size(); ++i) {
        const auto weight = static_cast<double>(weight_of(criterion, all.sizes[at.layer], i));
        limits.own[i] = level == 0 ? 0.0f : static_cast<float>(level / weight);  // infinite where nothing weighs anything
      }
    }
    const auto unreachable = [](float limit) { return limit == std::numeric_limits<float>::infinity(); };
    if (limits.own.empty() ? unreachable(limits.all) : std::all_of(limits.own.begin(), limits.own.end(), unreachable))
      fail<config_error>(concat("sparse levels of layer ", at.layer), "a level that some neuron can reach", "every neuron dead");
    return limits;
  }
};

}  // namespace quipu::ffn
