/// @file The hooks of training: what modules do on the way back.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include <quipu/core/matrix_view.hpp>
#include <quipu/linear/site.hpp>
#include <quipu/llama/hooks.hpp>
#include <quipu/pet/kv_prefix.hpp>

namespace quipu::llama {

using pet::kv_prefix;

/// Hooks of training without modules: the base of every training hooks class, which hides what it needs.
///
/// Each forward hook of `no_hooks` has a twin here that is called in the opposite order. A twin gets the
/// gradient of what its forward hook left behind; it turns that into the gradient of what the hook found
/// (in place), and adds the gradients of its own parameters to wherever it keeps them.
///
/// With `tape_depth::block_inputs` every block is computed again before its backward pass: its forward hooks are then
/// called twice in a step, the second time right before their twins, and must leave the same bits, dropout included.
/// What sums something up (a penalty, a meter) does so in the twins, which are called once at either depth.
struct no_training_hooks : no_hooks {
  /// Lowest block with something that trains: the backward pass stops there. `none` if nothing does.
  static constexpr std::size_t none = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t lowest_layer() noexcept { return none; }

  /// Before every pass of a training run, with its number, which names the random numbers of dropout; `evaluate`
  /// switches dropout off.
  void train(std::uint64_t) const noexcept {}
  void evaluate() const noexcept {}

  /// Whether the twins add the gradient of a loss of their own: then batches without labels have a backward pass, too.
  static constexpr bool adds_loss() noexcept { return false; }

  /// Whether `projected_backward` does anything at a site.
  static constexpr bool touches(projection_site, std::size_t) noexcept { return false; }

  /// Virtual rows that every sequence begins with (prompt tuning).
  static constexpr std::size_t n_virtual() noexcept { return 0; }
  /// After the embedding, before block 0: x (n_row, d_model) may be changed, virtual rows (zero) are filled here.
  template <class Scalar>
  void embedded(std::span<const row_segment>, matrix_view<Scalar>) const noexcept {}
  /// Whether `embedded_backward` wants the gradient of the embedded rows.
  static constexpr bool touches_embedding() noexcept { return false; }
  template <class Scalar>
  void embedded_backward(std::span<const row_segment>, matrix_view<Scalar>) const noexcept {}

  /// Learned keys and values before sequence `sequence` (`row_segment::sequence`).
  template <class Scalar>
  [[nodiscard]] kv_prefix<Scalar> prefix(std::size_t) const noexcept {
    return {};
  }
  /// Twin of `projected`. If the site is o or down and not separated, dy is the gradient of the residual
  /// stream and must be left alone, as what only adds does anyway.
  /// The last three arguments:
  ///   x   (n_row, d_in) the projection's input
  ///   dy  (n_row, d_out) in: of the changed output, out: of x W^T
  ///   dx  (n_row, d_in) add what reaches x past W; empty if nobody below needs it
  template <class Scalar>
  void projected_backward(projection_site, std::size_t, std::span<const row_segment>, matrix_view<const Scalar>,
                          matrix_view<Scalar>, matrix_view<Scalar>) const noexcept {}
  /// Twin of `ffn_hidden`. `hidden` (n_row, d_ffn) is what the forward hook found.
  template <class Scalar>
  void ffn_hidden_backward(std::size_t, std::span<const row_segment>, matrix_view<const Scalar>,
                           matrix_view<Scalar>) const noexcept {}
  /// Whether `ffn_hidden_backward` reads `hidden`; it is recomputed for it.
  static constexpr bool reads_hidden(std::size_t) noexcept { return false; }
  /// Twins of `attention_output` and `ffn_output`. x (n_row, d_model) is what the forward hook found.
  template <class Scalar>
  void attention_output_backward(std::size_t, std::span<const row_segment>, matrix_view<const Scalar>,
                                 matrix_view<Scalar>) const noexcept {}
  template <class Scalar>
  void ffn_output_backward(std::size_t, std::span<const row_segment>, matrix_view<const Scalar>,
                           matrix_view<Scalar>) const noexcept {}
  /// Before block `layer`'s own backward pass; dx (n_row, d_model) is the gradient of its output.
  template <class Scalar>
  void block_output_backward(std::size_t, std::span<const row_segment>, matrix_view<Scalar>) const noexcept {}
};

}  // namespace quipu::llama
