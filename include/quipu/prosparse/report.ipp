// What report.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <fstream>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/core/error.hpp>
#include <quipu/core/number_text.hpp>
#include <quipu/io/atomic_file.hpp>
#include <quipu/prosparse/report.hpp>
#include <quipu/report/svg_plot.hpp>
#include <quipu/report/table.hpp>

namespace quipu::prosparse {

namespace detail {

/// About 200 of all rows, the last one among them: enough for a chart.
[[nodiscard]] inline std::vector<const history_row*> thinned(const std::vector<history_row>& all) {
  const std::size_t every = std::max<std::size_t>(1, all.size() / 200);
  std::vector<const history_row*> some;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i % every == 0 || i + 1 == all.size()) some.push_back(&all[i]);
  }
  return some;
}

}  // namespace detail

QUIPU_INLINE std::optional<history_row> history_row_of(const nlohmann::ordered_json& line) {
  for (const char* name : {"step", "loss", "lambda", "penalty", "n_dead"}) {
    if (!line.is_object() || !line.contains(name) || !line[name].is_number()) return std::nullopt;
  }
  const auto number = [](const nlohmann::ordered_json& x) { return x.is_number() ? x.get<double>() : std::numeric_limits<double>::quiet_NaN(); };
  history_row row{line["step"].get<std::size_t>(), number(line["loss"]), number(line["lambda"]), number(line["penalty"])};
  row.n_dead = line["n_dead"].get<std::size_t>();
  if (line.contains("sparsity")) row.sparsity = number(line["sparsity"]);
  if (line.contains("sparsity_by_layer")) {
    for (const auto& one : line["sparsity_by_layer"]) row.by_layer.push_back(number(one));
  }
  if (line.contains("validation_loss")) row.validation_loss = number(line["validation_loss"]);
  if (line.contains("validation_sparsity")) row.validation_sparsity = number(line["validation_sparsity"]);
  return row;
}

QUIPU_INLINE std::vector<history_row> read_history(const std::string& path) {
  std::ifstream in(path);
  if (!in) throw io_error(concat(path, ": cannot read"));
  std::vector<history_row> all;
  for (std::string line; std::getline(in, line);) {
    if (auto row = history_row_of(nlohmann::ordered_json::parse(line, nullptr, false))) all.push_back(std::move(*row));
  }
  return all;
}

QUIPU_INLINE nlohmann::ordered_json run_report::json() const {
  nlohmann::ordered_json out = {{"recipe", made_by.json()},
                                {"model", model},
                                {"substituted", substituted},
                                {"before", before.json()},
                                {"after_substitution", substituted_figures.json()},
                                {"after", after.json()},
                                {"n_dead", n_dead},
                                {"n_neuron", n_neuron}};
  auto steps = nlohmann::ordered_json::array();
  for (const history_row* row : detail::thinned(history)) {
    nlohmann::ordered_json one = {{"step", row->step},     {"loss", row->loss},         {"lambda", row->lambda},
                                  {"penalty", row->penalty}, {"sparsity", row->sparsity}, {"n_dead", row->n_dead}};
    if (row->validation_loss) one["validation_loss"] = *row->validation_loss;
    steps.push_back(std::move(one));
  }
  out["steps"] = std::move(steps);
  for (const report_section& s : sections) out["stages"][s.title] = s.data;
  return out;
}

