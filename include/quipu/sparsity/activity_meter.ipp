// What activity_meter.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <numeric>

#include <quipu/sparsity/activity_meter.hpp>

namespace quipu::sparsity {

QUIPU_INLINE void activity_meter::add(const neuron_mask& active) {
  if (active.n_neuron() != n_neuron()) fail<shape_error>("activity_meter: neurons", n_neuron(), active.n_neuron());
  const std::size_t n = active.count();
  const double share = n_neuron() == 0 ? 0 : static_cast<double>(n) / static_cast<double>(n_neuron());
  least_ = n_token_ == 0 ? share : std::min(least_, share);
  largest_ = std::max(largest_, share);
  ++per_cent_[n_neuron() == 0 ? 0 : 100 * n / n_neuron()];
  ++n_token_;
  n_active_ += n;
  active.for_each([&](std::size_t i) { ++counts_[i]; });

  if (recent_.empty()) recent_.resize(n_kept), recent_count_.resize(n_kept, 0);
  const auto back = [&](std::size_t lag) { return (next_ + n_kept - lag) % n_kept; };
  for (std::size_t i = 0; i < lags.size(); ++i) {
    if (lags[i] > n_recent_) break;
    const std::size_t at = back(lags[i]), both = active.n_common(recent_[at]), either = n + recent_count_[at] - both;
    if (n > 0) overlaps_[i].add(static_cast<double>(both) / static_cast<double>(n));
    if (either > 0) jaccards_[i].add(static_cast<double>(both) / static_cast<double>(either));
  }
  neuron_mask seen = active;
  for (std::size_t i = 0, k = 1; i < union_sizes.size() && union_sizes[i] <= n_recent_ + 1; ++i) {
    for (; k < union_sizes[i]; ++k) seen |= recent_[back(k)];
    unions_[i].add(static_cast<double>(seen.count()) / static_cast<double>(n_neuron()));
  }
  recent_[next_] = active;
  recent_count_[next_] = n;
  next_ = (next_ + 1) % n_kept;
  n_recent_ = std::min(n_recent_ + 1, n_kept);
}

QUIPU_INLINE double activity_meter::density() const noexcept {
  return n_token_ == 0 ? 0 : static_cast<double>(n_active_) / (static_cast<double>(n_token_) * static_cast<double>(n_neuron()));
}

QUIPU_INLINE std::size_t activity_meter::n_active_between(std::uint64_t least, std::uint64_t most) const noexcept {
  return static_cast<std::size_t>(std::count_if(counts_.begin(), counts_.end(), [&](std::uint64_t n) { return least <= n && n <= most; }));
}

QUIPU_INLINE double activity_meter::hottest(double share) const {
  if (!(share >= 0 && share <= 1)) fail<config_error>("activity_meter: share of neurons", "0 .. 1", share);
  std::vector<std::uint64_t> sorted = counts_;
  std::sort(sorted.begin(), sorted.end(), std::greater<>());
  const auto n = static_cast<std::ptrdiff_t>(std::llround(share * static_cast<double>(sorted.size())));
  return static_cast<double>(std::accumulate(sorted.begin(), sorted.begin() + n, std::uint64_t{0})) / static_cast<double>(n_active_);
}

}  // namespace quipu::sparsity
