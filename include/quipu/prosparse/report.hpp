/// @file The report of a run: recipe, figures before and after, the course of the training, as Markdown, JSON and charts.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/core/compiled.hpp>
#include <quipu/prosparse/measure.hpp>
#include <quipu/prosparse/recipe.hpp>

namespace quipu::prosparse {

/// A step of the training, as its log has it.
struct history_row {
  std::size_t step = 0;
  double loss = 0, lambda = 0, penalty = 0, sparsity = 0;
  std::vector<double> by_layer{};  ///< sparsity; NaN for layers that were not seen
  std::size_t n_dead = 0;
  std::optional<double> validation_loss{}, validation_sparsity{};
};

/// The row of a log line of a run with `sparsity::sparsity_companion`; none of another line.
[[nodiscard]] std::optional<history_row> history_row_of(const nlohmann::ordered_json& log_line);
/// All rows of a run's log.jsonl. @throws io_error  it cannot be read
[[nodiscard]] std::vector<history_row> read_history(const std::string& path);

/// What one of the stages after training has to say.
struct report_section {
  std::string title;
  std::string markdown;          ///< without the title
  nlohmann::ordered_json data{};  ///< the same as numbers
};

struct run_report {
  recipe made_by{};
  std::string model{};       ///< where it came from
  std::string substituted{};  ///< what was put in place of what
  figures before{}, substituted_figures{}, after{};  ///< on the validation text
  std::size_t n_dead = 0, n_neuron = 0;
  std::vector<history_row> history{};
  std::vector<report_section> sections{};

  [[nodiscard]] nlohmann::ordered_json json() const;
  [[nodiscard]] std::string markdown() const;
  /// Charts by file name: loss.svg, lambda.svg and sparsity.svg by step, layers.svg by layer.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> charts() const;
  /// report.md, report.json, recipe.json and the charts, into a folder that is there. @throws io_error
  void write(const std::string& folder) const;
};

}  // namespace quipu::prosparse

#if !defined(QUIPU_COMPILED)
#include <quipu/prosparse/report.ipp>
#endif
