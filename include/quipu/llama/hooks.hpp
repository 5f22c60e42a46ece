/// @file Places in a forward pass where modules and observers take part.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

#include <quipu/core/matrix_view.hpp>
#include <quipu/io/model_config.hpp>
#include <quipu/linear/site.hpp>

namespace quipu::llama {

using linear::projection_site;
using linear::row_segment;

/// Hooks of the plain model: nothing happens, and nothing is paid.
///
/// A hooks class derives from this one and hides what it needs. All are called on the calling thread,
/// between parallel steps.
struct no_hooks {
  /// Whether the modules, if there are any, were made for models of these sizes.
  static constexpr bool fits(const io::model_config&) noexcept { return true; }

  /// Whether the outputs of o or down of a block are to be computed apart from the residual stream. Needed by
  /// what scales or replaces an output, and by `attention_output` and `ffn_output`; what only adds to an
  /// output (LoRA) does without, and then finds the residual stream in the y of `projected`.
  static constexpr bool separates(projection_site, std::size_t) noexcept { return false; }

  /// After y = x W^T (+ bias): y (n_row, d_out) may be changed; see `separates` for o and down.
  template <class Scalar>
  void projected(projection_site, std::size_t, std::span<const row_segment>, matrix_view<const Scalar>,
                 matrix_view<Scalar>) const noexcept {}
  /// hidden = f(gate) * up (n_row, d_ffn) before `down` reads it; may be changed.
  template <class Scalar>
  void ffn_hidden(std::size_t, std::span<const row_segment>, matrix_view<Scalar>) const noexcept {}
  /// The attention's output (n_row, d_model) before it joins the residual stream; called only if o is separated.
  template <class Scalar>
  void attention_output(std::size_t, std::span<const row_segment>, matrix_view<Scalar>) const noexcept {}
  /// The FFN's output (n_row, d_model) before it joins the residual stream; called only if down is separated.
  template <class Scalar>
  void ffn_output(std::size_t, std::span<const row_segment>, matrix_view<Scalar>) const noexcept {}
  /// The residual stream (n_row, d_model) after block `layer`.
  template <class Scalar>
  void block_output(std::size_t, std::span<const row_segment>, matrix_view<const Scalar>) const noexcept {}
};

}  // namespace quipu::llama
