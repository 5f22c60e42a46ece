/// @file The axis of a plot.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include <quipu/core/requirements.hpp>  // C++20, exceptions

namespace quipu::report {

enum class axis_scale : std::uint8_t { linear, logarithmic };

namespace detail {

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

}  // namespace quipu::report
