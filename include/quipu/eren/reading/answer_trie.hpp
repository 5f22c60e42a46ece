/// @file Decoding that can only choose among given texts: a trie of their tokens, walked greedily.
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
#include <quipu/eren/reading/reading_session.hpp>
#include <quipu/llama/score.hpp>  // log_probability

namespace quipu::eren {

/// The answers among which a model chooses.
struct answer_choice {
  std::vector<std::vector<token_id>> candidates;  ///< token ids; none empty
};

struct chosen_answer {
  std::size_t candidate = 0;  ///< index
  double log_p = 0;           ///< sum over its tokens, nats
  std::size_t n_token = 0;
};

namespace detail {

/// Candidates that begin with what was chosen so far.
struct trie_walk {
  std::vector<std::size_t> alive;
  std::size_t depth = 0;
};

/// Tokens that continue the candidates alive, ascending.
inline std::vector<token_id> continuations(const answer_choice& choice, const trie_walk& walk) {
  std::vector<token_id> next;
  for (const std::size_t c : walk.alive) {
    if (choice.candidates[c].size() > walk.depth) next.push_back(choice.candidates[c][walk.depth]);
  }
  std::sort(next.begin(), next.end());
  next.erase(std::unique(next.begin(), next.end()), next.end());
  return next;
}

inline void step(const answer_choice& choice, trie_walk& walk, token_id token) {
  std::erase_if(walk.alive, [&](std::size_t c) {
    return choice.candidates[c].size() <= walk.depth || choice.candidates[c][walk.depth] != token;
  });
  ++walk.depth;
}

}  // namespace detail

/// For every prompt that was read, walks from the root of the trie of its candidates always to the likeliest
/// next token, until no candidate goes on. Stretches without a choice are scored in one pass; all prompts
/// advance together. Log-probabilities are those of the whole vocabulary.
///
/// @param states   of `reading_session::read`; their sequences are continued
/// @throws config_error  no candidate, or an empty one
template <class Session, class Adapter = no_adapter>
[[nodiscard]] std::vector<chosen_answer> choose_answers(Session& session,
                                                        std::span<const typename Session::state> states,
                                                        std::span<const answer_choice> choices,
                                                        const Adapter& adapter = {}) {
  using scalar = typename Session::scalar_type;
  std::vector<chosen_answer> answers(states.size());
  std::vector<detail::trie_walk> walks(states.size());
  struct task {
    std::size_t prompt;
    std::vector<token_id> tokens;  // chosen ones whose logits are not known yet
    std::size_t n_forced;          // tokens at the end of `path` that follow without a choice
    std::vector<token_id> path;
  };
  std::vector<task> tasks;
  const auto token_log_p = [](std::span<const scalar> logits, token_id token) {
    return llama::log_probability(logits, token);
  };
  // Takes the likeliest continuation; returns what has to be computed next, nothing if the walk ends.
  const auto advance = [&](std::size_t i, std::span<const scalar> logits) {
    detail::trie_walk& walk = walks[i];
    const std::vector<token_id> next = detail::continuations(choices[i], walk);
    if (next.empty()) return;
    const token_id best = *std::max_element(next.begin(), next.end(), [&](token_id a, token_id b) {
      return logits[static_cast<std::size_t>(a)] < logits[static_cast<std::size_t>(b)];
    });
    answers[i].log_p += token_log_p(logits, best);
    ++answers[i].n_token;
    detail::step(choices[i], walk, best);
    task t{i, {best}, 0, {}};
    for (std::vector<token_id> only; (only = detail::continuations(choices[i], walk)).size() == 1;) {
      t.path.push_back(only.front());
      detail::step(choices[i], walk, only.front());
    }
    const bool goes_on = !detail::continuations(choices[i], walk).empty();
    if (t.path.empty() && !goes_on) return;
    t.n_forced = t.path.size();
    t.tokens.insert(t.tokens.end(), t.path.begin(), t.path.end() - (goes_on ? 0 : 1));
    tasks.push_back(std::move(t));
  };
  for (std::size_t i = 0; i < states.size(); ++i) {
    if (choices[i].candidates.empty()) fail<config_error>("choose_answers: candidates", "at least one", "none");
    for (std::size_t c = 0; c < choices[i].candidates.size(); ++c) {
      if (choices[i].candidates[c].empty())
        fail<config_error>("choose_answers: candidate", "at least one token", "none");
      for (const token_id token : choices[i].candidates[c]) {
        if (token < 0 || static_cast<std::size_t>(token) >= states[i].logits.size()) {
          fail<config_error>("choose_answers: token id", concat("0 .. ", states[i].logits.size()), token);
        }
      }
      walks[i].alive.push_back(c);
    }
    advance(i, states[i].logits);
  }
  while (!tasks.empty()) {
    const std::vector<task> now = std::exchange(tasks, {});
    std::vector<llama::sequence_input<scalar>> inputs;
    for (const task& t : now) inputs.push_back({states[t.prompt].sequence, t.tokens, {}, llama::logits_of::every_row});
    session.run(
        inputs,
        [&](std::size_t input, std::size_t row, std::span<const scalar> logits) {
          const task& t = now[input];
          if (row < t.n_forced) {
            answers[t.prompt].log_p += token_log_p(logits, t.path[row]);
            ++answers[t.prompt].n_token;
          } else {
            advance(t.prompt, logits);
          }
        },
        adapter);
  }
  for (std::size_t i = 0; i < states.size(); ++i) answers[i].candidate = walks[i].alive.front();
  return answers;
}

}  // namespace quipu::eren
