// What table.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/core/error.hpp>
#include <quipu/core/number_text.hpp>
#include <quipu/report/table.hpp>

namespace quipu::report {

QUIPU_INLINE void table::add_row(std::vector<cell> cells) {
  if (cells.size() != columns_.size())
    fail<shape_error>("table row", concat(columns_.size(), " cells"), cells.size());
  rows_.push_back(std::move(cells));
}

QUIPU_INLINE std::string table::markdown() const {
  std::vector<std::vector<std::string>> texts;
  std::vector<std::size_t> widths;
  for (const column& c : columns_) widths.push_back(std::max<std::size_t>(3, display_width(escaped(c.name))));
  for (const auto& row : rows_) {
    texts.emplace_back();
    for (std::size_t i = 0; i < row.size(); ++i) {
      texts.back().push_back(escaped(to_text(row[i], columns_[i].decimals, "n/a")));
      widths[i] = std::max(widths[i], display_width(texts.back().back()));
    }
  }
  std::string out = "|";
  for (std::size_t i = 0; i < columns_.size(); ++i)
    out += " " + padded(escaped(columns_[i].name), widths[i], numeric(i)) + " |";
  out += "\n|";
  for (std::size_t i = 0; i < columns_.size(); ++i)
    out += " " + std::string(widths[i] - 1, '-') + (numeric(i) ? ": |" : "- |");
  out += "\n";
  for (const auto& row : texts) {
    out += "|";
    for (std::size_t i = 0; i < row.size(); ++i) out += " " + padded(row[i], widths[i], numeric(i)) + " |";
    out += "\n";
  }
  return out;
}

QUIPU_INLINE std::string table::csv() const {
  std::string out;
  const auto field = [&](const std::string& text, bool last) {
    if (text.find_first_of(",\"\r\n") == std::string::npos) {
      out += text;
    } else {
      out += '"';
      for (const char c : text) (c == '"' ? out += '"' : out) += c;
      out += '"';
    }
    out += last ? '\n' : ',';
  };
  for (std::size_t i = 0; i < columns_.size(); ++i) field(columns_[i].name, i + 1 == columns_.size());
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) field(to_text(row[i], -1, ""), i + 1 == row.size());
  }
  return out;
}

QUIPU_INLINE nlohmann::ordered_json table::json() const {
  nlohmann::ordered_json out = nlohmann::ordered_json::array();
  for (const auto& row : rows_) {
    nlohmann::ordered_json object = nlohmann::ordered_json::object();
    for (std::size_t i = 0; i < row.size(); ++i) {
      object[columns_[i].name] = std::visit(
          [](const auto& value) -> nlohmann::ordered_json {
            if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::monostate>) return nullptr;
            else return value;
          },
          row[i]);
    }
    out.push_back(std::move(object));
  }
  return out;
}

QUIPU_INLINE std::string table::to_text(const cell& value, int decimals, const char* missing) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return std::to_string(*whole);
  if (const auto* number = std::get_if<double>(&value); number != nullptr && std::isfinite(*number)) {
    return decimals < 0 ? general_text(*number, 10) : fixed_text(*number, std::min(decimals, 20));
  }
  return missing;
}

QUIPU_INLINE std::size_t table::display_width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0u) != 0x80u; }));
}

QUIPU_INLINE std::string table::escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c == '\n' || c == '\r' ? ' ' : c;
  }
  return out;
}

QUIPU_INLINE std::string table::padded(const std::string& text, std::size_t width, bool right) {
  const std::string blanks(width - std::min(width, display_width(text)), ' ');
  return right ? blanks + text : text + blanks;
}

QUIPU_INLINE bool table::numeric(std::size_t i) const {
  return !rows_.empty() && std::all_of(rows_.begin(), rows_.end(),
                                       [&](const auto& row) { return !std::holds_alternative<std::string>(row[i]); });
}

}  // namespace quipu::report
