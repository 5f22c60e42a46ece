/// @file Model types that the tests compare with references: nothing rounded besides the weights.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <quipu/llama/load.hpp>

namespace quipu::test {

using silu_ffn = ffn::dense<activation::silu>;

/// f32 activations and an f32 cache, weights as stored.
template <class... More>
[[nodiscard]] auto load_exact(const std::string& path, const llama::load_options& options = {}) {
  return llama::load<activations::f32, kv::exact, More...>(path, options);
}

/// Logits of every row of a sequence that begins with `ids`: (ids.size() * n_vocab).
template <class Session>
[[nodiscard]] auto all_logits(Session& s, std::span<const token_id> ids) {
  using scalar = typename Session::scalar_type;
  std::vector<scalar> all;
  const llama::sequence_id sequence = s.create();
  const llama::sequence_input<scalar> in{sequence, ids, {}, llama::logits_of::every_row};
  s.run({&in, 1}, [&](std::size_t, std::size_t, std::span<const scalar> logits) {
    all.insert(all.end(), logits.begin(), logits.end());
  });
  s.erase(sequence);
  return all;
}

}  // namespace quipu::test
