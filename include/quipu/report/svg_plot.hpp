/// @file Line charts as SVG, plain enough for a document.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/report/plot_axis.hpp>

namespace quipu::report {

struct plot_series {
  std::string name;
  std::vector<std::pair<double, double>> points;  ///< (x, y); those that are not finite are left out
};

struct plot_options {
  std::string title = {};
  std::string x_label = {};
  std::string y_label = {};
  axis_scale x_scale = axis_scale::linear;
  axis_scale y_scale = axis_scale::linear;
  int width = 640, height = 400;  ///< pixels
};

/// A chart with one line for each series, marks at the points and a legend.
/// @throws config_error  a logarithmic axis with a value that is not positive; no room to draw
[[nodiscard]] std::string line_plot(const std::vector<plot_series>& series, const plot_options& options);

}  // namespace quipu::report

#if !defined(QUIPU_COMPILED)
#include <quipu/report/svg_plot.ipp>
#endif
