/// @file Files of the planes that certified kernels read gates from.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <type_traits>

#include <quipu/core/compiled.hpp>
#include <quipu/ffn/plane_data.hpp>

namespace quipu::ffn {

/// Optional: a kernel's state that holds a gate in planes.
template <class S>
concept plane_holding_state = requires(const S& s) {
  s.planes->n_neuron;
  s.gate->relative_error();
};
/// Optional: a state that is one of several kernels', as that of `per_layer`.
template <class S>
concept visited_state = requires(const S& s) { s.visit([](const auto&, const auto&) {}); };

/// The planes that a model's kernels hold: of a `certified_sparse`, or of those layers of a `per_layer` that have one.
/// @param m  a `llama::model`
template <class Model>
[[nodiscard]] plane_data planes_of(const Model& m) {
  plane_data data;
  data.content_hash = m.identity()->content->hash();
  const auto take = [&](const auto& kernel, const auto& state) {
    plane_layer& layer = data.layers.emplace_back();
    if constexpr (plane_holding_state<std::remove_cvref_t<decltype(state)>>) {
      layer = {state.planes, state.gate->relative_error()};
      data.dither_seed = kernel.options.dither_seed;
    }
  };
  for (std::size_t l = 0; l < m.config().n_layer; ++l) {
    const auto& state = m.ffn_state_of(l);
    if constexpr (visited_state<std::remove_cvref_t<decltype(state)>>) {
      state.visit(take);
    } else {
      take(m.ffn(), state);
    }
  }
  return data;
}

/// Writes planes as a safetensors file: tensors `layers.N.high`, `layers.N.low` and `layers.N.scale` as `linear::gate_planes` has them and
/// `layers.N.error`; metadata with shapes, the seed of the dither, the hash of the weights, and one of the planes.
/// @throws config_error  no layer has planes
/// @throws io_error      the file cannot be written
void write_planes(const std::string& path, const plane_data& data);

/// Reads such a file. What is in it is checked before anything uses it: shapes, multipliers, scales, and whether its bytes are those
/// that were written. Whether they are a model's is found out by its hash when a kernel takes them.
/// @throws io_error      the file cannot be read
/// @throws format_error  no planes, planes of a version that is not known, or a damaged file
[[nodiscard]] std::shared_ptr<const plane_data> read_planes(const std::string& path);

}  // namespace quipu::ffn

#if !defined(QUIPU_COMPILED)
#include <quipu/ffn/plane_file.ipp>
#endif
