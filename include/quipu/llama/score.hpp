/// @file Probabilities of given texts: continuations and perplexity.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/progress.hpp>
#include <quipu/core/token.hpp>
#include <quipu/llama/language_model.hpp>
#include <quipu/llama/sequence_input.hpp>

namespace quipu::llama {

/// log softmax(logits)[token], in nats.
/// @throws numeric_error  the sum of exponentials is not finite
template <class Scalar>
[[nodiscard]] double log_probability(std::span<const Scalar> logits, token_id token) {
  const double top = *std::max_element(logits.begin(), logits.end());
  double total = 0;
  for (const Scalar logit : logits) total += std::exp(static_cast<double>(logit) - top);
  const double result = static_cast<double>(logits[static_cast<std::size_t>(token)]) - top - std::log(total);
  if (!std::isfinite(result)) fail<numeric_error>("log_probability", "finite logits", result);
  return result;
}

/// log P of each token of `continuation` after `prompt`, which continues `sequence`.
///
/// @return (continuation.size()) nats
/// @throws config_error  an empty prompt, ids outside the vocabulary, too long for the context
template <language_session Session>
[[nodiscard]] std::vector<double> score(Session& s, sequence_id sequence, std::span<const token_id> prompt,
                                        std::span<const token_id> continuation) {
  using scalar = typename Session::scalar_type;
  if (prompt.empty()) fail<config_error>("score", "a prompt of at least one token", "none");
  std::vector<double> result;
  if (continuation.empty()) return result;
  for (const token_id token : continuation) {
    if (token < 0 || static_cast<std::size_t>(token) >= s.n_vocab()) {
      fail<config_error>("score: token id", concat("0 .. ", s.n_vocab() - 1), token);
    }
  }
  const auto ignore = [](std::size_t, std::size_t, std::span<const scalar>) {};
  const sequence_input<scalar> before{sequence, prompt.first(prompt.size() - 1), {}, logits_of::none};
  if (before.n_row() > 0) s.run({&before, 1}, ignore);
  std::vector<token_id> seen{prompt.back()};
  seen.insert(seen.end(), continuation.begin(), continuation.end() - 1);
  const sequence_input<scalar> rest{sequence, seen, {}, logits_of::every_row};
  s.run({&rest, 1}, [&](std::size_t, std::size_t row, std::span<const scalar> logits) {
    result.push_back(log_probability(logits, continuation[row]));
  });
  return result;
}

struct perplexity_options {
  std::size_t window = 512;  ///< tokens that are read together
  std::size_t stride = 512;  ///< tokens from a window's begin to the next; every token counts once
  progress_callback progress = {};
};

struct perplexity_result {
  double nll = 0;             ///< sum of -log p, nats
  std::size_t n_scored = 0;   ///< tokens that were predicted
  std::vector<double> log_probs;  ///< of each of them, in order
  [[nodiscard]] double value() const { return std::exp(nll / static_cast<double>(n_scored)); }
};

/// Perplexity of `ids` over sliding windows: a window's tokens that an earlier one has scored only serve as
/// context. The very first token is never scored.
///
/// @throws config_error  fewer than two tokens, stride 0 or longer than the window
/// @throws cancelled
template <language_session Session>
[[nodiscard]] perplexity_result perplexity(Session& s, std::span<const token_id> ids,
                                           const perplexity_options& options = {}) {
  using scalar = typename Session::scalar_type;
  if (ids.size() < 2) fail<config_error>("perplexity", "at least two tokens", ids.size());
  if (options.window < 2 || options.stride == 0 || options.stride > options.window) {
    fail<config_error>("perplexity", "a window of 2 or more and a stride of 1 .. window",
                       concat("window ", options.window, ", stride ", options.stride));
  }
  perplexity_result result;
  std::size_t scored_to = 1;  // tokens before this index are done
  for (std::size_t begin = 0; scored_to < ids.size(); begin += options.stride) {
    const std::size_t end = std::min(begin + options.window, ids.size());
    if (end <= scored_to) continue;
    const sequence_id sequence = s.create();
    // Rows begin .. end - 2 predict the tokens after them; only those from scored_to - 1 on need logits.
    const std::size_t first = std::max(scored_to, begin + 1) - 1;
    const auto ignore = [](std::size_t, std::size_t, std::span<const scalar>) {};
    const sequence_input<scalar> context{sequence, ids.subspan(begin, first - begin), {}, logits_of::none};
    if (context.n_row() > 0) s.run({&context, 1}, ignore);
    const sequence_input<scalar> scored{sequence, ids.subspan(first, end - 1 - first), {}, logits_of::every_row};
    s.run({&scored, 1}, [&](std::size_t, std::size_t row, std::span<const scalar> logits) {
      const double p = log_probability(logits, ids[first + row + 1]);
      result.log_probs.push_back(p);
      result.nll -= p;
      ++result.n_scored;
    });
    s.erase(sequence);
    scored_to = end;
    if (!report_progress(options.progress, {"perplexity", scored_to, ids.size()}))
      throw cancelled("perplexity: cancelled");
  }
  return result;
}

}  // namespace quipu::llama
