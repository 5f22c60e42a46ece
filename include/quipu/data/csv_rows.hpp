/// @file Comma-separated values with quoted fields.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <quipu/core/compiled.hpp>

namespace quipu::data {

/// Rows of RFC 4180: fields in quotes may hold commas, line breaks and doubled quotes; lines end with LF or CRLF. Empty lines are left out.
/// @param place  for messages
/// @throws format_error  a quote that does not close, text around a quoted field, rows of different lengths
[[nodiscard]] std::vector<std::vector<std::string>> parse_csv(std::string_view text, std::string_view place);

}  // namespace quipu::data

#if !defined(QUIPU_COMPILED)
#include <quipu/data/csv_rows.ipp>
#endif
