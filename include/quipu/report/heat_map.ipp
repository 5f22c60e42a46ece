// What heat_map.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/number_text.hpp>
#include <quipu/report/heat_map.hpp>
#include <quipu/report/svg_parts.hpp>
#include <quipu/report/svg_plot.hpp>

namespace quipu::report {

namespace detail {

/// From white to blue, in whole steps.
inline std::string shade(double share) {
  const double s = std::clamp(share, 0.0, 1.0);
  const auto mix = [&](double to) { return static_cast<int>(std::lround(255 + s * (to - 255))); };
  return concat("rgb(", mix(0), ",", mix(0x72), ",", mix(0xb2), ")");
}

inline void check_room(const plot_options& options, double width, double height) {
  if (!(width >= 40 && height >= 40))
    fail<config_error>("chart: size", "room for what is to be drawn", concat(options.width, " x ", options.height));
}

}  // namespace detail

QUIPU_INLINE std::string heat_map(const heat_map_data& data, const plot_options& options) {
  using namespace detail;
  if (data.rows.empty() || data.columns.empty()) fail<config_error>("heat map", "rows and columns", "none");
  if (!(data.low < data.high)) fail<config_error>("heat map: low", concat("below ", data.high), data.low);
  if (data.values.size() != data.rows.size()) fail<shape_error>("heat map: rows of values", data.rows.size(), data.values.size());
  for (const auto& row : data.values) {
    if (row.size() != data.columns.size()) fail<shape_error>("heat map: columns of values", data.columns.size(), row.size());
  }
  const double left = 130, top = 50, right = options.width - 20.0, bottom = options.height - 90.0;
  check_room(options, right - left, bottom - top);
  const double width = (right - left) / static_cast<double>(data.columns.size());
  const double height = (bottom - top) / static_cast<double>(data.rows.size());
  std::string out = svg_begin(options.width, options.height);
  out += svg_label((left + right) / 2, 22, "middle", options.title, " font-size=\"15\"");
  for (std::size_t r = 0; r < data.rows.size(); ++r) {
    const double y = top + static_cast<double>(r) * height;
    out += svg_label(left - 6, y + height / 2 + 4, "end", data.rows[r]);
    for (std::size_t c = 0; c < data.columns.size(); ++c) {
      const std::optional<double>& value = data.values[r][c];
      if (!value || !std::isfinite(*value)) continue;
      const double share = (*value - data.low) / (data.high - data.low);
      const double x = left + static_cast<double>(c) * width;
      out += svg_rectangle(x, y, width, height, shade(share));
      out += svg_label(x + width / 2, y + height / 2 + 4, "middle", fixed_text(*value, data.decimals),
                       share > 0.6 ? " fill=\"white\"" : " fill=\"black\"");
    }
  }
  for (std::size_t c = 0; c < data.columns.size(); ++c) {
    const double x = left + (static_cast<double>(c) + 0.5) * width;
    out += svg_label(x, bottom + 14, "end", data.columns[c], concat(" transform=\"rotate(-45 ", svg_number(x), " ", svg_number(bottom + 14), ")\""));
  }
  out += svg_label((left + right) / 2, options.height - 8.0, "middle", options.x_label);
  out += svg_label(16, (top + bottom) / 2, "middle", options.y_label, concat(" transform=\"rotate(-90 16 ", svg_number((top + bottom) / 2), ")\""));
  return out + "</svg>\n";
}

QUIPU_INLINE std::string bar_plot(const std::vector<std::string>& groups, const std::vector<bar_series>& series,
                                  const plot_options& options) {
  using namespace detail;
  if (groups.empty() || series.empty()) fail<config_error>("bar plot", "groups and series", "none");
  std::vector<double> all{0};
  for (const bar_series& s : series) {
    if (s.values.size() != groups.size()) fail<shape_error>(concat("bar plot: values of ", s.name), groups.size(), s.values.size());
    for (const auto& v : s.values) {
      if (!v) continue;
      if (!std::isfinite(*v) || *v < 0) fail<config_error>(concat("bar plot: ", s.name), "finite values of at least 0", *v);
      all.push_back(*v);
    }
  }
  const plot_axis axis(all, axis_scale::linear);
  const double left = 70, right = options.width - 20.0, top = 40, bottom = options.height - 90.0;
  check_room(options, right - left, bottom - top);
  const auto at_y = [&](double y) { return bottom - axis.place(y) * (bottom - top); };
  std::string out = svg_begin(options.width, options.height);
  out += svg_label((left + right) / 2, 22, "middle", options.title, " font-size=\"15\"");
  for (const double mark : axis.marks) {
    out += svg_rectangle(left, at_y(mark), right - left, 1, "#e0e0e0");
    out += svg_label(left - 6, at_y(mark) + 4, "end", short_number(mark));
  }
  const double width = (right - left) / static_cast<double>(groups.size());
  const double bar = 0.8 * width / static_cast<double>(series.size());
  for (std::size_t g = 0; g < groups.size(); ++g) {
    for (std::size_t s = 0; s < series.size(); ++s) {
      if (!series[s].values[g]) continue;
      const double x = left + static_cast<double>(g) * width + 0.1 * width + static_cast<double>(s) * bar;
      const double y = at_y(*series[s].values[g]);
      out += svg_rectangle(x, y, bar, bottom - y, plot_colours[s % plot_colours.size()]);
    }
    const double x = left + (static_cast<double>(g) + 0.5) * width;
    out += svg_label(x, bottom + 14, "end", groups[g], concat(" transform=\"rotate(-45 ", svg_number(x), " ", svg_number(bottom + 14), ")\""));
  }
  for (std::size_t s = 0; s < series.size(); ++s) {
    const double y = top + 14 + 16 * static_cast<double>(s);
    out += svg_rectangle(right - 150, y - 8, 12, 8, plot_colours[s % plot_colours.size()]);
    out += svg_label(right - 132, y, "start", series[s].name);
  }
  out += svg_label((left + right) / 2, options.height - 8.0, "middle", options.x_label);
  out += svg_label(18, (top + bottom) / 2, "middle", options.y_label, concat(" transform=\"rotate(-90 18 ", svg_number((top + bottom) / 2), ")\""));
  return out + "</svg>\n";
}

}  // namespace quipu::report
