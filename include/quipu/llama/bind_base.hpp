/// @file Modules that read the weights under them, bound to a model.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include <quipu/core/error.hpp>
#include <quipu/linear/site.hpp>
#include <quipu/llama/hooks.hpp>  // projection_site
#include <quipu/llama/model.hpp>
#include <quipu/pet/base_weights.hpp>

namespace quipu::llama {

/// A linear layer of a block, by its site.
template <class Scalar>
[[nodiscard]] typename pet::base_weights<Scalar>::linear_layer linear_layer_of(const block_weights<Scalar>& b,
                                                                               projection_site site) {
  switch (site) {
    case projection_site::q: return {b.q, b.q_bias};
    case projection_site::k: return {b.k, b.k_bias};
    case projection_site::v: return {b.v, b.v_bias};
    case projection_site::o: return {b.o, b.o_bias};
    case projection_site::gate: return {b.ffn.gate, b.ffn.gate_bias};
    case projection_site::up: return {b.ffn.up, b.ffn.up_bias};
    case projection_site::down: break;
  }
  return {b.ffn.down, b.ffn.down_bias};
}

/// Shows a model's weights to a module that reads them (DoRA, IA3 in training); does nothing for the others.
/// The module keeps the weights alive.
/// @throws config_error  the module was made for a model of other sizes
template <class Module, class Policies>
void bind_base(Module& module, const basic_model<Policies>& m) {
  if (!module.fits(m.config())) fail<config_error>("bind_base", "a module made for this model", "one of other sizes");
  if constexpr (pet::reads_base<Module>) {
    using scalar = scalar_of<Policies>;
    pet::base_weights<scalar> base(m.config().n_layer, m.shared_weights());
    for (std::size_t layer = 0; layer < m.config().n_layer; ++layer) {
      for (const projection_site site : linear::projection_sites) {
        base.at(layer, site) = linear_layer_of(m.weights().blocks[layer], site);
      }
    }
    module.bind(std::move(base));
  }
}

}  // namespace quipu::llama
