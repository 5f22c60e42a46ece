/// @file Continuing one sequence by tokens, for every kind of session.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

#include <quipu/core/error.hpp>
#include <quipu/core/token.hpp>
#include <quipu/llama/sequence_input.hpp>

namespace quipu::llama {

/// What `next_logits` of a session is made of: a pass over the tokens and the logits after the last one, which stay
/// valid as long as those that `run` hands out.
/// @throws config_error  no tokens; as `Session::run`
template <class Session>
[[nodiscard]] std::span<const typename Session::scalar_type> run_for_logits(Session& s, sequence_id sequence,
                                                                             std::span<const token_id> tokens,
                                                                             token_role role = token_role::prompt) {
  using scalar = typename Session::scalar_type;
  if (tokens.empty()) fail<config_error>("next_logits", "at least one token", "none");
  std::span<const scalar> result;
  const sequence_input<scalar> one{sequence, tokens, {}, logits_of::last_row, role};
  s.run(std::span(&one, 1), [&](std::size_t, std::size_t, std::span<const scalar> logits) { result = logits; });
  return result;
}

}  // namespace quipu::llama
