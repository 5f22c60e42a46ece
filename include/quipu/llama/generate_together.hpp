/// @file Greedy answers to many prompts, written in one batch.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/token.hpp>
#include <quipu/llama/generate.hpp>
#include <quipu/llama/language_model.hpp>
#include <quipu/llama/sampler.hpp>
#include <quipu/llama/sequence_input.hpp>
#include <quipu/text/stream_decoder.hpp>
#include <quipu/text/tokenizer.hpp>

namespace quipu::llama {

struct together_options {
  std::size_t max_tokens = 64;
  std::vector<std::string> stop = {};  ///< strings to stop before
  std::size_t n_together = 32;         ///< prompts in a batch
};

/// What `generate` writes greedily after each of the prompts, in a fraction of the time: every step runs all texts
/// that are not finished.
///
/// @throws config_error  as `generate`
template <language_session Session, text::tokenizer Tokenizer>
[[nodiscard]] std::vector<std::string> generate_together(Session& s, const Tokenizer& tokenizer,
                                                         std::span<const std::vector<token_id>> prompts,
                                                         const together_options& options = {}) {
  using scalar = typename Session::scalar_type;
  struct writing {
    std::size_t prompt;
    sequence_id sequence;
    text::stream_decoder<Tokenizer> decoder;
    detail::stop_filter filter;
    token_id last = no_token;
    bool done = false;
  };
  struct batch {
    Session& session;
    std::vector<writing> all;
    ~batch() {
      for (const writing& w : all) {
        if (!w.done) session.erase(w.sequence);
      }
    }
  };
  std::vector<std::string> texts(prompts.size());
  if (options.max_tokens == 0) return texts;
  const std::size_t width = std::max<std::size_t>(1, options.n_together);
  for (std::size_t first = 0; first < prompts.size(); first += width) {
    batch b{s, {}};
    b.all.reserve(width);
    for (std::size_t i = first; i < std::min(first + width, prompts.size()); ++i) {
      if (prompts[i].empty()) fail<config_error>("generate_together: prompt", "at least one token", "none");
      b.all.push_back({i, s.create(), text::stream_decoder<Tokenizer>(tokenizer), detail::stop_filter(options.stop)});
    }
    for (std::size_t n = 0;; ++n) {
      std::vector<sequence_input<scalar>> inputs;
      std::vector<writing*> open;
      for (writing& w : b.all) {
        if (w.done) continue;
        open.push_back(&w);
        if (n == 0) {
          inputs.push_back({w.sequence, prompts[w.prompt]});
        } else {
          inputs.push_back({w.sequence, {&w.last, 1}, {}, logits_of::last_row, token_role::decode});
        }
      }
      if (open.empty()) break;
      s.run(inputs, [&](std::size_t i, std::size_t, std::span<const scalar> logits) {
        open[i]->last = greedy()(logits, std::span<const token_id>());
      });
      for (writing* const w : open) {
        std::string& text = texts[w->prompt];
        const bool ends = tokenizer.is_end(w->last);
        if (!ends) w->filter.push(w->decoder, tokenizer, w->last, text);
        w->done = ends || w->filter.found() || n + 1 == options.max_tokens || s.length(w->sequence) >= s.n_ctx();
        if (!w->done) continue;
        if (!w->filter.found()) {
          w->filter.push(w->decoder.flush(), text);
          w->filter.flush(text);
        }
        s.erase(w->sequence);
      }
    }
  }
  return texts;
}

}  // namespace quipu::llama
