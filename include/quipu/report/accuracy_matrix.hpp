/// @file How well a learner of one task after another does: the matrix of its accuracies, and the figures that are made of it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/report/metrics.hpp>  // tally
#include <quipu/report/table.hpp>

namespace quipu::report {

/// Over which moments the best accuracy of a task is taken that forgetting compares with the last one.
enum class forgetting_maximum : std::uint8_t {
  before_the_last,  ///< after tasks k < T: Chaudhry et al. 2018, section 3; may be below 0
  all,              ///< after tasks k <= T, as Mammoth does; never below 0
};

/// R[k][i], the accuracy on the test of task i after task k was learned, all classes seen by then as candidates. Tasks that are
/// tested before they are learned may have a place too: forward transfer asks for it. Figures that the matrix does not hold do not exist.
class accuracy_matrix {
 public:
  explicit accuracy_matrix(std::vector<std::string> task_names) : names_(std::move(task_names)) {}

  /// After one more task.
  /// @param row  a tally for each task that was tested, from the first; at least those learned so far
  /// @throws shape_error  more rows than tasks, a row of another length
  void add_row(std::vector<tally> row);

  [[nodiscard]] const std::vector<std::string>& names() const noexcept { return names_; }
  [[nodiscard]] std::size_t n_learned() const noexcept { return rows_.size(); }
  /// After task `after`, on task `on`, both from 0.
  [[nodiscard]] std::optional<double> at(std::size_t after, std::size_t on) const noexcept;

  /// Right answers among all test texts of the tasks learned by then.
  [[nodiscard]] std::optional<double> whole(std::size_t after) const;
  /// Mean of the accuracies of the tasks learned by then.
  [[nodiscard]] std::optional<double> average(std::size_t after) const;
  /// Mean of `average` over all moments.
  [[nodiscard]] std::optional<double> average_incremental() const;
  /// Mean of R[T][i] - R[i][i] over all tasks but the last (Lopez-Paz and Ranzato 2017). What some call forgetting is minus this.
  [[nodiscard]] std::optional<double> backward_transfer() const;
  /// Mean of max_k R[k][i] - R[T][i] over all tasks but the last.
  [[nodiscard]] std::optional<double> forgetting(forgetting_maximum over) const;
  /// Mean of R[i-1][i] - R0[i] over all tasks but the first. @param untaught  R0, before any training
  [[nodiscard]] std::optional<double> forward_transfer(std::span<const double> untaught) const;
  /// R_joint[i] - R[i][i] of each task. @param joint  accuracies of a model that learned all tasks at once
  [[nodiscard]] std::vector<std::optional<double>> intransigence(std::span<const double> joint) const;

  /// One row a task learned, in percent.
  [[nodiscard]] table as_table() const;

 private:
  std::vector<std::string> names_;
  std::vector<std::vector<tally>> rows_;
};

/// What was answered where what was right.
class confusion_matrix {
 public:
  explicit confusion_matrix(std::vector<std::string> classes)
      : classes_(std::move(classes)), counts_(classes_.size() * classes_.size(), 0), other_(classes_.size(), 0) {}

  /// @param answered  a class, or its number of classes for an answer that is none of them
  /// @throws shape_error  no such class
  void count(std::size_t right, std::size_t answered);
  [[nodiscard]] std::size_t at(std::size_t right, std::size_t answered) const { return counts_.at(right * classes_.size() + answered); }
  [[nodiscard]] const std::vector<std::string>& classes() const noexcept { return classes_; }
  /// Right answers among the texts of a class.
  [[nodiscard]] tally of_class(std::size_t right) const;
  /// The pairs that are most often confused, the most frequent first: right, answered, how often.
  [[nodiscard]] table worst(std::size_t n_pair) const;

 private:
  std::vector<std::string> classes_;
  std::vector<std::size_t> counts_;  // (right, answered)
  std::vector<std::size_t> other_;   // answers that are no class
};

/// A figure over several runs (seeds, orders of tasks).
struct repeated_figure {
  std::size_t n = 0;
  double mean = 0;
  double deviation = 0;   ///< of the sample, n - 1 in the denominator; 0 for one run
  double half_width = 0;  ///< of the 95 % interval of the mean by Student's t; 0 for one run
};
/// @throws shape_error  no run
[[nodiscard]] repeated_figure over_runs(std::span<const double> values);

}  // namespace quipu::report

#if !defined(QUIPU_COMPILED)
#include <quipu/report/accuracy_matrix.ipp>
#endif
