/// @file Choosing the next token from logits: a chain of steps, then the best or a seeded draw.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <set>
#include <span>
#include <utility>
#include <vector>

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

namespace detail {

inline void sort_by_logit(std::vector<candidate>& c, std::size_t n) {
  const auto better = [](const candidate& a, const candidate& b) {
    return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
  };
  const auto middle = c.begin() + static_cast<std::ptrdiff_t>(std::min(n, c.size()));
  std::partial_sort(c.begin(), middle, c.end(), better);
}

inline double largest_logit(const std::vector<candidate>& c) {
  double top = -std::numeric_limits<double>::infinity();
  for (const candidate& each : c) top = std::max(top, each.logit);
  return top;
}

inline void check_temperature(double value) {
  if (!(value > 0)) fail<config_error>("sampler: temperature", "a positive number (greedy() takes the best token)", value);
}
inline void check_top_p(double mass) {
  if (!(mass >= 0 && mass <= 1)) fail<config_error>("sampler: top_p", "a probability of 0 .. 1", mass);
}
inline void check_min_p(double ratio) {
  if (!(ratio >= 0 && ratio <= 1)) fail<config_error>("sampler: min_p", "a ratio of 0 .. 1", ratio);
}
inline void check_repetition_penalty(double factor) {
  if (!(factor > 0 && std::isfinite(factor))) {
    fail<config_error>("sampler: repetition_penalty", "a positive factor", factor);
  }
}
inline void check_penalty(const char* name, double value) {
  if (!std::isfinite(value)) fail<config_error>(concat("sampler: ", name), "a finite number", value);
}

}  // namespace detail

inline void temperature::operator()(std::vector<candidate>& c, std::span<const token_id>) const {
  detail::check_temperature(value);
  // Differences to the largest: a quotient may overflow to -infinity, which is probability 0, but never to NaN.
  const double top = detail::largest_logit(c);
  for (candidate& each : c) each.logit = each.logit == top ? 0 : (each.logit - top) / value;
}

inline void top_k::operator()(std::vector<candidate>& c, std::span<const token_id>) const {
  if (n == 0 || n >= c.size()) return;
  detail::sort_by_logit(c, n);
  c.resize(n);
}

inline void top_p::operator()(std::vector<candidate>& c, std::span<const token_id>) const {
  detail::check_top_p(mass);
  if (mass == 1) return;
  const double top = detail::largest_logit(c);
  double total = 0;
  for (const candidate& each : c) total += std::exp(each.logit - top);
  // Sorting everything would cost more than the rest of the token: sort as much as the mass needs.
  for (std::size_t n = 64;; n *= 8) {
    detail::sort_by_logit(c, n);
    double sum = 0;
    for (std::size_t i = 0; i < std::min(n, c.size()); ++i) {
      sum += std::exp(c[i].logit - top);
      if (sum >= mass * total) {
        c.resize(i + 1);
        return;
      }
    }
    if (n >= c.size()) return;
  }
}

inline void min_p::operator()(std::vector<candidate>& c, std::span<const token_id>) const {
  detail::check_min_p(ratio);
  const double limit = detail::largest_logit(c) + std::log(ratio);
  std::erase_if(c, [&](const candidate& each) { return each.logit < limit; });
}

inline void repetition_penalty::operator()(std::vector<candidate>& c, std::span<const token_id> history) const {
  detail::check_repetition_penalty(factor);
  const auto last = history.last(std::min(window, history.size()));
  const std::set<token_id> recent(last.begin(), last.end());
  for (candidate& each : c) {
    if (!recent.contains(each.token)) continue;
    each.logit = each.logit > 0 ? each.logit / factor : each.logit * factor;
  }
}

inline void frequency_penalty::operator()(std::vector<candidate>& c, std::span<const token_id> history) const {
  detail::check_penalty("frequency_penalty", frequency);
  detail::check_penalty("presence_penalty", presence);
  std::map<token_id, std::size_t> counts;
  for (const token_id token : history.last(std::min(window, history.size()))) ++counts[token];
  for (candidate& each : c) {
    const auto found = counts.find(each.token);
    if (found != counts.end()) each.logit -= frequency * static_cast<double>(found->second) + presence;
  }
}

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

  [[nodiscard]] token_id best_candidate() const {
    const candidate* best = &candidates_.front();
    for (const candidate& each : candidates_) {
      if (each.logit > best->logit || (each.logit == best->logit && each.token < best->token)) best = &each;
    }
    return best->token;
  }

  [[nodiscard]] token_id drawn() {
    const double top = detail::largest_logit(candidates_);
    double total = 0;
    for (candidate& each : candidates_) total += each.logit = std::exp(each.logit - top);
    double left = random_.uniform_double() * total;
    for (const candidate& each : candidates_) {
      left -= each.logit;
      if (left < 0) return each.token;
    }
    return candidates_.back().token;
  }

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
[[nodiscard]] inline sampler sampling(const sampling_settings& s) {
  detail::check_repetition_penalty(s.repetition_penalty);
  detail::check_penalty("frequency_penalty", s.frequency_penalty);
  detail::check_penalty("presence_penalty", s.presence_penalty);
  detail::check_top_p(s.top_p);
  detail::check_min_p(s.min_p);
  std::vector<sampling_step> steps;
  if (s.repetition_penalty != 1) steps.push_back(repetition_penalty{s.repetition_penalty, s.penalty_window});
  if (s.frequency_penalty != 0 || s.presence_penalty != 0) {
    steps.push_back(frequency_penalty{s.frequency_penalty, s.presence_penalty, s.penalty_window});
  }
  if (s.temperature <= 0) return sampler::best(std::move(steps));  // the filters never drop the best
  detail::check_temperature(s.temperature);
  if (s.top_k > 0) steps.push_back(top_k{s.top_k});
  if (s.top_p < 1) steps.push_back(top_p{s.top_p});
  if (s.min_p > 0) steps.push_back(min_p{s.min_p});
  steps.push_back(temperature{s.temperature});
  return sampler::draw(s.seed, std::move(steps));
}

}  // namespace quipu::llama
