/// @file Matrices as coloured squares and figures as bars, as SVG.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/report/svg_plot.hpp>  // plot_options

namespace quipu::report {

/// Values under named rows and columns; what does not exist stays white.
struct heat_map_data {
  std::vector<std::string> rows, columns;
  std::vector<std::vector<std::optional<double>>> values;  ///< (rows, columns)
  double low = 0, high = 1;                                ///< where the colours begin and end
  int decimals = 1;
};

/// A square for each value, with its figure in it. `options.width` and `height` are those of the whole picture; axes have no scale.
/// @throws shape_error   values that do not fit the names
/// @throws config_error  no rows or columns, low not below high, no room to draw
[[nodiscard]] std::string heat_map(const heat_map_data& data, const plot_options& options);

/// Bars side by side: one group a name, one bar of it a series.
struct bar_series {
  std::string name;
  std::vector<std::optional<double>> values;  ///< one for each group
};
/// @throws shape_error   a series without a value for each group
/// @throws config_error  no groups, a value that is not finite or below 0, no room to draw
[[nodiscard]] std::string bar_plot(const std::vector<std::string>& groups, const std::vector<bar_series>& series,
                                   const plot_options& options);

}  // namespace quipu::report

#if !defined(QUIPU_COMPILED)
#include <quipu/report/heat_map.ipp>
#endif
