/// @file Fitting gates: probe, stack and threshold from labelled samples, every score out of fold.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/eren/gate/gate_model.hpp>
#include <quipu/eren/gate/gate_samples.hpp>

namespace quipu::eren {

struct gate_fit {
  gate_model model;
  std::vector<double> scores;           ///< of the samples, out of fold
  std::vector<double> probe_scores;     ///< of the samples, out of fold; empty without a probe
};

/// A gate whose score is the sum of features, each standardised over the samples.
/// @param names   of the samples' features
/// @param summed  those that count; empty: all
/// @throws config_error  no samples, or a feature that is not among the names   @throws shape_error  samples of different lengths
[[nodiscard]] gate_model sum_of_features(std::span<const gate_sample> samples, std::vector<std::string> names,
                                         std::span<const std::string> summed = {});

/// Fits a gate. The stack learns from probe scores out of fold, and threshold and probability from stack
/// scores out of fold, so that neither trusts what was learned by heart.
///
/// @param names       of the features
/// @param n_cheap     leading features that need no model; 0: no cheap gate
/// @param probe_at    index of the feature that the probe's score goes to
/// @throws config_error  no samples, one class only (in a fold), too few negatives for the damage rate
/// @throws shape_error   samples of different lengths
/// @throws numeric_error a feature is not finite
[[nodiscard]] gate_fit fit_gate(std::span<const gate_sample> samples, std::vector<std::string> names,
                                std::size_t n_cheap, std::optional<std::size_t> probe_at = {},
                                const gate_fit_options& options = {});

}  // namespace quipu::eren

#if !defined(QUIPU_COMPILED)
#include <quipu/eren/gate/gate_fit.ipp>
#endif
