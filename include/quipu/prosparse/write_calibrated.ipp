// What write_calibrated.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <utility>
#include <vector>

#include <quipu/ffn/stored_thresholds.hpp>
#include <quipu/io/checkpoint_content.hpp>
#include <quipu/io/open_checkpoint.hpp>
#include <quipu/io/rope_layout.hpp>
#include <quipu/prosparse/write_calibrated.hpp>

namespace quipu::prosparse {

namespace detail {

[[nodiscard]] inline std::filesystem::path beside(const std::filesystem::path& checkpoint, const char* name) {
  if (checkpoint.extension() != ".gguf") return checkpoint / name;
  std::filesystem::path file = checkpoint;
  return file.replace_extension(name);
}

}  // namespace detail

QUIPU_INLINE std::filesystem::path predictor_path(const std::filesystem::path& checkpoint) { return detail::beside(checkpoint, "predictor.safetensors"); }
QUIPU_INLINE std::filesystem::path planes_path(const std::filesystem::path& checkpoint) { return detail::beside(checkpoint, "planes.safetensors"); }

QUIPU_INLINE io::checkpoint with_calibration(io::checkpoint source, const calibrated& found) {
  const ffn::thresholds& t = found.thresholds;
  const auto positive = [](const auto& values) { return std::any_of(values.begin(), values.end(), [](auto v) { return v > 0; }); };
  const bool any = positive(t.of_layers) || std::any_of(t.of_neurons.begin(), t.of_neurons.end(), positive);
  if (any) source = with_thresholds(std::move(source), t);
  ffn::store_densities(source, found.densities());
  return source;
}

QUIPU_INLINE std::uint64_t hash_on_disk(const std::filesystem::path& path, const thread_team& team) {
  io::checkpoint written = io::open_checkpoint(path.string());
  io::convert_rope_layout(written, io::rope_layout::halves, team);
  return io::content_hash(written);
}

}  // namespace quipu::prosparse
