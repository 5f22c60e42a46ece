/// @file Files of predictors: our own, and those of PowerInfer.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <quipu/core/compiled.hpp>
#include <quipu/ffn/predictors.hpp>

namespace quipu::ffn {

/// The magic number of PowerInfer's files, which are GGUF else: "PWRI".
inline constexpr std::uint32_t power_infer_magic = 0x49525750;

/// Writes a predictor as a safetensors file: tensors `layers.N.first` (rank, d_model), `layers.N.second` (d_ffn, rank) and perhaps
/// `layers.N.least` (d_ffn); metadata with kind, least output and the hash of the weights that it was made for.
/// @param kind  `low_rank::name` or `mlp::name`
/// @throws config_error  no layers; matrices of a block type
/// @throws io_error      the file cannot be written
void write_predictor(const std::string& path, std::string_view kind, const predictor_data& data);

/// Reads such a file. Bytes stay in the mapped file.
/// @throws io_error      the file cannot be mapped
/// @throws format_error  no predictor, one of another kind, or one that is not complete
[[nodiscard]] std::shared_ptr<const predictor_data> read_predictor(const std::string& path, std::string_view kind);

/// The predictors in one of PowerInfer's GGUF files: tensors `blk.N.fc1.weight` and `blk.N.fc2.weight`, and the key
/// `powerinfer.sparse_threshold`. The file does not say which weights they belong to; they count as those of the file.
/// @throws io_error, format_error  no such file, or none of PowerInfer's
[[nodiscard]] mlp read_power_infer(const std::string& path);

}  // namespace quipu::ffn

#if !defined(QUIPU_COMPILED)
#include <quipu/ffn/predictor_file.ipp>
#endif
