/// @file Tables of results as Markdown, CSV and JSON.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/core/compiled.hpp>

namespace quipu::report {

/// One cell: nothing, a text, a whole number or a number.
using cell = std::variant<std::monostate, std::string, std::int64_t, double>;

/// A rate as a cell in percent, or nothing.
[[nodiscard]] inline cell percent(std::optional<double> rate) { return rate ? cell(100 * *rate) : cell(); }

/// Rows of cells under named columns.
class table {
 public:
  struct column {
    std::string name;
    int decimals = 1;  ///< of numbers in Markdown; CSV and JSON have all digits
  };

  explicit table(std::vector<column> columns) : columns_(std::move(columns)) {}

  /// @throws shape_error  another number of cells than columns
  void add_row(std::vector<cell> cells);
  [[nodiscard]] std::size_t n_row() const noexcept { return rows_.size(); }

  /// Columns padded to the same width; what does not exist is "n/a". Numbers are flushed right.
  [[nodiscard]] std::string markdown() const;
  /// RFC 4180 with line feeds; what does not exist is empty.
  [[nodiscard]] std::string csv() const;
  /// A list of objects; what does not exist (and what is not finite) is null.
  [[nodiscard]] nlohmann::ordered_json json() const;

 private:
  static std::string to_text(const cell& value, int decimals, const char* missing);
  /// Characters, not bytes.
  static std::size_t display_width(std::string_view text);
  static std::string escaped(std::string_view text);
  static std::string padded(const std::string& text, std::size_t width, bool right);
  /// True if every cell of a column that exists is a number.
  [[nodiscard]] bool numeric(std::size_t i) const;

  std::vector<column> columns_;
  std::vector<std::vector<cell>> rows_;
};

}  // namespace quipu::report

#if !defined(QUIPU_COMPILED)
#include <quipu/report/table.ipp>
#endif
