/// @file The weights of a gated FFN and where their gradients go.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <quipu/linear/stored_matrix.hpp>

namespace quipu::ffn {

/// The FFN weights of one decoder block as the model holds them.
template <class Scalar>
struct ffn_weights {
  linear::stored_matrix gate;  ///< (d_ffn, d_model)
  linear::stored_matrix up;    ///< (d_ffn, d_model)
  linear::stored_matrix down;  ///< (d_model, d_ffn)
  const Scalar* gate_bias = nullptr;  ///< (d_ffn) or null
  const Scalar* up_bias = nullptr;    ///< (d_ffn) or null
  const Scalar* down_bias = nullptr;  ///< (d_model) or null
};

/// Where the gradients of these weights are added up; null where a weight is frozen.
template <class Scalar>
struct ffn_gradients {
  Scalar* gate = nullptr;
  Scalar* up = nullptr;
  Scalar* down = nullptr;
  Scalar* gate_bias = nullptr;
  Scalar* up_bias = nullptr;
  Scalar* down_bias = nullptr;

  [[nodiscard]] bool empty() const noexcept {
    return gate == nullptr && up == nullptr && down == nullptr && gate_bias == nullptr && up_bias == nullptr &&
           down_bias == nullptr;
  }
};

}  // namespace quipu::ffn
