/// @file What meters saw, as tables and arrays.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/io/atomic_file.hpp>
#include <quipu/io/npy.hpp>
#include <quipu/report/table.hpp>
#include <quipu/sparsity/activity_meter.hpp>

namespace quipu::prosparse {

namespace detail {
/// A number, or nothing where there were too few tokens for it.
[[nodiscard]] inline report::cell seen_or_none(double value) { return std::isnan(value) ? report::cell() : report::cell(value); }
}  // namespace detail

/// One row a layer: density and its extremes, dead neurons, the share of the hottest tenth, unions, overlaps.
/// @param layers  (n_layer)
[[nodiscard]] inline report::table activity_table(std::span<const sparsity::activity_meter> layers) {
  using sparsity::activity_meter;
  std::vector<report::table::column> columns{{"layer", 0},   {"tokens", 0},       {"density", 4},     {"least", 4},
                                             {"largest", 4}, {"dead neurons", 0}, {"hottest 10 %", 3}};
  for (const std::size_t n : activity_meter::union_sizes) columns.push_back({concat("union of ", n), 3});
  for (const std::size_t lag : activity_meter::lags) columns.push_back({concat("overlap at ", lag), 3});
  columns.push_back({"jaccard at 1", 3});
  report::table rows(columns);
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const activity_meter& m = layers[l];
    std::vector<report::cell> cells{static_cast<std::int64_t>(l), static_cast<std::int64_t>(m.n_token()), m.density(), m.least_density(), m.largest_density(),
                                    static_cast<std::int64_t>(m.n_dead()), detail::seen_or_none(m.hottest(0.1))};
    for (std::size_t i = 0; i < activity_meter::union_sizes.size(); ++i) cells.push_back(detail::seen_or_none(m.union_density(i)));
    for (std::size_t i = 0; i < activity_meter::lags.size(); ++i) cells.push_back(detail::seen_or_none(m.overlap(i)));
    cells.push_back(detail::seen_or_none(m.jaccard(0)));
    rows.add_row(std::move(cells));
  }
  return rows;
}

/// Writes `activity.csv`, `activity.json` (the same table) and `counts.npy`, U64 (n_layer, d_ffn): tokens that each neuron was active for.
/// @param folder  that is there
/// @throws config_error  no layers, or layers of different sizes
/// @throws io_error      a file cannot be written
inline void write_activity(const std::filesystem::path& folder, std::span<const sparsity::activity_meter> layers) {
  if (layers.empty()) fail<config_error>("write_activity: layers", "at least one", "none");
  const std::size_t d_ffn = layers.front().n_neuron();
  xt::xarray<std::uint64_t> counts = xt::xarray<std::uint64_t>::from_shape({layers.size(), d_ffn});
  for (std::size_t l = 0; l < layers.size(); ++l) {
    if (layers[l].n_neuron() != d_ffn) fail<config_error>(concat("write_activity: neurons of layer ", l), d_ffn, layers[l].n_neuron());
    for (std::size_t i = 0; i < d_ffn; ++i) counts(l, i) = layers[l].counts()[i];
  }
  const report::table rows = activity_table(layers);
  io::write_text((folder / "activity.csv").string(), rows.csv());
  io::write_text((folder / "activity.json").string(), rows.json().dump(1) + "\n");
  io::write_npy((folder / "counts.npy").string(), counts);
}

}  // namespace quipu::prosparse
