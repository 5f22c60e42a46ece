/// @file Sparse checkpoints with all that a calibration found: thresholds and shares within, predictor and planes beside.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <utility>

#include <quipu/core/compiled.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/hex.hpp>
#include <quipu/core/thread_team.hpp>
#include <quipu/ffn/certified_sparse.hpp>
#include <quipu/ffn/plane_file.hpp>
#include <quipu/ffn/predictor_file.hpp>
#include <quipu/io/checkpoint.hpp>
#include <quipu/llama/model.hpp>
#include <quipu/prosparse/calibrated.hpp>
#include <quipu/prosparse/write.hpp>

namespace quipu::prosparse {

/// Where a checkpoint's predictor and its planes lie: `predictor.safetensors` and `planes.safetensors` in a folder; beside `m.gguf`
/// `m.predictor.safetensors` and `m.planes.safetensors`.
[[nodiscard]] std::filesystem::path predictor_path(const std::filesystem::path& checkpoint);
[[nodiscard]] std::filesystem::path planes_path(const std::filesystem::path& checkpoint);

/// A checkpoint with thresholds, where there are any besides the activation's own, and shares of active neurons, by which
/// `ffn::per_layer` chooses kernels.
/// @throws config_error  as `with_thresholds`
[[nodiscard]] io::checkpoint with_calibration(io::checkpoint source, const calibrated& found);

/// `io::content_hash` of a checkpoint on disk, as models that are made from it have it.
/// @throws io_error, format_error  see `io::open_checkpoint`
[[nodiscard]] std::uint64_t hash_on_disk(const std::filesystem::path& path, const thread_team& team);

/// Writes a model with what a calibration found: the checkpoint, and its predictor, if there is one, at `predictor_path`. The predictor is
/// tied to the weights as they were written: a folder has blocks as F32, and `type` may change them.
/// @param m  the model that was calibrated
/// @throws as `with_thresholds` and `write_checkpoint`; nothing is written then. A predictor that cannot be written leaves the checkpoint
template <class Policies>
void write(const std::filesystem::path& path, const llama::basic_model<Policies>& m, const calibrated& found, const write_options& options = {}) {
  write_checkpoint(path, with_calibration(checkpoint_of(m), found), options);
  if (found.predictor.data == nullptr) return;
  ffn::predictor_data tied = *found.predictor.data;
  tied.content_hash = hash_on_disk(path, thread_team());
  ffn::write_predictor(predictor_path(path).string(), ffn::low_rank::name, tied);
}

/// Writes the planes of a certified gate of every layer to `planes_path`, for kernels of the checkpoint there:
///
///     ffn::certified_sparse<activation::fat_relu> kernel;
///     kernel.planes = ffn::read_planes(prosparse::planes_path("sparse"));
///     const auto fast = llama::load("sparse", {}, kernel);
///
/// @param m  a model of that checkpoint, whose activation models `thresholded_activation`
/// @throws config_error  a model of other weights than the checkpoint's
/// @throws io_error      the file cannot be written
template <class Policies>
void write_planes(const std::filesystem::path& path, const llama::basic_model<Policies>& m, const thread_team& team = thread_team()) {
  using activation_type = typename llama::basic_model<Policies>::ffn_type::activation_type;
  const std::uint64_t on_disk = hash_on_disk(path, team), own = m.identity()->content->hash();
  if (on_disk != own) fail<config_error>(concat("planes of gates for ", path.string()), concat("a model of its weights, whose hash is ", hex_digits(on_disk)), hex_digits(own));
  const auto certified = llama::with_ffn(m, ffn::certified_sparse<activation_type>(m.ffn().activation), {.team = team});
  ffn::write_planes(planes_path(path).string(), ffn::planes_of(certified));
}

}  // namespace quipu::prosparse

#if !defined(QUIPU_COMPILED)
#include <quipu/prosparse/write_calibrated.ipp>
#endif
