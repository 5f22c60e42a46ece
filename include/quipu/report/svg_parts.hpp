/// @file What all charts are drawn with.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cmath>
#include <string>
#include <string_view>

#include <quipu/core/error.hpp>  // concat
#include <quipu/core/number_text.hpp>

namespace quipu::report::detail {

/// Colours that stay apart for colour-blind readers (Okabe and Ito 2008).
inline constexpr std::array plot_colours = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"};

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

/// A length or place in pixels.
inline std::string svg_number(double value) { return fixed_text(value, 2); }

inline std::string svg_begin(int width, int height) {
  return concat("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"", width, "\" height=\"", height,
                "\" font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n");
}
inline std::string svg_label(double x, double y, const char* anchor, std::string_view content, std::string_view more = "") {
  return concat("<text x=\"", svg_number(x), "\" y=\"", svg_number(y), "\" text-anchor=\"", anchor, "\"", more, ">", svg_text(content),
                "</text>\n");
}
inline std::string svg_rectangle(double x, double y, double width, double height, std::string_view colour) {
  return concat("<rect x=\"", svg_number(x), "\" y=\"", svg_number(y), "\" width=\"", svg_number(width), "\" height=\"",
                svg_number(height), "\" fill=\"", colour, "\"/>\n");
}

}  // namespace quipu::report::detail
