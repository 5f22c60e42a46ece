/// @file A key of what a module computes, so that what was computed or fitted with one is not taken for another's.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <quipu/linear/site.hpp>
#include <quipu/pet/any_module.hpp>

namespace quipu::pet {

namespace detail {

/// FNV-1a, 64 bits.
class key_hash {
 public:
  void add(std::span<const std::byte> bytes) noexcept {
    for (const std::byte b : bytes) {
      value_ ^= std::to_integer<std::uint64_t>(b);
      value_ *= 0x100000001b3u;
    }
  }
  template <class Value>
  void add_value(const Value& value) noexcept {
    add(std::as_bytes(std::span(&value, 1)));
  }
  [[nodiscard]] std::uint64_t value() const noexcept { return value_; }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325u;
};

}  // namespace detail

/// Depends on the names, shapes and values of the parameters and on the settings that change what is computed from
/// them; never 0, which stands for no module.
template <class Scalar, class Module>
[[nodiscard]] std::uint64_t module_key(const Module& module, std::size_t n_layer) {
  detail::key_hash hash;
  for (const optim::parameter<Scalar>& p : module.parameters()) {
    hash.add(std::as_bytes(std::span(p.name)));
    for (const std::size_t extent : p.shape) hash.add_value(extent);
    hash.add(std::as_bytes(std::span<const Scalar>(p.value, p.size())));
  }
  const auto settings = [&](const auto& m) {
    // LoRA and DoRA: alpha is not among the parameters
    if constexpr (requires { m.at(0, projection_site::q).scale; }) {
      for (std::size_t layer = 0; layer < n_layer; ++layer) {
        for (const projection_site site : linear::projection_sites) hash.add_value(m.at(layer, site).scale);
      }
    }
    if constexpr (requires { m.policy().keeps_output; }) {  // bottlenecks
      hash.add_value(m.policy().keeps_output);
      hash.add_value(m.policy().activation(Scalar(-1)));
    }
  };
  if constexpr (requires { module.visit(settings); }) {
    module.visit(settings);
  } else {
    settings(module);
  }
  return hash.value() == 0 ? 1 : hash.value();
}

}  // namespace quipu::pet
