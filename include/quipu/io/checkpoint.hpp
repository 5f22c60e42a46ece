/// @file A checkpoint of any format after opening: architecture, vocabulary and named tensors.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/mapped_file.hpp>
#include <quipu/core/tensor_type.hpp>
#include <quipu/io/model_config.hpp>
#include <quipu/text/vocabulary.hpp>

namespace quipu::io {

/// A named tensor in somebody else's memory. Row-major: the last dimension is contiguous.
struct tensor_view {
  tensor_type type = tensor_type::f32;
  std::vector<std::size_t> shape;   ///< (rows, cols) for matrices, (n) for vectors
  std::span<const std::byte> bytes;

  [[nodiscard]] std::size_t n_element() const noexcept {
    std::size_t n = 1;
    for (const std::size_t extent : shape) n *= extent;
    return n;
  }
};

/// Which two elements of a head's query and key rows are rotated together.
enum class rope_layout : std::uint8_t {
  halves,      ///< (i, i + d_head/2): Hugging Face; the layout that the library computes in
  neighbours,  ///< (2i, 2i + 1): Meta's original, GGUF, llama2.c
};

/// Tensors and metadata keys of this prefix are ours: thresholds, predictors and the like, which come with a model and
/// are none of a LLaMA's own. Readers and writers carry them along.
inline constexpr std::string_view further_prefix = "quipu.";

/// What the readers of all formats deliver. Tensor names are Hugging Face's
/// ("model.layers.0.self_attn.q_proj.weight"). Bytes point into mapped files or into `owned`, both kept
/// alive by the checkpoint; copies share them.
struct checkpoint {
  std::string path;    ///< file or folder that was opened, for messages
  std::string format;  ///< "GGUF v3", "safetensors", "llama2.c v0", ...
  model_config config;
  text::vocabulary vocabulary;
  rope_layout rope = rope_layout::halves;  ///< row order of q_proj and k_proj in `tensors`
  std::map<std::string, tensor_view, std::less<>> tensors;
  std::map<std::string, tensor_view, std::less<>> further;     ///< tensors named "quipu. ...", see `further_prefix`
  std::map<std::string, std::string, std::less<>> metadata{};  ///< texts under keys named "quipu. ..."
  std::vector<std::shared_ptr<const mapped_file>> files;
  std::vector<std::shared_ptr<const void>> owned;  ///< converted tensors, if any

  [[nodiscard]] const tensor_view* find(std::string_view name) const noexcept {
    const auto found = tensors.find(name);
    return found == tensors.end() ? nullptr : &found->second;
  }
  /// @throws format_error  the checkpoint has no such tensor
  [[nodiscard]] const tensor_view& at(std::string_view name) const {
    if (const tensor_view* found = find(name)) return *found;
    throw format_error(concat(path, ": expected a tensor '", name, "', found none of that name"));
  }
};

}  // namespace quipu::io
