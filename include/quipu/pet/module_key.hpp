/// @file A key of what a module computes, so that what was computed or fitted with one is not taken for another's.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <quipu/optim/parameter.hpp>
#include <quipu/pet/key_hash.hpp>
#include <quipu/pet/module.hpp>

namespace quipu::pet {

/// Depends on the names, shapes and values of the parameters and on what the module adds in `add_to_key`; never 0,
/// which stands for no module.
template <pet_module Module>
[[nodiscard]] std::uint64_t module_key(const Module& module) {
  using scalar = typename Module::scalar_type;
  key_hash hash;
  for (const optim::parameter<scalar>& p : module.parameters()) {
    hash.add(std::as_bytes(std::span(p.name)));
    for (const std::size_t extent : p.shape) hash.add_value(extent);
    hash.add(std::as_bytes(std::span<const scalar>(p.value, p.size())));
  }
  module.add_to_key(hash);
  return hash.value() == 0 ? 1 : hash.value();
}

}  // namespace quipu::pet
