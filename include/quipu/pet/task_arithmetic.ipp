// What task_arithmetic.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include <quipu/core/random.hpp>
#include <quipu/pet/task_arithmetic.hpp>

namespace quipu::pet {

QUIPU_INLINE void prune_by_magnitude(task_tensor& t, double density) {
  const auto n = static_cast<std::size_t>(t.size());
  const auto kept = static_cast<std::size_t>(density * static_cast<double>(n));
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto larger = [&](std::size_t a, std::size_t b) {
    const double x = std::abs(t.data()[a]), y = std::abs(t.data()[b]);
    return x != y ? x > y : a < b;
  };
  if (kept < n) std::nth_element(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(kept), order.end(), larger);
  for (std::size_t i = kept; i < n; ++i) t.data()[order[i]] = 0;
}

QUIPU_INLINE void prune_at_random(task_tensor& t, double density, random_stream random) {
  for (Eigen::Index i = 0; i < t.size(); ++i)
    t.data()[i] = random.uniform_double() < density ? t.data()[i] / density : 0;
}

QUIPU_INLINE task_tensor combine_tensors(std::vector<task_tensor> tensors, std::span<const double> weights,
                                         const arithmetic_options& options, std::uint64_t stream) {
  const bool at_random = options.how == arithmetic::dare_linear || options.how == arithmetic::dare_ties;
  const bool elects = options.how == arithmetic::ties || options.how == arithmetic::dare_ties;
  for (std::size_t i = 0; i < tensors.size() && options.density < 1 && options.how != arithmetic::linear; ++i) {
    if (at_random) {
      prune_at_random(tensors[i], options.density, random_stream(options.seed, stream * tensors.size() + i));
    } else {
      prune_by_magnitude(tensors[i], options.density);
    }
  }
  task_tensor sum = task_tensor::Zero(tensors[0].rows(), tensors[0].cols());
  for (Eigen::Index e = 0; e < sum.size(); ++e) {
    double vote = 0;
    for (const task_tensor& t : tensors) {
      const double x = t.data()[e];
      vote += options.vote == sign_vote::total ? x : static_cast<double>((x > 0) - (x < 0));
    }
    std::size_t n = 0;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      const double x = tensors[i].data()[e];
      if (elects && (vote >= 0 ? x <= 0 : x >= 0)) continue;
      sum.data()[e] += weights[i] * x;
      ++n;
    }
    if (elects && n > 1) sum.data()[e] /= static_cast<double>(n);
  }
  return sum;
}

}  // namespace quipu::pet
