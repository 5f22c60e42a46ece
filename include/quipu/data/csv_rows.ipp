// What csv_rows.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/data/csv_rows.hpp>

namespace quipu::data {

QUIPU_INLINE std::vector<std::vector<std::string>> parse_csv(std::string_view text, std::string_view place) {
  std::vector<std::vector<std::string>> rows;
  std::size_t at = 0, line = 1;
  const auto here = [&] { return concat(place, ", line ", line); };
  const auto line_end = [&] {  // length of the line break at `at`
    if (text.substr(at, 2) == "\r\n") return std::size_t{2};
    return std::size_t{text[at] == '\n' ? 1u : 0u};
  };
  while (at < text.size()) {
    std::vector<std::string> row;
    const std::size_t first_line = line;
    for (bool more = true; more;) {
      std::string field;
      if (at < text.size() && text[at] == '"') {
        for (++at;; ++at) {
          if (at >= text.size()) {
            line = first_line;
            fail<format_error>(here(), "a quoted field to end", "the end of the file");
          }
          if (text[at] == '"') {
            if (at + 1 >= text.size() || text[at + 1] != '"') break;
            ++at;
          }
          line += text[at] == '\n' ? 1 : 0;
          field += text[at];
        }
        ++at;
        if (at < text.size() && text[at] != ',' && line_end() == 0) fail<format_error>(here(), "a comma after a quoted field", text[at]);
      } else {
        for (; at < text.size() && text[at] != ',' && line_end() == 0; ++at) field += text[at];
      }
      row.push_back(std::move(field));
      more = at < text.size() && text[at] == ',';
      if (more) ++at;
    }
    if (at < text.size()) at += line_end();
    const bool empty = row.size() == 1 && row.front().empty();
    if (!empty) {
      if (!rows.empty() && row.size() != rows.front().size())
        fail<format_error>(here(), concat(rows.front().size(), " fields, as in the first line"), row.size());
      rows.push_back(std::move(row));
    }
    ++line;
  }
  return rows;
}

}  // namespace quipu::data
