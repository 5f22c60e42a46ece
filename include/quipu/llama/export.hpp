/// @file A trained model as a checkpoint, which the writers of all formats take.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <quipu/io/checkpoint.hpp>
#include <quipu/llama/trainable.hpp>
#include <quipu/text/vocabulary.hpp>

namespace quipu::llama {

/// The weights as they stand, copied, under Hugging Face's names. `io::write_gguf`, `io::write_hf_folder` and
/// `io::write_llama2c` write it.
/// The vocabulary, for GGUF files, is that of the model's tokenizer, where it has one.
template <class Policies>
[[nodiscard]] io::checkpoint checkpoint_of(const trainable_model<Policies>& m) {
  using scalar = typename trainable_model<Policies>::scalar_type;
  io::checkpoint out;
  out.path = m.model().identity()->path;
  out.format = "a trained model";
  out.config = m.model().config();
  if (m.model().identity()->tokenizer) out.vocabulary = m.model().identity()->tokenizer.vocab();
  for (const optim::parameter<scalar>& p : m.parameters()) {
    const auto bytes = std::as_bytes(std::span(p.value, p.size()));
    auto own = std::make_shared<const std::vector<std::byte>>(bytes.begin(), bytes.end());
    out.tensors[p.name] = {sizeof(scalar) == 8 ? tensor_type::f64 : tensor_type::f32, p.shape, *own};
    out.owned.push_back(std::move(own));
  }
  return out;
}

}  // namespace quipu::llama
