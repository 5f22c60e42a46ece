/// @file Any regulariser of the library, chosen while a program runs.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <string>
#include <utility>
#include <variant>

#include <quipu/core/error.hpp>
#include <quipu/core/matrix_view.hpp>
#include <quipu/sparsity/regulariser.hpp>

namespace quipu::sparsity {

/// One of the library's regularisers; L1 on hidden values if none was given.
class any_regulariser {
 public:
  using held_type = std::variant<l1_hidden, l1_gate, l1_drelu, chunk_locality>;

  any_regulariser() = default;
  template <class R>
    requires std::constructible_from<held_type, R>
  any_regulariser(R r) : over(r.over), held_(std::move(r)) {}

  [[nodiscard]] std::string name() const {
    return std::visit([](const auto& r) { return r.name(); }, held_);
  }
  [[nodiscard]] bool at(penalised place) const {
    return std::visit([place](const auto& r) { return r.at(place); }, held_);
  }
  [[nodiscard]] std::size_t n_together() const {
    return std::visit([](const auto& r) { return r.n_together(); }, held_);
  }
  template <class S>
  [[nodiscard]] double add(matrix_view<const S> v, S factor, matrix_view<S> dv) const {
    return std::visit([&](const auto& r) { return r.add(v, factor, dv); }, held_);
  }

  reduction over = reduction::mean_tokens_neurons;

 private:
  held_type held_;
};

/// The regulariser of a name: l1_hidden, l1_gate, l1_drelu or chunk_locality.
/// @param n_token  of a chunk, for chunk_locality
/// @throws config_error  another name, chunks of no token
[[nodiscard]] inline any_regulariser regulariser_named(std::string_view name, reduction over, std::size_t n_token = 8) {
  if (name == "l1_hidden") return l1_hidden{over};
  if (name == "l1_gate") return l1_gate{over};
  if (name == "l1_drelu") return l1_drelu{{over}};
  if (name != "chunk_locality")
    fail<config_error>("regulariser", "l1_hidden, l1_gate, l1_drelu or chunk_locality", name);
  if (n_token == 0) fail<config_error>("chunk_locality: tokens of a chunk", "at least 1", 0);
  return chunk_locality{n_token, over};
}

static_assert(regulariser<any_regulariser>);

}  // namespace quipu::sparsity
