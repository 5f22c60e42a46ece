// What calibrated.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/hex.hpp>
#include <quipu/core/number_text.hpp>
#include <quipu/prosparse/calibrated.hpp>
#include <quipu/report/table.hpp>

namespace quipu::prosparse {

namespace detail {

/// Least, mean and largest threshold of a layer's neurons.
struct threshold_range {
  double least = 0, mean = 0, largest = 0;
};
[[nodiscard]] inline threshold_range range_of(const ffn::thresholds& t, std::size_t layer) {
  threshold_range r;
  if (!t.of_layers.empty()) r.least = r.mean = r.largest = t.of_layers[layer];
  if (t.of_neurons.empty()) return r;
  double sum = 0, least = 0, largest = 0;
  const double floor = r.least;
  for (std::size_t i = 0; i < t.of_neurons[layer].size(); ++i) {
    const double own = std::max(floor, static_cast<double>(t.of_neurons[layer][i]));
    least = i == 0 ? own : std::min(least, own);
    largest = std::max(largest, own);
    sum += own;
  }
  return {least, sum / static_cast<double>(t.of_neurons[layer].size()), largest};
}

}  // namespace detail

QUIPU_INLINE std::vector<double> calibrated::densities() const {
  std::vector<double> shares;
  for (const layer_calibration& l : layers) shares.push_back(l.active);
  return shares;
}

QUIPU_INLINE double calibrated::matrices_exact(std::size_t layer) const {
  return ffn_bytes(skipping::gate_first, shape, 1, {.active = layers[layer].active}) / shape.matrix();
}
QUIPU_INLINE double calibrated::matrices_predicted(std::size_t layer) const {
  const layer_calibration& l = layers[layer];
  return ffn_bytes(skipping::predicted_gate, shape, 1,
                   {.active = l.active, .predicted = l.predicted, .recall = l.recall, .predictor_rank = static_cast<double>(rank)}) /
         shape.matrix();
}

QUIPU_INLINE report_section calibrated::section() const {
  const bool predicts = predictor.data != nullptr;
  std::vector<report::table::column> columns{{"layer", 0}, {"threshold", 4}, {"active, %", 2}, {"kernel", 0}, {"matrices read of 3", 2}};
  if (predicts) columns.insert(columns.end(), {{"predicted, %", 2}, {"recall, %", 2}, {"energy recall, %", 2}, {"matrices read by prediction", 2}});
  report::table rows(columns);
  auto numbers = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const layer_calibration& l = layers[i];
    const auto range = detail::range_of(thresholds, i);
    const std::string kernel(exact_kernel_names[l.kernel]);
    std::vector<report::cell> cells{static_cast<std::int64_t>(i), range.mean, 100 * l.active, kernel, matrices_exact(i)};
    nlohmann::ordered_json one = {{"layer", i},
                                  {"least_threshold", range.least},
                                  {"mean_threshold", range.mean},
                                  {"largest_threshold", range.largest},
                                  {"active", l.active},
                                  {"kernel", kernel}};
    if (predicts) {
      for (const double v : {100 * l.predicted, 100 * l.recall, 100 * l.energy_recall, matrices_predicted(i)}) cells.emplace_back(v);
      one["predicted"] = l.predicted;
      one["recall"] = l.recall;
      one["energy_recall"] = l.energy_recall;
    }
    rows.add_row(std::move(cells));
    numbers.push_back(std::move(one));
  }
  report_section out{"Calibration", {}, {{"n_token", n_token}, {"n_cost_token", n_cost_token}, {"dense_perplexity", dense_perplexity}, {"perplexity", perplexity}}};
  out.data["content_hash"] = hex_digits(thresholds.content_hash);
  if (predicts) {
    out.data["rank"] = rank;
    out.data["recall"] = recall;
  }
  out.data["layers"] = std::move(numbers);
  out.markdown = concat("Thresholds of gates", predicts ? concat(" and a predictor (whitened SVD of rank ", rank, ", for a recall of ", general_text(recall, 4), ")") : "",
                        " from ", n_token, " tokens; on ", n_cost_token, " others the perplexity is ", fixed_text(dense_perplexity, 3), " without and ",
                        fixed_text(perplexity, 3), " with the thresholds. They belong to the weights whose hash is ", hex_digits(thresholds.content_hash), ".\n\n",
                        rows.markdown(), "\nThresholds are means over a layer's neurons; a neuron is active where its gate reaches its own. Kernels that skip what is not active lose nothing more; ",
                        "what a predictor misses is lost.\n");
  return out;
}

}  // namespace quipu::prosparse
