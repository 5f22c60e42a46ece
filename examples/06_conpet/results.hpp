/// @file What a run leaves beside its learner: accuracies, cost, tables and pictures.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/conpet/evaluate.hpp>
#include <quipu/core/error.hpp>
#include <quipu/data/json_reading.hpp>
#include <quipu/io/atomic_file.hpp>
#include <quipu/report/accuracy_matrix.hpp>
#include <quipu/report/heat_map.hpp>
#include <quipu/report/svg_plot.hpp>
#include <quipu/report/table.hpp>

namespace results {

namespace q = quipu;

/// The accuracies after each task, kept in `rows.json` so that a run that goes on has those of before.
class rows {
 public:
  rows(std::filesystem::path folder, const q::data::task_stream& stream) : folder_(std::move(folder)) {
    for (const auto& task : stream) names_.push_back(task.name);
  }

  void read() {
    const std::string path = (folder_ / "rows.json").string();
    if (folder_.empty() || !std::filesystem::exists(path)) return;
    const nlohmann::json json = q::data::read_json_file(path);
    const q::data::json_place all(json, path);
    for (std::size_t i = 0; i < all.size(); ++i) all_.push_back(json[i]);
  }
  [[nodiscard]] std::size_t size() const noexcept { return all_.size(); }
  void add(const q::conpet::evaluation& e) {
    nlohmann::json row = {{"task", names_.at(all_.size())}, {"hits", nlohmann::json::array()}, {"texts", nlohmann::json::array()},
                                  {"calibration_error", number(e.calibration_error)}, {"selector", number(e.selector_accuracy())}};
    for (const auto& t : e.tasks) {
      row["hits"].push_back(t.hits);
      row["texts"].push_back(t.trials);
    }
    all_.push_back(std::move(row));
    if (!folder_.empty()) q::io::write_text((folder_ / "rows.json").string(), nlohmann::json(all_).dump(1) + "\n");
  }
  void cut(std::size_t n) { all_.resize(std::min(n, all_.size())); }

  [[nodiscard]] q::report::accuracy_matrix matrix() const {
    q::report::accuracy_matrix m(names_);
    for (const auto& row : all_) {
      std::vector<q::report::tally> tallies;
      for (std::size_t i = 0; i < row.at("hits").size(); ++i) tallies.push_back({row.at("hits")[i].get<std::size_t>(), row.at("texts")[i].get<std::size_t>()});
      m.add_row(std::move(tallies));
    }
    return m;
  }
  /// Of the selector after each task, if the learner has one.
  [[nodiscard]] std::optional<double> selector(std::size_t after) const {
    const auto& value = all_.at(after).at("selector");
    return value.is_null() ? std::nullopt : std::optional(value.get<double>());
  }
  [[nodiscard]] std::optional<double> calibration_error() const {
    const auto& value = all_.back().at("calibration_error");
    return value.is_null() ? std::nullopt : std::optional(value.get<double>());
  }

 private:
  static nlohmann::json number(const std::optional<double>& v) { return v ? nlohmann::json(*v) : nlohmann::json(); }

  std::filesystem::path folder_;
  std::vector<std::string> names_;
  std::vector<nlohmann::json> all_;
};

/// The figures of one run, in percent.
struct figures {
  double whole = 0, average = 0;
  std::optional<double> incremental{}, backward{}, forgetting{}, forgetting_all{}, selector{}, calibration{};
};
[[nodiscard]] inline figures figures_of(const rows& all) {
  using q::report::forgetting_maximum;
  const auto m = all.matrix();
  const std::size_t last = all.size() - 1;
  const auto hundred = [](std::optional<double> v) { return v ? std::optional(100 * *v) : v; };
  return {100 * m.whole(last).value_or(0), 100 * m.average(last).value_or(0), hundred(m.average_incremental()), hundred(m.backward_transfer()),
          hundred(m.forgetting(forgetting_maximum::before_the_last)), hundred(m.forgetting(forgetting_maximum::all)), hundred(all.selector(last)),
          hundred(all.calibration_error())};
}

/// A run with a seed, in an order of the tasks.
struct run_label {
  std::size_t seed = 0, order = 0;
  [[nodiscard]] std::string text() const { return order == 0 ? q::concat(seed) : q::concat(seed, ", order ", order); }
};

/// Table, CSV, JSON and pictures of a run, or of several seeds and orders of it.
inline void write(const std::filesystem::path& folder, const std::string& method, const std::vector<rows>& runs, const std::vector<run_label>& labels) {
  q::report::table table({{"method"}, {"seed"}, {"order"}, {"whole", 2}, {"average", 2}, {"average incremental", 2}, {"BWT", 2}, {"forgetting (max k < T)", 2},
                          {"forgetting (max k <= T)", 2}, {"selector", 2}, {"ECE", 2}});
  std::vector<double> wholes;
  const auto cell = [](const std::optional<double>& v) { return v ? q::report::cell(*v) : q::report::cell(); };
  std::vector<q::report::plot_series> lines;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const figures f = figures_of(runs[i]);
    wholes.push_back(f.whole);
    table.add_row({method, static_cast<std::int64_t>(labels[i].seed), static_cast<std::int64_t>(labels[i].order), f.whole, f.average, cell(f.incremental), cell(f.backward), cell(f.forgetting),
                   cell(f.forgetting_all), cell(f.selector), cell(f.calibration)});
    q::report::plot_series line{q::concat(method, " ", labels[i].text()), {}};
    const auto m = runs[i].matrix();
    for (std::size_t k = 0; k < m.n_learned(); ++k) line.points.emplace_back(static_cast<double>(k + 1), 100 * m.whole(k).value_or(0));
    lines.push_back(std::move(line));
  }
  const auto all = q::report::over_runs(wholes);
  std::cout << table.markdown() << std::flush;
  if (runs.size() > 1) {
    std::cout << "whole accuracy over " << all.n << " runs: " << q::fixed_text(all.mean, 2) << ", deviation " << q::fixed_text(all.deviation, 2)
              << ", 95 % interval +- " << q::fixed_text(all.half_width, 2) << std::endl;
  }
  if (folder.empty()) return;
  const auto m = runs.front().matrix();
  q::report::heat_map_data map{{}, m.names(), {}, 0, 100};
  for (std::size_t k = 0; k < m.n_learned(); ++k) {
    map.rows.push_back(m.names()[k]);
    map.values.emplace_back();
    for (std::size_t i = 0; i < m.names().size(); ++i)
      map.values.back().push_back(m.at(k, i) ? std::optional(100 * *m.at(k, i)) : std::nullopt);
  }
  const auto file = [&](const char* name) { return (folder / name).string(); };
  q::io::write_text(file("results.json"), nlohmann::ordered_json({{"runs", table.json()}, {"matrix", m.as_table().json()}}).dump(1) + "\n");
  q::io::write_text(file("results.csv"), table.csv());
  q::io::write_text(file("results.md"), table.markdown() + "\n" + m.as_table().markdown());
  q::io::write_text(file("accuracy.svg"), q::report::line_plot(lines, {.title = "whole accuracy", .x_label = "tasks learned", .y_label = "%"}));
  q::io::write_text(file("matrix.svg"),
                    q::report::heat_map(map, {.title = "accuracy in %", .x_label = "tested on", .y_label = "after", .width = 800, .height = 600}));
}

}  // namespace results
