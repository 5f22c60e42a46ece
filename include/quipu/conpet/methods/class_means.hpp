/// @file Means of states by class, the prototypes of EMAR and CRL.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <quipu/conpet/encoded_set.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/matrix_view.hpp>

namespace quipu::conpet {

/// Sums of the states of each class, and how many there are.
class class_means {
 public:
  class_means(std::size_t n_class, std::size_t d) : d_(d), sums_(n_class * d), counts_(n_class) {}

  /// @param states  (n, d) row by row, of texts whose `label` is below n_class
  void add(std::span<const encoded_example> texts, std::span<const float> states) {
    if (states.size() != texts.size() * d_) fail<config_error>("class_means: states", texts.size() * d_, states.size());
    for (std::size_t i = 0; i < texts.size(); ++i) {
      ++counts_.at(texts[i].label);
      for (std::size_t c = 0; c < d_; ++c) sums_[texts[i].label * d_ + c] += static_cast<double>(states[i * d_ + c]);
    }
  }
  [[nodiscard]] bool has(std::size_t label) const { return counts_.at(label) > 0; }
  /// (n_class, d) The rows of classes without texts are those of `before`, which may be shorter, or 0.
  [[nodiscard]] std::vector<double> means(std::span<const double> before = {}) const {
    std::vector<double> out(sums_.size());
    for (std::size_t c = 0; c < counts_.size(); ++c) {
      for (std::size_t i = c * d_; i < (c + 1) * d_; ++i)
        out[i] = counts_[c] > 0 ? sums_[i] / static_cast<double>(counts_[c]) : i < before.size() ? before[i] : 0;
    }
    return out;
  }

 private:
  std::size_t d_;
  std::vector<double> sums_;
  std::vector<std::size_t> counts_;
};

/// Means of a task's states by class: of the memory's texts, and of the new ones for new classes of which the memory keeps none.
/// @param task    a `learning_task` that remembers its new texts
/// @param before  (n_old_class, d) means of earlier, for old classes of which the memory keeps none
template <class Task>
[[nodiscard]] std::vector<double> prototypes_of(Task& task, std::span<const double> before) {
  class_means all(task.n_class(), task.d_model());
  all.add(task.old(), task.states(task.old()));
  std::vector<encoded_example> others;
  for (const encoded_example& e : task.fresh()) {
    if (!all.has(e.label)) others.push_back(e);
  }
  all.add(others, task.states(others));
  return all.means(before);
}

}  // namespace quipu::conpet
