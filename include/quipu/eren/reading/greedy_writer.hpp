/// @file Free text after a prompt that was read in a batch: greedy, with stop strings, scored.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <quipu/core/token.hpp>
#include <quipu/eren/reading/reading_session.hpp>  // no_adapter
#include <quipu/llama/sampler.hpp>
#include <quipu/llama/score.hpp>  // log_probability
#include <quipu/llama/sequence_input.hpp>
#include <quipu/text/stream_decoder.hpp>
#include <quipu/text/tokenizer.hpp>  // control_text

namespace quipu::eren {

struct writing_options {
  std::size_t max_tokens = 24;
  std::vector<std::string> stop = {"\n", "[INST]", "Question:"};  ///< not looked for in front of the first letter
  token_id not_first = no_token;  ///< a token that the text must not begin with
};

struct written_text {
  std::string text;
  double log_p = 0;  ///< of all tokens chosen, nats
  std::size_t n_token = 0;
  token_id first = no_token;  ///< chosen first; `no_token` if nothing was written
};

/// Goes on where a prompt's batch stopped (`llama::generate` would read the prompt a second time).
/// @param first    logits after the prompt
/// @param adapter  the one that the prompt was read with
template <class Session, class Scalar, class Adapter = no_adapter>
[[nodiscard]] written_text write_greedily(Session& session, llama::sequence_id sequence, std::span<const Scalar> first,
                                          const writing_options& options = {}, const Adapter& adapter = {}) {
  const auto& tokenizer = session.tokenizer();
  auto& s = session.session();
  text::stream_decoder decoder(tokenizer);
  llama::sampler best = llama::greedy();
  written_text out;
  std::vector<Scalar> row(first.begin(), first.end());
  if (options.not_first != no_token)
    row.at(static_cast<std::size_t>(options.not_first)) = *std::min_element(row.begin(), row.end());
  for (std::size_t n = 0; n < options.max_tokens; ++n) {
    const std::span<const Scalar> now(row);
    const token_id token = best(now, std::span<const token_id>());
    if (tokenizer.is_end(token)) break;
    const std::string_view spelling = text::control_text(tokenizer, token);
    if (!spelling.empty() && std::find(options.stop.begin(), options.stop.end(), spelling) != options.stop.end()) break;
    out.log_p += llama::log_probability(n == 0 ? first : now, token);  // among all tokens, `not_first` too
    if (out.n_token++ == 0) out.first = token;
    out.text += decoder.push(token);
    const bool stops = std::any_of(options.stop.begin(), options.stop.end(), [&](const std::string& stop) {
      const std::size_t at = out.text.find(stop, out.text.find_first_not_of(" \n"));
      if (at == std::string::npos) return false;
      out.text.resize(at);
      return true;
    });
    if (stops) return out;
    if (n + 1 == options.max_tokens || s.length(sequence) >= s.n_ctx()) break;
    const llama::sequence_input<Scalar> next{sequence, {&token, 1}};
    session.run(
        {&next, 1},
        [&](std::size_t, std::size_t, std::span<const Scalar> logits) { row.assign(logits.begin(), logits.end()); },
        adapter);
  }
  out.text += decoder.flush();
  return out;
}

}  // namespace quipu::eren
