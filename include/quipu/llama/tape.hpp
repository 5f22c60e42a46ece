/// @file The recorder of training: keeps what the backward pass reads.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <quipu/core/buffer.hpp>
#include <quipu/core/matrix_view.hpp>
#include <quipu/llama/recorder.hpp>  // slot

namespace quipu::llama {

/// What a tape keeps of every block. With block inputs alone a block is computed again before its backward
/// pass: a quarter more arithmetic for about a seventh of the memory (Chen et al. 2016).
enum class tape_depth : std::uint8_t { everything, block_inputs };

/// Recorder of training. Of each block it keeps input, middle of the residual stream, q, k, v, mixed values,
/// their normalisers, gate and up, and outputs that hooks change; normalised rows and the FFN's hidden rows are cheap
/// and recomputed. Its memory is reused from batch to batch.
template <class Scalar>
class tape {
 public:
  using scalar_type = Scalar;
  static constexpr bool records = true;

  /// Before every forward pass.
  void begin(std::size_t n_layer, tape_depth depth) {
    depth_ = depth;
    recomputing_ = false;
    layers_.resize(n_layer);
    kept_.resize(depth == tape_depth::everything ? n_layer : 1);
  }
  /// Before a block is computed once more from `input(layer)`.
  void begin_again() noexcept { recomputing_ = true; }
  [[nodiscard]] tape_depth depth() const noexcept { return depth_; }

  [[nodiscard]] matrix_view<Scalar> matrix(slot s, std::size_t layer, std::size_t rows, std::size_t cols) {
    buffer<Scalar>& b = is_kept(s) ? kept(layer).slots[index(s)] : scratch_[index(s)];
    b.reserve_discarding(rows * cols);
    if (is_kept(s)) kept(layer).views[index(s)] = b.matrix(rows, cols);
    return b.matrix(rows, cols);
  }

  [[nodiscard]] matrix_view<Scalar> residual(std::size_t layer, int half, matrix_view<Scalar> x) {
    if (depth_ == tape_depth::block_inputs && !recomputing_) {
      if (half == 0) layers_[layer].input = copy(x, layers_[layer].memory);
      return x;
    }
    if (half == 0) {
      layers_[layer].input = x;
      return kept(layer).middle = copy(x, kept(layer).residual[0]);
    }
    return copy(x, kept(layer).residual[1]);
  }

  [[nodiscard]] matrix_view<Scalar> output(slot s, matrix_view<const Scalar> out) {
    return copy(out, changed_[s == slot::ffn_out]);
  }

  [[nodiscard]] Scalar* log_sum(std::size_t layer, std::size_t rows, std::size_t n_head) {
    kept(layer).log_sum.reserve_discarding(rows * n_head);
    return kept(layer).log_sum.data();
  }

  /// What the forward pass of a block left: valid for all layers, or for the one computed last.
  [[nodiscard]] matrix_view<Scalar> input(std::size_t layer) const noexcept { return layers_[layer].input; }
  [[nodiscard]] matrix_view<const Scalar> middle(std::size_t layer) const noexcept { return kept(layer).middle; }
  [[nodiscard]] matrix_view<const Scalar> at(slot s, std::size_t layer) const noexcept {
    return kept(layer).views[index(s)];
  }
  [[nodiscard]] const Scalar* log_sum(std::size_t layer) const noexcept { return kept(layer).log_sum.data(); }

  /// Bytes that the tape holds.
  [[nodiscard]] std::size_t n_byte() const noexcept {
    std::size_t n = 0;
    for (const auto& b : scratch_) n += b.n_byte();
    for (const auto& b : changed_) n += b.n_byte();
    for (const block& k : kept_) {
      for (const auto& b : k.slots) n += b.n_byte();
      n += k.residual[0].n_byte() + k.residual[1].n_byte() + k.log_sum.n_byte();
    }
    for (const layer_input& l : layers_) n += l.memory.n_byte();
    return n;
  }

 private:
  static constexpr std::size_t n_slot = static_cast<std::size_t>(slot::count);
  struct block {
    std::array<buffer<Scalar>, n_slot> slots;
    std::array<matrix_view<const Scalar>, n_slot> views;
    std::array<buffer<Scalar>, 2> residual;  // (n_row, d_model) each
    matrix_view<Scalar> middle;              // (n_row, d_model) between attention and FFN
    buffer<Scalar> log_sum;                  // (n_row, n_head)
  };
  struct layer_input {
    matrix_view<Scalar> input;  // (n_row, d_model)
    buffer<Scalar> memory;  // used if only inputs are kept
  };

  static constexpr std::size_t index(slot s) noexcept { return static_cast<std::size_t>(s); }
  static constexpr bool is_kept(slot s) noexcept {
    return s == slot::q || s == slot::k || s == slot::v || s == slot::attended || s == slot::gate || s == slot::up ||
           s == slot::attention_out || s == slot::ffn_out;
  }
  [[nodiscard]] block& kept(std::size_t layer) noexcept { return kept_[kept_.size() == 1 ? 0 : layer]; }
  [[nodiscard]] const block& kept(std::size_t layer) const noexcept { return kept_[kept_.size() == 1 ? 0 : layer]; }

  static matrix_view<Scalar> copy(matrix_view<const Scalar> x, buffer<Scalar>& to) {
    to.reserve_discarding(x.rows() * x.cols());
    const matrix_view<Scalar> out = to.matrix(x.rows(), x.cols());  // as x
    for (std::size_t t = 0; t < x.rows(); ++t) std::copy_n(x.row(t), x.cols(), out.row(t));
    return out;
  }

  tape_depth depth_ = tape_depth::everything;
  bool recomputing_ = false;
  std::array<buffer<Scalar>, n_slot> scratch_;
  std::array<buffer<Scalar>, 2> changed_;  // outputs that hooks may change
  std::vector<block> kept_;
  std::vector<layer_input> layers_;
};

}  // namespace quipu::llama
