// What svg_plot.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/number_text.hpp>
#include <quipu/report/svg_parts.hpp>
#include <quipu/report/svg_plot.hpp>

namespace quipu::report {

QUIPU_INLINE std::string line_plot(const std::vector<plot_series>& series, const plot_options& options) {
  if (options.width < 200 || options.height < 150)
    fail<config_error>("line plot: size", "at least 200 x 150", concat(options.width, " x ", options.height));
  std::vector<double> xs, ys;
  for (const plot_series& one : series) {
    for (const auto& [x, y] : one.points) {
      if (!std::isfinite(x) || !std::isfinite(y)) continue;
      if ((options.x_scale == axis_scale::logarithmic && x <= 0) ||
          (options.y_scale == axis_scale::logarithmic && y <= 0)) {
        fail<config_error>(concat("line plot: ", one.name), "positive values on a logarithmic axis",
                           concat(x, ", ", y));
      }
      xs.push_back(x);
      ys.push_back(y);
    }
  }
  const bool empty = xs.empty();
  const detail::plot_axis x_axis(xs, empty ? axis_scale::linear : options.x_scale),
      y_axis(ys, empty ? axis_scale::linear : options.y_scale);
  const double left = 70, right = options.width - 20.0, top = 40, bottom = options.height - 60.0;
  const auto at_x = [&](double x) { return left + x_axis.place(x) * (right - left); };
  const auto at_y = [&](double y) { return bottom - y_axis.place(y) * (bottom - top); };
  const auto pixel = [](double value) { return detail::svg_number(value); };
  const auto text = [](double x, double y, const char* anchor, std::string_view content, const char* more = "") {
    return detail::svg_label(x, y, anchor, content, more);
  };
  const auto line = [&](double x1, double y1, double x2, double y2, const char* colour) {
    return concat("<line x1=\"", pixel(x1), "\" y1=\"", pixel(y1), "\" x2=\"", pixel(x2), "\" y2=\"", pixel(y2),
                  "\" stroke=\"", colour, "\"/>\n");
  };
  std::string out = detail::svg_begin(options.width, options.height);
  out += text((left + right) / 2, 22, "middle", options.title, " font-size=\"15\"");
  for (const double mark : x_axis.marks) {
    out += line(at_x(mark), top, at_x(mark), bottom, "#e0e0e0");
    out += text(at_x(mark), bottom + 16, "middle", detail::short_number(mark));
  }
  for (const double mark : y_axis.marks) {
    out += line(left, at_y(mark), right, at_y(mark), "#e0e0e0");
    out += text(left - 6, at_y(mark) + 4, "end", detail::short_number(mark));
  }
  out += line(left, bottom, right, bottom, "black") + line(left, top, left, bottom, "black");
  out += text((left + right) / 2, bottom + 36, "middle", options.x_label);
  out += text(18, (top + bottom) / 2, "middle", options.y_label,
              concat(" transform=\"rotate(-90 18 ", pixel((top + bottom) / 2), ")\"").c_str());
  constexpr auto& colours = detail::plot_colours;
  for (std::size_t s = 0; s < series.size(); ++s) {
    const char* colour = colours[s % colours.size()];
    std::string path, dots;
    for (const auto& [x, y] : series[s].points) {
      if (!std::isfinite(x) || !std::isfinite(y)) continue;
      path += concat(path.empty() ? "M" : " L", pixel(at_x(x)), " ", pixel(at_y(y)));
      dots +=
          concat("<circle cx=\"", pixel(at_x(x)), "\" cy=\"", pixel(at_y(y)), "\" r=\"3\" fill=\"", colour, "\"/>\n");
    }
    if (!path.empty())
      out += concat("<path d=\"", path, "\" fill=\"none\" stroke=\"", colour, "\" stroke-width=\"2\"/>\n", dots);
    const double y = top + 14 + 16 * static_cast<double>(s);
    out += concat("<rect x=\"", pixel(right - 150), "\" y=\"", pixel(y - 8), "\" width=\"12\" height=\"4\" fill=\"",
                  colour, "\"/>\n");
    out += text(right - 132, y, "start", series[s].name);
  }
  return out + "</svg>\n";
}

}  // namespace quipu::report
