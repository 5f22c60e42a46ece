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
/// The vocabulary, for GGUF files, is that of the model's tokenizer, if it has one.
template <class Policies>
[[nodiscard]] io::checkpoint checkpoint_of(const trainable_model<Policies>& m) {
  using scalar = typename trainable_model<Policies>::scalar_type;
  const model_identity& identity = *m.model().identity();
  io::checkpoint out = detail::checkpoint_view<scalar>(identity, m.parameters());
  out.format = "a trained model";
  if (identity.tokenizer) out.vocabulary = identity.tokenizer.vocab();
  const auto own = [&](io::tensor_view& t) {
    auto copy = std::make_shared<const std::vector<std::byte>>(t.bytes.begin(), t.bytes.end());
    t.bytes = *copy;
    out.owned.push_back(std::move(copy));
  };
  for (auto& [name, tensor] : out.tensors) own(tensor);
  for (auto& [name, tensor] : out.further) own(tensor);
  return out;
}

}  // namespace quipu::llama
