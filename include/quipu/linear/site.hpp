/// @file Names of the linear layers of a decoder block and of the rows of a batch, shared by models and modules.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <quipu/core/requirements.hpp>  // C++20, exceptions

namespace quipu::linear {

/// The linear layers of a decoder block.
enum class projection_site : std::uint8_t { q, k, v, o, gate, up, down };

inline constexpr std::array<projection_site, 7> projection_sites = {
    projection_site::q,    projection_site::k,  projection_site::v,   projection_site::o,
    projection_site::gate, projection_site::up, projection_site::down};

/// Hugging Face's name of a site within its block: "self_attn.q_proj".
[[nodiscard]] constexpr std::string_view name_of(projection_site site) noexcept {
  switch (site) {
    case projection_site::q: return "self_attn.q_proj";
    case projection_site::k: return "self_attn.k_proj";
    case projection_site::v: return "self_attn.v_proj";
    case projection_site::o: return "self_attn.o_proj";
    case projection_site::gate: return "mlp.gate_proj";
    case projection_site::up: return "mlp.up_proj";
    case projection_site::down: return "mlp.down_proj";
  }
  return "?";
}

/// Consecutive rows of a batch that belong to one sequence. Modules may differ from segment to segment.
struct row_segment {
  std::size_t sequence = 0;  ///< slot of the sequence in its context
  std::size_t first_row = 0;
  std::size_t n_row = 0;
  std::size_t position = 0;  ///< of the first row in its sequence; what it is rotated by
  std::size_t input = 0;     ///< number of the sequence among those that the caller gave; names its module
};

}  // namespace quipu::linear
