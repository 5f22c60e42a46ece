/// @file What each task of a continual learner costs: a table, how flat it is, a picture.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include <quipu/core/compiled.hpp>
#include <quipu/report/svg_plot.hpp>  // plot_options
#include <quipu/report/table.hpp>

namespace quipu::report {

/// Of learning one task. What a learner keeps is counted where it grows: a task's own module and head with the task; memory and selector, which all
/// tasks share, as they are after it.
struct task_cost {
  std::string task;
  double seconds = 0;                  ///< of training
  double n_flop = 0;                   ///< of training, multiplications and additions
  std::size_t n_module_parameter = 0;
  std::size_t n_head_parameter = 0;
  std::size_t n_selector_parameter = 0;
  std::size_t n_module_byte = 0;       ///< stored
  std::size_t n_head_byte = 0;
  std::size_t n_memory_byte = 0;       ///< texts kept for replay
  std::size_t n_selector_byte = 0;
  std::size_t n_peak_byte = 0;         ///< largest resident memory of the program so far; 0: not known

  [[nodiscard]] std::size_t n_stored_byte() const noexcept { return n_module_byte + n_head_byte + n_memory_byte + n_selector_byte; }
};

/// A row for each task.
[[nodiscard]] table task_cost_table(std::span<const task_cost> costs);

/// By how much the dearest task is above the cheapest, as a share of the cheapest, the first task left aside: it has no old texts to see again and no
/// selector to train. Nothing with fewer than two tasks after it, or where a figure is 0.
struct cost_spread {
  std::optional<double> seconds, flop, peak_memory;
};
[[nodiscard]] cost_spread spread_of(std::span<const task_cost> costs);

/// Seconds, FLOPs, what the task adds to the stored bytes, and peak memory, each as a multiple of the second task's (of the first, where it is the only
/// one): what is flat is a flat line. A quantity that is 0 there has no line.
/// @param options  title and labels that are empty get words of their own
/// @throws config_error  no tasks
[[nodiscard]] std::string task_cost_plot(std::span<const task_cost> costs, plot_options options = {});

}  // namespace quipu::report

#if !defined(QUIPU_COMPILED)
#include <quipu/report/task_costs.ipp>
#endif
