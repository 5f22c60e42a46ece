/// @file One parameter-efficient module in the passes of a model, for training and for inference.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <quipu/core/matrix_view.hpp>
#include <quipu/linear/backward.hpp>
#include <quipu/linear/workspace.hpp>
#include <quipu/llama/training_hooks.hpp>
#include <quipu/pet/module.hpp>

namespace quipu::llama {

/// Hooks that apply one module to all rows of a batch. Cheap to make: switching modules is making another.
///
/// @tparam Module  models `pet::pet_module`; must outlive the hooks
template <class Module>
class module_hooks : public no_training_hooks {
 public:
  using scalar_type = typename Module::scalar_type;
  using rows = matrix_view<scalar_type>;
  using const_rows = matrix_view<const scalar_type>;
  using segments = std::span<const row_segment>;

  /// @param ws  that of the session or training pass
  module_hooks(Module& module, linear::workspace& ws) : module_(&module), multiply_(ws) {}

  /// Dropout is on between this and `evaluate`; `step` names its random numbers.
  void train(std::uint64_t step) noexcept {
    training_ = true;
    step_ = step;
  }
  void evaluate() noexcept { training_ = false; }

  [[nodiscard]] bool fits(const io::model_config& c) const noexcept { return module_->fits(c); }
  [[nodiscard]] std::size_t lowest_layer() const noexcept { return module_->lowest_layer(); }
  [[nodiscard]] bool separates(projection_site site, std::size_t layer) const noexcept {
    return module_->separates(site, layer);
  }
  [[nodiscard]] bool touches(projection_site site, std::size_t layer) const noexcept {
    return module_->touches(site, layer);
  }
  [[nodiscard]] bool touches_embedding() const noexcept { return module_->touches_embedding(); }
  [[nodiscard]] std::size_t n_virtual() const noexcept { return module_->n_virtual(); }
  [[nodiscard]] bool reads_hidden(std::size_t layer) const noexcept { return module_->touches_hidden(layer); }

  template <class Scalar>
  [[nodiscard]] kv_prefix<Scalar> prefix(std::size_t) const {
    const pet::prefix_values<Scalar> p = module_->template prefix<Scalar>();
    return {p.n_row, p.values, p.gradient};
  }
  void embedded(segments all, rows x) {
    for (const row_segment& s : all) module_->embedded(call(0, s.first_row), x.middle_rows(s.first_row, s.n_row));
  }
  void embedded_backward(segments all, rows dx) {
    for (const row_segment& s : all)
      module_->embedded_backward(call(0, s.first_row), dx.middle_rows(s.first_row, s.n_row));
  }
  void projected(projection_site site, std::size_t layer, segments, const_rows x, rows y) {
    if (module_->touches(site, layer)) module_->projected(call(layer), site, x, y);
  }
  void projected_backward(projection_site site, std::size_t layer, segments, const_rows x, rows dy, rows dx) {
    module_->projected_backward(call(layer), site, x, dy, dx);
  }
  void ffn_hidden(std::size_t layer, segments, rows h) { module_->ffn_hidden(call(layer), h); }
  void ffn_hidden_backward(std::size_t layer, segments, const_rows h, rows dh) {
    module_->ffn_hidden_backward(call(layer), h, dh);
  }
  void attention_output(std::size_t layer, segments, rows y) { module_->attention_output(call(layer), y); }
  void attention_output_backward(std::size_t layer, segments, const_rows x, rows dy) {
    module_->attention_output_backward(call(layer), x, dy);
  }
  void ffn_output(std::size_t layer, segments, rows y) { module_->ffn_output(call(layer), y); }
  void ffn_output_backward(std::size_t layer, segments, const_rows x, rows dy) {
    module_->ffn_output_backward(call(layer), x, dy);
  }

 private:
  [[nodiscard]] pet::module_call<scalar_type> call(std::size_t layer, std::size_t first_row = 0) noexcept {
    return {multiply_, layer, first_row, training_, step_};
  }

  Module* module_;
  linear::multiplier<scalar_type> multiply_;
  bool training_ = false;
  std::uint64_t step_ = 0;
};

}  // namespace quipu::llama
