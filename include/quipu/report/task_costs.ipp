// What task_costs.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/number_text.hpp>
#include <quipu/report/svg_plot.hpp>
#include <quipu/report/table.hpp>
#include <quipu/report/task_costs.hpp>

namespace quipu::report {

QUIPU_INLINE table task_cost_table(std::span<const task_cost> costs) {
  table t({{"task"}, {"seconds", 2}, {"TFLOP", 3}, {"module parameters"}, {"head parameters"}, {"selector parameters"}, {"module bytes"}, {"head bytes"},
           {"memory bytes"}, {"selector bytes"}, {"peak MiB", 1}});
  const auto whole = [](std::size_t n) { return cell(static_cast<std::int64_t>(n)); };
  for (const task_cost& c : costs) {
    t.add_row({c.task, c.seconds, c.n_flop / 1e12, whole(c.n_module_parameter), whole(c.n_head_parameter), whole(c.n_selector_parameter),
               whole(c.n_module_byte), whole(c.n_head_byte), whole(c.n_memory_byte), whole(c.n_selector_byte),
               c.n_peak_byte == 0 ? cell() : cell(static_cast<double>(c.n_peak_byte) / (1 << 20))});
  }
  return t;
}

QUIPU_INLINE cost_spread spread_of(std::span<const task_cost> costs) {
  if (costs.size() < 3) return {};
  const auto later = costs.subspan(1);
  const auto spread = [&](auto&& figure) -> std::optional<double> {
    double least = figure(later[0]), most = least;
    for (const task_cost& c : later) {
      least = std::min(least, figure(c));
      most = std::max(most, figure(c));
    }
    return least > 0 ? std::optional(most / least - 1) : std::nullopt;
  };
  return {spread([](const task_cost& c) { return c.seconds; }), spread([](const task_cost& c) { return c.n_flop; }),
          spread([](const task_cost& c) { return static_cast<double>(c.n_peak_byte); })};
}

QUIPU_INLINE std::string task_cost_plot(std::span<const task_cost> costs, plot_options options) {
  if (costs.empty()) fail<config_error>("task_cost_plot", "at least one task", "none");
  const std::size_t unit = std::min<std::size_t>(1, costs.size() - 1);
  std::vector<plot_series> lines;
  const auto add = [&](const std::string& name, const std::string& ending, auto&& figure) {
    const double one = figure(unit);
    if (!(one > 0)) return;
    plot_series line{concat(name, " (", general_text(one), ending, ")"), {}};
    for (std::size_t i = 0; i < costs.size(); ++i) line.points.emplace_back(static_cast<double>(i + 1), figure(i) / one);
    lines.push_back(std::move(line));
  };
  add("training", " s", [&](std::size_t i) { return costs[i].seconds; });
  add("training", " TFLOP", [&](std::size_t i) { return costs[i].n_flop / 1e12; });
  // Module and head are the task's own; of what all share the task's part is what it adds, or less than nothing where a budget is full.
  constexpr double mib = 1 << 20;
  add("stored", " MiB more", [&](std::size_t i) {
    const auto shared = [&](std::size_t t) { return static_cast<double>(costs[t].n_memory_byte + costs[t].n_selector_byte); };
    return (static_cast<double>(costs[i].n_module_byte + costs[i].n_head_byte) + shared(i) - (i > 0 ? shared(i - 1) : 0)) / mib;
  });
  add("peak memory", " MiB", [&](std::size_t i) { return static_cast<double>(costs[i].n_peak_byte) / mib; });
  if (options.title.empty()) options.title = "cost of each task";
  if (options.x_label.empty()) options.x_label = "task";
  if (options.y_label.empty()) options.y_label = concat("multiple of task ", unit + 1, "'s");
  return line_plot(lines, options);
}

}  // namespace quipu::report
