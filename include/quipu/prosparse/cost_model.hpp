/// @file What a token costs in bytes of weights read, for ways of skipping neurons.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <quipu/io/model_config.hpp>

namespace quipu::prosparse {

/// Sizes of a model as far as bytes go: biases and norms are left out, and so are embeddings, of which one row is read.
struct model_shape {
  double d_model = 0, d_ffn = 0, n_layer = 0, n_vocab = 0;
  double attention = 0;  ///< weights of q, k, v and o of a layer

  [[nodiscard]] static model_shape of(const io::model_config& c) noexcept {
    const auto d = static_cast<double>(c.d_model);
    return {d, static_cast<double>(c.d_ffn), static_cast<double>(c.n_layer), static_cast<double>(c.n_vocab),
            2 * d * (static_cast<double>(c.d_q()) + static_cast<double>(c.d_kv()))};
  }
  /// Weights of one matrix of an FFN.
  [[nodiscard]] constexpr double matrix() const noexcept { return d_model * d_ffn; }
};

/// Ways to run the FFN of a ReLU model. Names as in the literature that the byte counts come from.
enum class skipping : std::uint8_t {
  dense,             ///< all three matrices
  gate_first,        ///< all of the gate, rows of active neurons
  power_infer,       ///< a predictor; gate and up of predicted neurons, down of those that are active too
  predicted_gate,    ///< the same, with up for active neurons alone
  low_rank,          ///< a predictor of low rank, read with all three matrices' share; then as `predicted_gate`
  certified,         ///< half of an 8-bit gate, the other half of uncertain neurons, rows of active neurons
  sign_bits,         ///< one bit of every gate weight, the gate of predicted neurons, rows of active ones
  oracle,            ///< rows of active neurons
};

[[nodiscard]] constexpr std::string_view name_of(skipping s) noexcept {
  constexpr std::array<std::string_view, 8> names{"dense",    "gate first", "PowerInfer", "predictor, gate first",
                                                  "low rank", "certified",  "sign bits",  "oracle"};
  return names[static_cast<std::size_t>(s)];
}

/// What is active and what is predicted, as shares of all neurons.
struct activity_shares {
  double active = 0;
  double predicted = 0;             ///< by a trained predictor
  double recall = 0;                ///< of it
  double predictor_rank = 1024;
  double low_rank = 256;            ///< rank of `skipping::low_rank`
  double low_rank_predicted = 0.5;
  double uncertain = 0.33;          ///< neurons that four bits leave open; Gaussian weights at delta = 1e-12
  double open_at_8_bits = 0.01;     ///< inactive ones that eight bits leave open, where the gate has more: chosen to meet a published table, not derived
  double multipliers = 0.03;        ///< what group multipliers add to each plane of a certified gate
  double sign_predicted = 0.25;     ///< by `skipping::sign_bits`
};

/// Bytes that a token reads of one layer's FFN.
/// @param b  bytes of a weight: 2 for bf16, 1 for int8, 0.5625 for blocks of 32 four-bit values under an f16 scale
[[nodiscard]] constexpr double ffn_bytes(skipping s, const model_shape& m, double b, const activity_shares& a) noexcept {
  const double matrix = m.matrix() * b, rows = 2 * a.active * matrix;  // rows: up and down of active neurons
  const double predictor = a.predictor_rank * (m.d_model + m.d_ffn) * b;
  const double plane = 0.5 * (1 + a.multipliers) * m.matrix();         // an 8-bit copy where the gate has other bits
  switch (s) {
    case skipping::dense: return 3 * matrix;
    case skipping::gate_first: return matrix + rows;
    case skipping::power_infer: return predictor + 2 * a.predicted * matrix + a.active * a.recall * matrix;
    case skipping::predicted_gate: return predictor + a.predicted * matrix + 2 * a.active * a.recall * matrix;
    case skipping::low_rank: return a.low_rank * (m.d_model + m.d_ffn) * b + a.low_rank_predicted * matrix + rows;
    case skipping::certified: return plane + a.uncertain * plane + (b > 1 ? (a.active + a.open_at_8_bits) * matrix : 0) + rows;
    case skipping::sign_bits: return m.matrix() / 8 + a.sign_predicted * matrix + rows;
    case skipping::oracle: return 3 * a.active * matrix;
  }
  return 0;
}

/// Bytes that a token reads of the whole model: layers and output layer, without the cache of keys and values.
[[nodiscard]] constexpr double token_bytes(const model_shape& m, double ffn, double b_attention, double b_head) noexcept {
  return m.n_layer * (m.attention * b_attention + ffn) + m.n_vocab * m.d_model * b_head;
}

/// Bytes of one layer's FFN for a batch whose tokens together need `share` of the rows of up and down: the gate once, the rows once.
[[nodiscard]] constexpr double union_ffn_bytes(const model_shape& m, double b, double share) noexcept {
  return (1 + 2 * share) * m.matrix() * b;
}

/// Bytes of one layer's FFN under two levels of thresholds: all of what decides, `first` of the rows of the second matrix, `second` of
/// the rows of down.
/// @param decides_all  whether nothing is decided before both gate and up are known
[[nodiscard]] constexpr double threshold_ffn_bytes(const model_shape& m, double b_first, double b_rows, double b_down, double first, double second,
                                                   bool decides_all = false) noexcept {
  return m.matrix() * (b_first + (decides_all ? 1 : first) * b_rows + second * b_down);
}

}  // namespace quipu::prosparse
