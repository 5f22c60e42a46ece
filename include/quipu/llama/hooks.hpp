/// @file Places in a forward pass where modules and observers take part.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <quipu/core/matrix_view.hpp>

namespace quipu::llama {

/// The linear layers of a decoder block.
enum class projection_site : std::uint8_t { q, k, v, o, gate, up, down };

/// Consecutive rows of a batch that belong to one sequence. Modules may differ from segment to segment.
struct row_segment {
  std::size_t sequence = 0;  ///< slot of the sequence in its context
  std::size_t first_row = 0;
  std::size_t n_row = 0;
  std::size_t position = 0;  ///< of the first row in its sequence; what it is rotated by
};

/// Hooks of the plain model: nothing happens, and nothing is paid.
///
/// A hooks class derives from this one, sets `changes_outputs` where it writes to outputs (o and down are
/// then computed apart from the residual stream), and hides what it needs. All are called on the calling
/// thread, between parallel steps.
struct no_hooks {
  static constexpr bool changes_outputs = false;

  /// After y = x W^T (+ bias): y (n_row, d_out) may be changed.
  template <class Scalar>
  void projected(projection_site, std::size_t, std::span<const row_segment>, matrix_view<const Scalar>,
                 matrix_view<Scalar>) const noexcept {}
  /// hidden = f(gate) * up (n_row, d_ffn) before `down` reads it; may be changed.
  template <class Scalar>
  void ffn_hidden(std::size_t, std::span<const row_segment>, matrix_view<Scalar>) const noexcept {}
  /// The attention's output (n_row, d_model) before it joins the residual stream.
  template <class Scalar>
  void attention_output(std::size_t, std::span<const row_segment>, matrix_view<Scalar>) const noexcept {}
  /// The FFN's output (n_row, d_model) before it joins the residual stream.
  template <class Scalar>
  void ffn_output(std::size_t, std::span<const row_segment>, matrix_view<Scalar>) const noexcept {}
  /// The residual stream (n_row, d_model) behind block `layer`.
  template <class Scalar>
  void block_output(std::size_t, std::span<const row_segment>, matrix_view<const Scalar>) const noexcept {}
};

}  // namespace quipu::llama
