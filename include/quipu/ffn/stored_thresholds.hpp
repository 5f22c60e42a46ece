/// @file Thresholds and levels as tensors beside a checkpoint's weights.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/core/tensor_type.hpp>
#include <quipu/ffn/levels.hpp>
#include <quipu/io/checkpoint.hpp>
#include <quipu/io/checkpoint_content.hpp>
#include <quipu/io/model_config.hpp>

namespace quipu::ffn {

/// F32 (n_layer, d_ffn): what the gate of each neuron must reach, besides the activation's own threshold.
inline constexpr std::string_view threshold_tensor_name = "quipu.ffn_thresholds";
/// F64 (n_layer) each, and F32 (n_layer, d_ffn): see `sparse_levels`.
inline constexpr std::string_view first_level_tensor_name = "quipu.ffn_levels.first", product_level_tensor_name = "quipu.ffn_levels.product";
inline constexpr std::string_view gate_size_tensor_name = "quipu.ffn_sizes.gate", up_size_tensor_name = "quipu.ffn_sizes.up",
                                  down_norm_tensor_name = "quipu.ffn_sizes.down";
/// Metadata: names of the criteria that levels are for.
inline constexpr std::string_view first_criterion_key = "quipu.ffn_levels.first_criterion", second_criterion_key = "quipu.ffn_levels.second_criterion";

/// Thresholds of neurons that came with a checkpoint, (n_layer)(d_ffn); empty if none did.
/// @throws config_error  another type or shape
[[nodiscard]] std::vector<std::vector<float>> stored_thresholds(const io::checkpoint_content& content, const io::model_config& c);

/// Levels that came with a checkpoint; empty if none did.
/// @throws config_error  another type or shape, or levels for other criteria
[[nodiscard]] sparse_levels stored_levels(const io::checkpoint_content& content, const io::model_config& c, std::string_view first_criterion,
                                          std::string_view second_criterion);

/// Puts thresholds of neurons beside a checkpoint's weights, in place of any that are there.
/// @param of_neurons  (n_layer)(d_ffn); empty: none
void store_thresholds(io::checkpoint& to, const std::vector<std::vector<float>>& of_neurons);
/// The same for shares of active neurons, which `per_layer` chooses kernels by.
/// @param densities  (n_layer); empty: none
void store_densities(io::checkpoint& to, const std::vector<double>& densities);
/// The same for levels and the criteria that they are for.
void store_levels(io::checkpoint& to, const sparse_levels& levels, std::string_view first_criterion, std::string_view second_criterion);

}  // namespace quipu::ffn

#if !defined(QUIPU_COMPILED)
#include <quipu/ffn/stored_thresholds.ipp>
#endif
