/// @file The state of a selector: how probable each task is for a text.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <quipu/conpet/expert.hpp>
#include <quipu/conpet/selector.hpp>
#include <quipu/core/error.hpp>
#include <quipu/statistics/class_moments.hpp>
#include <quipu/statistics/temperature.hpp>

namespace quipu::conpet {

/// What a learned task says of itself to its selector.
struct task_classes {
  std::size_t first = 0, n = 0;  ///< of all classes, in the order of the tasks
};

/// Closed-form: class moments and the classifier made of them. A value: learning makes another one.
class moment_selection {
 public:
  moment_selection() = default;

  [[nodiscard]] bool empty() const noexcept { return !moments_; }
  [[nodiscard]] const statistics::class_moments& moments() const { return *moments_; }

  /// @param features  (labels.size(), n_feature)
  /// @param labels    among all classes
  template <closed_form_selector Selector>
  [[nodiscard]] moment_selection learned(const Selector& s, std::vector<float> features, std::size_t n_feature, std::span<const std::size_t> labels,
                                         std::size_t n_class) const {
    moment_selection next = *this;
    if (!next.moments_) next.moments_.emplace(n_feature);
    next.moments_->grow(n_class);
    next.moments_->add({features.data(), labels.size(), n_feature}, labels);
    next.classifier_ = s.classifier(*next.moments_);
    return next;
  }
  template <closed_form_selector Selector>
  [[nodiscard]] moment_selection forgotten(const Selector& s, task_classes which) const {
    moment_selection next = *this;
    for (std::size_t c = 0; c < which.n; ++c) next.moments_->remove(which.first);
    if (next.moments_->n_class() == 0) return {};
    next.classifier_ = s.classifier(*next.moments_);
    return next;
  }
  template <closed_form_selector Selector>
  [[nodiscard]] static moment_selection of(const Selector& s, statistics::class_moments moments) {
    moment_selection made;
    made.classifier_ = s.classifier(moments);
    made.moments_ = std::move(moments);
    return made;
  }

  /// Scores of all classes, from which both the tasks' probabilities and a learner without training come.
  [[nodiscard]] std::vector<double> class_scores(std::span<const float> feature) const {
    std::vector<double> scores(classifier_.n_class());
    classifier_.score(feature, scores);
    return scores;
  }
  /// The probability of each task: that of its classes together.
  [[nodiscard]] std::vector<double> probabilities(std::span<const float> feature, std::span<const task_classes> tasks) const {
    const std::vector<double> scores = class_scores(feature);
    const double most = *std::max_element(scores.begin(), scores.end());
    std::vector<double> p;
    double sum = 0;
    for (const task_classes& t : tasks) {
      double own = 0;
      for (std::size_t c = 0; c < t.n; ++c) own += std::exp(scores[t.first + c] - most);
      p.push_back(own);
      sum += own;
    }
    for (double& v : p) v /= sum;
    return p;
  }

 private:
  std::optional<statistics::class_moments> moments_;
  statistics::linear_scores classifier_;
};

/// From the logits of a trained selector to probabilities of the tasks. @param newest_share  of a batch that the newest task had in training; 0:
/// the logits are taken as they are (P3)
[[nodiscard]] inline std::vector<double> task_probabilities(std::span<const float> logits, double newest_share) {
  std::vector<float> z(logits.begin(), logits.end());
  const std::size_t n = z.size();
  if (newest_share > 0 && newest_share < 1 && n > 1) {
    for (std::size_t i = 0; i < n; ++i) z[i] -= static_cast<float>(std::log(i + 1 == n ? newest_share : (1 - newest_share) / static_cast<double>(n - 1)));
  }
  const double whole = statistics::log_sum_exp(z, 1);
  std::vector<double> p;
  for (const float v : z) p.push_back(std::exp(static_cast<double>(v) - whole));
  return p;
}

/// Numbers of the k largest, the largest first; of equal ones the first.
[[nodiscard]] inline std::vector<std::size_t> largest(std::span<const double> values, std::size_t k) {
  std::vector<std::size_t> order(values.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] > values[b]; });
  order.resize(std::min(k, order.size()));
  return order;
}

}  // namespace quipu::conpet
