// What evaluation_report.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <quipu/eren/study/evaluation_report.hpp>
#include <quipu/eren/study/evaluation_scores.hpp>
#include <quipu/report/metrics.hpp>
#include <quipu/report/svg_plot.hpp>
#include <quipu/report/table.hpp>

namespace quipu::eren {

QUIPU_INLINE report::table evaluation_table(std::span<const evaluated_editor> editors,
                                            const std::map<std::string, double>& weights) {
  std::vector<std::string> groups;
  for (const evaluated_editor& e : editors) {
    for (const evaluation_question& q : e.questions) {
      if (q.kind == question_kind::unrelated && std::find(groups.begin(), groups.end(), q.group) == groups.end())
        groups.push_back(q.group);
    }
  }
  std::vector<report::table::column> columns = {{"method"}, {"edits", 0}, {"questions", 0}, {"ES"}};
  for (const std::string& g : groups) columns.push_back({"BP " + g});
  for (const std::string& g : groups) columns.push_back({"EQ " + g});
  for (const char* name : {"EQ all", "EQ low", "EQ high", "reliability", "generalisation", "missed", "attribution"})
    columns.push_back({name});
  columns.push_back({"AUROC", 3});
  columns.push_back({"ms"});
  report::table out(std::move(columns));
  for (const evaluated_editor& e : editors) {
    const evaluation_scores scores(e.questions, e.records, e.rule);
    const report::edit_scores total = scores.total();
    const auto interval = scores.interval([&](const report::edit_scores& s) { return s.quality(weights); });
    double seconds = 0;
    for (const evaluation_record& r : e.records) seconds += r.timings.total();
    std::vector<report::cell> row = {e.name, static_cast<std::int64_t>(scores.n_edit()),
                                     static_cast<std::int64_t>(e.records.size()),
                                     report::percent(total.success().rate())};
    for (const std::string& g : groups) row.push_back(report::percent(total.preservation(g)));
    for (const std::string& g : groups) row.push_back(report::percent(total.quality(g)));
    row.push_back(report::percent(total.quality(weights)));
    row.push_back(interval ? report::cell(100 * interval->low) : report::cell());
    row.push_back(interval ? report::cell(100 * interval->high) : report::cell());
    row.push_back(report::percent(total.reliability().rate()));
    row.push_back(report::percent(total.generalisation().rate()));
    row.push_back(report::percent(total.missed().rate()));
    row.push_back(report::percent(total.attribution().rate()));
    const auto area = auroc_of(e.questions, e.records);
    row.push_back(area ? report::cell(*area) : report::cell());
    row.push_back(e.records.empty() ? report::cell()
                                    : report::cell(1000 * seconds / static_cast<double>(e.records.size())));
    out.add_row(std::move(row));
  }
  return out;
}

QUIPU_INLINE std::string score_chart(const evaluated_editor& e) {
  std::map<std::string, std::vector<double>> groups;
  std::vector<double> all;
  for (std::size_t i = 0; i < e.records.size(); ++i) {
    const evaluation_question& q = e.questions[i];
    groups[q.kind == question_kind::in_scope ? "in scope" : q.group].push_back(e.records[i].score);
    all.push_back(e.records[i].score);
  }
  std::sort(all.begin(), all.end());
  std::vector<report::plot_series> series;
  constexpr std::size_t n_step = 60;
  for (auto& [name, scores] : groups) {
    report::plot_series s{name, {}};
    for (std::size_t step = 0; step <= n_step; ++step) {
      const double threshold = all[step * (all.size() - 1) / n_step];
      const auto n = std::count_if(scores.begin(), scores.end(), [&](double score) { return score >= threshold; });
      s.points.emplace_back(threshold, 100 * static_cast<double>(n) / static_cast<double>(scores.size()));
    }
    series.push_back(std::move(s));
  }
  return report::line_plot(
      series,
      {.title = "Questions at or above the gate's threshold: " + e.name, .x_label = "threshold", .y_label = "%"});
}

}  // namespace quipu::eren
