// What sampler.hpp declares.
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
#include <quipu/llama/sampler.hpp>

namespace quipu::llama {

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

QUIPU_INLINE void temperature::operator()(std::vector<candidate>& c, std::span<const token_id>) const {
  detail::check_temperature(value);
  // Differences to the largest: a quotient may overflow to -infinity, which is probability 0, but never to NaN.
  const double top = detail::largest_logit(c);
  for (candidate& each : c) each.logit = each.logit == top ? 0 : (each.logit - top) / value;
}

QUIPU_INLINE void top_k::operator()(std::vector<candidate>& c, std::span<const token_id>) const {
  if (n == 0 || n >= c.size()) return;
  detail::sort_by_logit(c, n);
  c.resize(n);
}

QUIPU_INLINE void top_p::operator()(std::vector<candidate>& c, std::span<const token_id>) const {
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

QUIPU_INLINE void min_p::operator()(std::vector<candidate>& c, std::span<const token_id>) const {
  detail::check_min_p(ratio);
  const double limit = detail::largest_logit(c) + std::log(ratio);
  std::erase_if(c, [&](const candidate& each) { return each.logit < limit; });
}

QUIPU_INLINE void repetition_penalty::operator()(std::vector<candidate>& c, std::span<const token_id> history) const {
  detail::check_repetition_penalty(factor);
  const auto last = history.last(std::min(window, history.size()));
  const std::set<token_id> recent(last.begin(), last.end());
  for (candidate& each : c) {
    if (!recent.contains(each.token)) continue;
    each.logit = each.logit > 0 ? each.logit / factor : each.logit * factor;
  }
}

QUIPU_INLINE void frequency_penalty::operator()(std::vector<candidate>& c, std::span<const token_id> history) const {
  detail::check_penalty("frequency_penalty", frequency);
  detail::check_penalty("presence_penalty", presence);
  std::map<token_id, std::size_t> counts;
  for (const token_id token : history.last(std::min(window, history.size()))) ++counts[token];
  for (candidate& each : c) {
    const auto found = counts.find(each.token);
    if (found != counts.end()) each.logit -= frequency * static_cast<double>(found->second) + presence;
  }
}

QUIPU_INLINE token_id sampler::best_candidate() const {
  const candidate* best = &candidates_.front();
  for (const candidate& each : candidates_) {
    if (each.logit > best->logit || (each.logit == best->logit && each.token < best->token)) best = &each;
  }
  return best->token;
}

QUIPU_INLINE token_id sampler::drawn() {
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

QUIPU_INLINE sampler sampling(const sampling_settings& s) {
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
