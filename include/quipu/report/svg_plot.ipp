// What svg_plot.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/number_text.hpp>
#include <quipu/report/svg_plot.hpp>

namespace quipu::report {

namespace detail {

inline std::string svg_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '&': out += "&amp;"; break;
      case '"': out += "&quot;"; break;
      default: out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  return out;
}

inline std::string short_number(double value) { return general_text(std::abs(value) < 1e-12 ? 0.0 : value); }

/// One axis: its range and the places of its marks.
struct plot_axis {
  axis_scale scale = axis_scale::linear;
  double low = 0, high = 1;
  std::vector<double> marks;

  plot_axis(std::vector<double> values, axis_scale chosen) : scale(chosen) {
    if (!values.empty()) {
      low = *std::min_element(values.begin(), values.end());
      high = *std::max_element(values.begin(), values.end());
    }
    if (scale == axis_scale::logarithmic) {
      const int first = static_cast<int>(std::floor(std::log10(low))),
                last = static_cast<int>(std::ceil(std::log10(high)));
      low = std::pow(10.0, first);
      high = std::pow(10.0, std::max(last, first + 1));
      for (int e = first; e <= std::max(last, first + 1); ++e) marks.push_back(std::pow(10.0, e));
      return;
    }
    if (high - low <= 0) high = low + std::max(1.0, std::abs(low));
    // Steps of 1, 2 or 5 times a power of ten, about five of them.
    const double rough = (high - low) / 5, power = std::pow(10.0, std::floor(std::log10(rough)));
    const double step = power * (rough / power < 1.5 ? 1 : rough / power < 3.5 ? 2 : rough / power < 7.5 ? 5 : 10);
    low = std::floor(low / step) * step;
    high = std::ceil(high / step) * step;
    for (int i = 0; low + i * step <= high + step / 2; ++i) marks.push_back(low + i * step);
  }
  /// 0..1
  [[nodiscard]] double place(double value) const {
    if (scale == axis_scale::linear) return (value - low) / (high - low);
    return (std::log10(value) - std::log10(low)) / (std::log10(high) - std::log10(low));
  }
};

}  // namespace detail

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
  const auto pixel = [](double value) { return fixed_text(value, 2); };
  const auto text = [&](double x, double y, const char* anchor, std::string_view content, const char* more = "") {
    return concat("<text x=\"", pixel(x), "\" y=\"", pixel(y), "\" text-anchor=\"", anchor, "\"", more, ">",
                  detail::svg_text(content), "</text>\n");
  };
  const auto line = [&](double x1, double y1, double x2, double y2, const char* colour) {
    return concat("<line x1=\"", pixel(x1), "\" y1=\"", pixel(y1), "\" x2=\"", pixel(x2), "\" y2=\"", pixel(y2),
                  "\" stroke=\"", colour, "\"/>\n");
  };
  std::string out = concat(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"", options.width, "\" height=\"", options.height,
      "\" font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n");
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
  // Colours that stay apart for colour-blind readers (Okabe and Ito 2008).
  constexpr std::array colours = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"};
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
