/// @file Weighted sums of tensors that were trained apart: plain, pruned, with elected signs.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/core/eigen.hpp>
#include <quipu/core/random.hpp>

namespace quipu::pet {

/// How entries of several tensors of one shape become one entry.
///   linear           the weighted sum
///   magnitude_prune  the same over each tensor's largest entries
///   ties             the weighted mean of those largest entries whose sign is the elected one (Yadav et al. 2023)
///   dare_linear      the weighted sum over random entries, divided by their share (Yu et al. 2024)
///   dare_ties        as ties, over random entries, divided by their share
enum class arithmetic : std::uint8_t { linear, magnitude_prune, ties, dare_linear, dare_ties };

/// How signs are elected: by the sum of the entries, or by counting them.
enum class sign_vote : std::uint8_t { total, frequency };

struct arithmetic_options {
  arithmetic how = arithmetic::linear;
  double density = 1;  ///< share of the entries that stay, over 0 up to 1
  sign_vote vote = sign_vote::total;
  std::uint64_t seed = 0;  ///< of the random entries
};

using task_tensor = eigen_matrix<double>;

/// Keeps the int(density * size) entries of largest magnitude, the earlier ones among equals.
void prune_by_magnitude(task_tensor& t, double density);

/// Keeps every entry with probability `density` and divides it by that.
void prune_at_random(task_tensor& t, double density, random_stream random);

/// The combination of `tensors` with `weights`. PEFT's definitions (merge_utils): signs are elected before
/// the weights come in, and a sum of zero counts as positive.
///
/// @param tensors  of one shape; at least one
/// @param stream   names the random numbers together with the seed
[[nodiscard]] task_tensor combine_tensors(std::vector<task_tensor> tensors, std::span<const double> weights,
                                          const arithmetic_options& options, std::uint64_t stream);

}  // namespace quipu::pet

#if !defined(QUIPU_COMPILED)
#include <quipu/pet/task_arithmetic.ipp>
#endif