QUIPU_INLINE std::string run_report::markdown() const {
  report::table stages({{"", 0}, {"loss", 4}, {"perplexity", 2}, {"sparsity %", 2}});
  const auto add = [&](const char* name, const figures& f) {
    stages.add_row({std::string(name), f.loss, std::exp(f.loss), 100 * f.sparsity});
  };
  add("as it was", before);
  add("with the other activation", substituted_figures);
  add("trained", after);
  report::table layers({{"layer", 0}, {"with the other activation, %", 2}, {"trained, %", 2}});
  for (std::size_t i = 0; i < after.by_layer.size(); ++i) {
    const bool known = i < substituted_figures.by_layer.size();
    const report::cell first = known ? report::cell(100 * substituted_figures.by_layer[i]) : report::cell();
    layers.add_row({static_cast<std::int64_t>(i), first, 100 * after.by_layer[i]});
  }
  std::string out = concat("# ProSparse\n\n", model, ": ", substituted, ", ", made_by.n_step, " steps of ",
                           made_by.n_token * made_by.batch_size * made_by.n_accumulate, " tokens. Loss in nats a token over ", after.n_target,
                           " tokens of the validation text; sparsity is the share of f(gate) * up that is 0, the mean over layers.\n\n",
                           stages.markdown(),
                           "\n", n_dead, " of ", n_neuron, " neurons were not active in the last ", made_by.dead_after,
                           " steps.\n\n## Sparsity by layer\n\n", layers.markdown(),
                           "\n![loss](loss.svg)\n![lambda](lambda.svg)\n![sparsity](sparsity.svg)\n![sparsity by layer](layers.svg)\n");
  for (const report_section& s : sections) out += concat("\n## ", s.title, "\n\n", s.markdown, "\n");
  return out + concat("\n## Recipe\n\nThe same run again: `--recipe recipe.json` with this file.\n\n```json\n", made_by.json().dump(2), "\n```\n");
}

QUIPU_INLINE std::vector<std::pair<std::string, std::string>> run_report::charts() const {
  using report::plot_series;
  plot_series training{"training", {}}, validation{"validation", {}}, lambda{"lambda", {}};
  std::vector<plot_series> by_step;
  for (const history_row* row : detail::thinned(history)) {
    const auto step = static_cast<double>(row->step);
    training.points.emplace_back(step, row->loss);
    lambda.points.emplace_back(step, row->lambda);
    if (by_step.empty()) {
      for (std::size_t i = 0; i < row->by_layer.size(); ++i) by_step.push_back({concat("layer ", i), {}});
    }
    for (std::size_t i = 0; i < std::min(by_step.size(), row->by_layer.size()); ++i) by_step[i].points.emplace_back(step, 100 * row->by_layer[i]);
  }
  for (const history_row& row : history) {
    if (row.validation_loss) validation.points.emplace_back(static_cast<double>(row.step), *row.validation_loss);
  }
  std::vector<plot_series> losses{std::move(training)};
  if (!validation.points.empty()) losses.push_back(std::move(validation));
  plot_series first{"with the other activation", {}}, last{"trained", {}};
  const auto fill = [](plot_series& to, const std::vector<double>& from) {
    for (std::size_t i = 0; i < from.size(); ++i) to.points.emplace_back(static_cast<double>(i), 100 * from[i]);
  };
  fill(first, substituted_figures.by_layer);
  fill(last, after.by_layer);
  std::vector<std::pair<std::string, std::string>> all;
  all.emplace_back("loss.svg", report::line_plot(losses, {.title = "Loss", .x_label = "step", .y_label = "nats a token"}));
  all.emplace_back("lambda.svg", report::line_plot({lambda}, {.title = "Lambda", .x_label = "step", .y_label = "factor of the penalty"}));
  all.emplace_back("sparsity.svg", report::line_plot(by_step, {.title = "Sparsity of the training batches", .x_label = "step", .y_label = "%"}));
  all.emplace_back("layers.svg", report::line_plot({first, last}, {.title = "Sparsity of the validation text", .x_label = "layer", .y_label = "%"}));
  return all;
}

QUIPU_INLINE void run_report::write(const std::string& folder) const {
  io::write_text(folder + "/report.md", markdown());
  io::write_text(folder + "/report.json", json().dump(1) + "\n");
  io::write_text(folder + "/recipe.json", made_by.json().dump(2) + "\n");
  for (const auto& [name, svg] : charts()) io::write_text(folder + "/" + name, svg);
}

}  // namespace quipu::prosparse
