/// @file Activity meters for every layer of a model, as hooks of its passes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include <quipu/core/matrix_view.hpp>
#include <quipu/io/model_config.hpp>
#include <quipu/llama/hooks.hpp>
#include <quipu/sparsity/activity_meter.hpp>

namespace quipu::sparsity {

/// Hooks that count as active what is not 0 in hidden, f(gate) * up. Sequences of a pass are met one after the other; a sequence that
/// a pass continues goes on where it stopped if no other came in between.
template <class Hooks = llama::no_hooks>
class model_meter : public Hooks {
 public:
  explicit model_meter(const io::model_config& c, Hooks hooks = {})
      : Hooks(std::move(hooks)), meters_(c.n_layer, activity_meter(c.d_ffn)), next_position_(c.n_layer, 0) {}

  template <class Scalar>
  void ffn_hidden(std::size_t layer, std::span<const llama::row_segment> segments, matrix_view<Scalar> h) {
    Hooks::ffn_hidden(layer, segments, h);
    for (const llama::row_segment& s : segments) {
      if (segments.size() > 1 || s.position != next_position_[layer]) meters_[layer].begin_text();
      for (std::size_t t = 0; t < s.n_row; ++t) meters_[layer].add(neuron_mask::nonzero(std::span<const Scalar>(h.row_span(s.first_row + t))));
      next_position_[layer] = s.position + s.n_row;
    }
  }

  /// (n_layer)
  [[nodiscard]] const std::vector<activity_meter>& layers() const noexcept { return meters_; }
  /// Mean over layers of the mean share of active neurons.
  [[nodiscard]] double density() const noexcept {
    double sum = 0;
    for (const activity_meter& m : meters_) sum += m.density();
    return sum / static_cast<double>(meters_.size());
  }

 private:
  std::vector<activity_meter> meters_;
  std::vector<std::size_t> next_position_;  // of the last segment's sequence
};

}  // namespace quipu::sparsity
