/// @file Choosing the next token from logits: a chain of steps, then the best or a seeded draw.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/random.hpp>
#include <quipu/core/token.hpp>

namespace quipu::llama {

/// A token that may be chosen, with its (changed) logit.
struct candidate {
  token_id token;
  double logit;
};

/// Divides logits by `value`; below 1 the likely tokens gain. However small it is, the best token stays the best.
struct temperature {
  double value = 1;  ///< greater than 0
  void operator()(std::vector<candidate>& c, std::span<const token_id>) const;
};

/// Keeps the `n` likeliest; of equal ones those with the lower id. 0 keeps all.
struct top_k {
  std::size_t n = 40;
  void operator()(std::vector<candidate>& c, std::span<const token_id>) const;
};

/// Keeps the fewest tokens whose probabilities reach `mass`, at least one. Source: Holtzman et al. 2020, section 3.1.
struct top_p {
  double mass = 0.95;  ///< 0 .. 1
  void operator()(std::vector<candidate>& c, std::span<const token_id>) const;
};

/// Keeps tokens at least `ratio` times as likely as the likeliest. Source: Nguyen et al. 2024, section 3.
struct min_p {
  double ratio = 0.05;  ///< 0 .. 1
  void operator()(std::vector<candidate>& c, std::span<const token_id>) const;
};

/// Makes the last `window` tokens less likely: positive logits are divided by `factor`, others multiplied.
/// Source: Keskar et al. 2019, section 4.1.
struct repetition_penalty {
  double factor = 1.1;
  std::size_t window = 64;
  void operator()(std::vector<candidate>& c, std::span<const token_id> history) const;
};

/// Lowers the logits of tokens among the last `window` by `frequency` for each time that they stand there and by
/// `presence` once. Source: OpenAI API reference, "frequency and presence penalties"; as in llama.cpp the prompt counts.
struct frequency_penalty {
  double frequency = 0;
  double presence = 0;
  std::size_t window = 64;
  void operator()(std::vector<candidate>& c, std::span<const token_id> history) const;
};

/// A change of the candidates in the light of what was generated so far: one of the above, or any callable of
/// this form. It must leave at least one candidate.
using sampling_step = std::function<void(std::vector<candidate>&, std::span<const token_id>)>;

/// A chain of steps that ends in the best candidate (greedy) or in a draw by probability. Draw number i of a
/// seed is the same on every platform, so a generation can be repeated and continued.
class sampler {
 public:
  /// Greedy after `steps`.
  static sampler best(std::vector<sampling_step> steps = {}) { return sampler(std::move(steps), false, 0); }
  /// Draws after `steps`, with random numbers of `seed`.
  static sampler draw(std::uint64_t seed, std::vector<sampling_step> steps) {
    return sampler(std::move(steps), true, seed);
  }

  /// The same with a step before all others.
  [[nodiscard]] sampler after(sampling_step first) const {
    sampler other = *this;
    other.steps_.insert(other.steps_.begin(), std::move(first));
    return other;
  }

  /// @param logits   (n_vocab)
  /// @param history  prompt and what was generated, for the repetition penalty
  /// @throws numeric_error  a logit is not finite
  /// @throws config_error   a setting of a step is out of range, or a step leaves no candidate
  template <class Scalar>
  [[nodiscard]] token_id operator()(std::span<const Scalar> logits, std::span<const token_id> history) {
    Scalar poison = 0;
    for (const Scalar logit : logits) poison += logit * 0;  // 0 unless one is infinite or NaN
    if (poison != 0) {
      const auto bad = std::find_if(logits.begin(), logits.end(), [](Scalar x) { return !std::isfinite(x); });
      throw numeric_error(
          concat("sampler: logit of token ", bad - logits.begin(), ": expected a finite number, found ", *bad));
    }
    if (steps_.empty() && !draws_) {
      return static_cast<token_id>(std::max_element(logits.begin(), logits.end()) - logits.begin());
    }
    candidates_.clear();
    for (std::size_t i = 0; i < logits.size(); ++i) {
      candidates_.push_back({static_cast<token_id>(i), static_cast<double>(logits[i])});
    }
    for (const sampling_step& step : steps_) {
      step(candidates_, history);
      if (candidates_.empty()) throw config_error("sampler: a step left no candidate");
    }
    return draws_ ? drawn() : best_candidate();
  }

 private:
  sampler(std::vector<sampling_step> steps, bool draws, std::uint64_t seed)
      : steps_(std::move(steps)), draws_(draws), random_(seed) {}

  [[nodiscard]] token_id best_candidate() const;
  [[nodiscard]] token_id drawn();

  std::vector<sampling_step> steps_;
  bool draws_;
  random_stream random_;
  std::vector<candidate> candidates_;
};

/// The likeliest token, always.
[[nodiscard]] inline sampler greedy() { return sampler::best(); }

/// The usual settings of a chat: penalties, top-k, top-p, min-p and temperature, each left out if it is neutral.
struct sampling_settings {
  double temperature = 0.8;  ///< 0 and below take the best token
  std::size_t top_k = 40;
  double top_p = 0.95;
  double min_p = 0.05;
  double repetition_penalty = 1;
  double frequency_penalty = 0;
  double presence_penalty = 0;
  std::size_t penalty_window = 64;  ///< tokens before the next one that the penalties look at
  std::uint64_t seed = 0;
};

/// @throws config_error  a setting out of its range, also where the others make it unimportant
[[nodiscard]] sampler sampling(const sampling_settings& s);

}  // namespace quipu::llama

#if !defined(QUIPU_COMPILED)
#include <quipu/llama/sampler.ipp>
#endif
