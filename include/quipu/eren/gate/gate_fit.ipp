// What gate_fit.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <quipu/core/crc32.hpp>
#include <quipu/core/error.hpp>
#include <quipu/eren/gate/gate_fit.hpp>
#include <quipu/eren/gate/gate_model.hpp>
#include <quipu/eren/gate/gate_samples.hpp>
#include <quipu/statistics/calibration.hpp>
#include <quipu/statistics/logistic_regression.hpp>

namespace quipu::eren {

namespace detail {

inline std::size_t fold_of(const std::string& group, std::size_t n_fold) { return crc32("f" + group) % n_fold; }

/// Signs of weights, see `statistics::logistic_options`.
inline std::vector<int> signs_of(std::span<const std::string> names, const gate_fit_options& options) {
  const auto among = [](const std::vector<std::string>& some, const std::string& name) {
    return std::find(some.begin(), some.end(), name) != some.end();
  };
  std::vector<int> signs;
  for (const std::string& name : names)
    signs.push_back(among(options.rising, name) ? 1 : among(options.falling, name) ? -1 : 0);
  return signs;
}

/// Rows (n, d) and labels of those samples for which `use(i)` holds.
template <class Row, class Use>
statistics::logistic_model fit_rows(std::size_t n, std::size_t d, const std::vector<std::uint8_t>& labels, Row&& row,
                                    Use&& use, const statistics::logistic_options& options) {
  std::vector<double> x;
  std::vector<std::uint8_t> y;
  for (std::size_t i = 0; i < n; ++i) {
    if (!use(i)) continue;
    const std::size_t before = x.size();
    x.resize(before + d);
    row(i, std::span(x).subspan(before, d));
    y.push_back(labels[i]);
  }
  return statistics::fit_logistic({x.data(), y.size(), d}, y, options);
}

/// Scores out of fold, and the model of all samples. Folds without samples are skipped.
template <class Row>
std::pair<std::vector<double>, statistics::logistic_model> cross_fit(std::span<const gate_sample> samples,
                                                                     const std::vector<std::uint8_t>& labels,
                                                                     std::size_t d, std::size_t n_fold,
                                                                     const statistics::logistic_options& options,
                                                                     Row&& row) {
  std::vector<double> scores(samples.size()), x(d);
  for (std::size_t fold = 0; fold < n_fold; ++fold) {
    const auto inside = [&](std::size_t i) { return fold_of(samples[i].group, n_fold) == fold; };
    std::size_t n_inside = 0;
    for (std::size_t i = 0; i < samples.size(); ++i) n_inside += inside(i) ? 1 : 0;
    if (n_inside == 0) continue;
    const statistics::logistic_model m = fit_rows(
        samples.size(), d, labels, row, [&](std::size_t i) { return !inside(i); }, options);
    for (std::size_t i = 0; i < samples.size(); ++i) {
      if (!inside(i)) continue;
      row(i, std::span<double>(x));
      scores[i] = m.score(x);
    }
  }
  return {std::move(scores), fit_rows(samples.size(), d, labels, row, [](std::size_t) { return true; }, options)};
}

}  // namespace detail

QUIPU_INLINE gate_model sum_of_features(std::span<const gate_sample> samples, std::vector<std::string> names,
                                        std::span<const std::string> summed) {
  if (samples.empty()) fail<config_error>("sum_of_features: samples", "at least one", "none");
  const std::size_t d = names.size();
  gate_model m;
  m.names = std::move(names);
  m.stack = {std::vector<double>(d), std::vector<double>(d), std::vector<double>(d, 1.0), 0};
  m.probability = {1, 0};
  const auto n = static_cast<double>(samples.size());
  for (const gate_sample& s : samples) {
    if (s.features.size() != d) fail<shape_error>("sum_of_features: features of a sample", d, s.features.size());
    for (std::size_t j = 0; j < d; ++j) m.stack.mean[j] += s.features[j] / n;
  }
  for (const gate_sample& s : samples) {
    for (std::size_t j = 0; j < d; ++j)
      m.stack.deviation[j] += (s.features[j] - m.stack.mean[j]) * (s.features[j] - m.stack.mean[j]) / n;
  }
  for (double& deviation : m.stack.deviation) deviation = std::sqrt(deviation) + 1e-6;
  if (!summed.empty()) std::fill(m.stack.weights.begin(), m.stack.weights.end(), 0.0);
  for (const std::string& name : summed) {
    const auto at = std::find(m.names.begin(), m.names.end(), name);
    if (at == m.names.end())
      fail<config_error>("sum_of_features: feature", "one of the samples'", concat("'", name, "'"));
    m.stack.weights[static_cast<std::size_t>(at - m.names.begin())] = 1;
  }
  return m;
}

QUIPU_INLINE gate_fit fit_gate(std::span<const gate_sample> samples, std::vector<std::string> names,
                               std::size_t n_cheap, std::optional<std::size_t> probe_at,
                               const gate_fit_options& options) {
  const std::size_t n = samples.size(), d = names.size();
  if (n == 0) fail<config_error>("fit_gate: samples", "at least one of each class", "none");
  if (options.n_fold < 2) fail<config_error>("fit_gate: folds", "at least 2", options.n_fold);
  if (n_cheap > d || (probe_at && *probe_at >= d))
    fail<shape_error>("fit_gate: feature index", concat("below ", d), n_cheap);
  std::vector<std::uint8_t> labels;
  for (const gate_sample& s : samples) {
    if (s.features.size() != d) fail<shape_error>("fit_gate: features of a sample", d, s.features.size());
    if (probe_at && (s.hidden.empty() || s.hidden.size() != samples.front().hidden.size())) {
      fail<shape_error>("fit_gate: hidden state of a sample", concat(samples.front().hidden.size(), " values"),
                        s.hidden.size());
    }
    labels.push_back(s.positive ? 1 : 0);
  }
  gate_fit fit;
  fit.model.names = std::move(names);
  statistics::logistic_model probe_model;
  if (probe_at) {
    std::tie(fit.probe_scores, probe_model) =
        detail::cross_fit(samples, labels, samples.front().hidden.size(), options.n_fold, {.ridge = options.probe_ridge},
                          [&](std::size_t i, std::span<double> x) {
                            std::copy(samples[i].hidden.begin(), samples[i].hidden.end(), x.begin());
                          });
    fit.model.probe = std::move(probe_model);
  }
  const auto row = [&](std::size_t i, std::span<double> x) {
    std::copy(samples[i].features.begin(), samples[i].features.end(), x.begin());
    if (probe_at) x[*probe_at] = fit.probe_scores[i];
  };
  std::tie(fit.scores, fit.model.stack) = detail::cross_fit(
      samples, labels, d, options.n_fold,
      {.ridge = options.ridge, .bound = options.bound, .signs = detail::signs_of(fit.model.names, options)}, row);
  fit.model.probability = statistics::fit_platt(fit.scores, labels);
  if (options.damage) {
    std::vector<double> negatives;
    for (std::size_t i = 0; i < n; ++i) {
      if (labels[i] == 0) negatives.push_back(fit.scores[i]);
    }
    // Above the conformal threshold, not at it.
    fit.model.threshold = std::nextafter(statistics::conformal_threshold(negatives, *options.damage), 1e308);
  } else {
    const auto balanced = [&](double threshold, std::span<const double> scores) {
      double hit[2] = {0, 0}, all[2] = {0, 0};
      for (std::size_t i = 0; i < n; ++i) {
        ++all[labels[i]];
        hit[labels[i]] += (scores[i] >= threshold) == (labels[i] == 1) ? 1 : 0;
      }
      const double kept = hit[1] / all[1], rejected = hit[0] / all[0];
      return kept + rejected > 0 ? 2 * kept * rejected / (kept + rejected) : 0;
    };
    fit.model.threshold = statistics::best_threshold(fit.scores, [&](double t) {
      return options.quality ? options.quality(t, fit.scores) : balanced(t, fit.scores);
    });
  }
  if (n_cheap > 0) {
    std::vector<double> cheap_scores;
    std::tie(cheap_scores, fit.model.cheap) = detail::cross_fit(
        samples, labels, n_cheap, options.n_fold,
        {.ridge = options.ridge,
         .bound = options.bound,
         .signs = detail::signs_of(std::span(fit.model.names).first(n_cheap), options)},
        [&](std::size_t i, std::span<double> x) { std::copy_n(samples[i].features.begin(), n_cheap, x.begin()); });
    std::vector<double> positives;
    for (std::size_t i = 0; i < n; ++i) {
      if (labels[i] == 1) positives.push_back(cheap_scores[i]);
    }
    std::sort(positives.begin(), positives.end());
    fit.model.cheap_threshold =
        positives[static_cast<std::size_t>((1 - options.cheap_recall) * static_cast<double>(positives.size()))];
  }
  return fit;
}

}  // namespace quipu::eren
