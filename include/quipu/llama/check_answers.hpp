/// @file Whether a model gives expected answers: greedy, many at once, each dropped as soon as it leaves its own.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/token.hpp>
#include <quipu/llama/generate.hpp>  // stop_filter
#include <quipu/llama/language_model.hpp>
#include <quipu/llama/sampler.hpp>
#include <quipu/llama/sequence_input.hpp>
#include <quipu/text/stream_decoder.hpp>
#include <quipu/text/tokenizer.hpp>

namespace quipu::llama {

struct expected_answer {
  std::vector<token_id> prompt;  ///< at least one token
  std::string answer;
};

struct given_answer {
  std::vector<token_id> tokens;  ///< with the token that ended it
  std::string text;              ///< up to where it left the expected one
  bool right = false;            ///< byte for byte
};

struct check_options {
  std::size_t max_tokens = 64;
  std::vector<std::string> stop = {};  ///< strings that end an answer and do not belong to it
};

/// What a model answers greedily to each of the prompts, all written in one batch, as far as it is the expected answer.
/// With a module: on a `hooked_session`.
///
/// @throws config_error  an empty prompt; as `session::run`
template <language_session Session, text::tokenizer Tokenizer>
[[nodiscard]] std::vector<given_answer> check_answers(Session& s, const Tokenizer& tokenizer,
                                                      std::span<const expected_answer> expected,
                                                      const check_options& options = {}) {
  using scalar = typename Session::scalar_type;
  struct writing {
    sequence_id sequence;
    text::stream_decoder<Tokenizer> decoder;
    detail::stop_filter filter;
    bool done;
  };
  struct batch {
    Session& session;
    std::vector<writing> all;
    ~batch() {
      for (const writing& w : all) session.erase(w.sequence);
    }
  } b{s, {}};
  std::vector<given_answer> given(expected.size());
  b.all.reserve(expected.size());
  for (const expected_answer& e : expected) {
    if (e.prompt.empty()) fail<config_error>("check_answers: prompt", "at least one token", "none");
    b.all.push_back({s.create(), text::stream_decoder<Tokenizer>(tokenizer), detail::stop_filter(options.stop),
                     options.max_tokens == 0});
  }
  std::vector<sequence_input<scalar>> inputs;
  for (std::vector<std::size_t> open;;) {
    inputs.clear();
    open.clear();
    for (std::size_t i = 0; i < given.size(); ++i) {
      if (b.all[i].done || !expected[i].answer.starts_with(given[i].text)) continue;
      open.push_back(i);
      inputs.push_back({b.all[i].sequence, given[i].tokens.empty()
                                               ? std::span<const token_id>(expected[i].prompt)
                                               : std::span<const token_id>(given[i].tokens).last(1)});
    }
    if (inputs.empty()) break;
    std::vector<token_id> next(inputs.size());
    s.run(inputs, [&](std::size_t input, std::size_t, std::span<const scalar> logits) {
      next[input] = greedy()(logits, std::span<const token_id>());
    });
    for (std::size_t j = 0; j < next.size(); ++j) {
      writing& w = b.all[open[j]];
      given_answer& g = given[open[j]];
      g.tokens.push_back(next[j]);
      const bool ends = tokenizer.is_end(next[j]);
      if (ends) {
        w.filter.push(w.decoder.flush(), g.text);
      } else {
        w.filter.push(w.decoder, tokenizer, next[j], g.text);
      }
      w.done = ends || w.filter.found() || g.tokens.size() == options.max_tokens;
      if (w.done && !w.filter.found()) w.filter.flush(g.text);
    }
  }
  for (std::size_t i = 0; i < given.size(); ++i) given[i].right = given[i].text == expected[i].answer;
  return given;
}

}  // namespace quipu::llama
