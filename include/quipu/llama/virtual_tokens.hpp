/// @file Sequences of a session that begin with what a prompt or prefix module has learned.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <quipu/core/error.hpp>
#include <quipu/llama/session.hpp>
#include <quipu/pet/module.hpp>

namespace quipu::llama {

/// A new sequence with a module's virtual tokens: learned embeddings are computed as its first positions, learned
/// keys and values are put into its cache. Other modules begin with nothing. Fork it for every text.
/// @throws config_error  a module for a model of other sizes, more virtual tokens than n_ctx
template <class Model, class Module>
[[nodiscard]] sequence_id create_with(session<Model>& s, const Module& module) {
  using scalar = typename Model::scalar_type;
  if (!module.fits(s.model().config()))
    fail<config_error>("create_with", "a module made for this model", "one of other sizes");
  const pet::kv_prefix<scalar> prefix = module.template prefix<scalar>();
  const sequence_id id = prefix.n_row > 0 ? s.create(prefix) : s.create();
  if constexpr (pet::has_virtual_rows<Module>) {
    if (module.rows().empty()) return id;
    const sequence_input<scalar> rows{id, {}, module.rows(), logits_of::none};
    s.run({&rows, 1}, [](std::size_t, std::size_t, auto) {});
  }
  return id;
}

}  // namespace quipu::llama
