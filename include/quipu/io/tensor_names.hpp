/// @file The tensors of a LLaMA: their Hugging Face names and the shapes that the architecture fixes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/core/error.hpp>  // concat
#include <quipu/io/model_config.hpp>

namespace quipu::io {

inline constexpr std::string_view embedding_name = "model.embed_tokens.weight";
inline constexpr std::string_view final_norm_name = "model.norm.weight";
inline constexpr std::string_view head_name = "lm_head.weight";

/// "model.layers.3." + part.
[[nodiscard]] inline std::string layer_name(std::size_t layer, std::string_view part) {
  return concat("model.layers.", layer, ".", part);
}

/// One tensor that a model of some config must have.
struct expected_tensor {
  std::string name;
  std::vector<std::size_t> shape;  ///< (rows, cols) or (n)
};

/// A projection of a layer, without ".weight".
struct layer_projection {
  std::string_view part;
  std::size_t rows;
  std::size_t cols;
  bool bias;
};

/// The seven projections of every layer, in the order q, k, v, o, gate, up, down.
[[nodiscard]] std::vector<layer_projection> projections_of(const model_config& config);

/// All tensors of one layer.
[[nodiscard]] std::vector<expected_tensor> tensors_of_layer(const model_config& config, std::size_t layer);

/// The tensors outside the layers; a tied model has no head of its own.
[[nodiscard]] std::vector<expected_tensor> tensors_outside_layers(const model_config& config);

}  // namespace quipu::io

#if !defined(QUIPU_COMPILED)
#include <quipu/io/tensor_names.ipp>
#endif
