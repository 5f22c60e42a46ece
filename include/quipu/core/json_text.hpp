/// @file JSON from files that nobody vouches for: bounded depth, no duplicate keys, our own errors.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/core/compiled.hpp>
#include <quipu/core/error.hpp>  // format_error

namespace quipu {

/// Nesting that configuration files and tensor headers may have.
inline constexpr int largest_json_depth = 64;

/// Parses a whole JSON text, in time that grows as n log n with its size.
///
/// @param text   UTF-8
/// @param place  file, for messages
/// @throws format_error  not JSON, not UTF-8, nested deeper than `largest_json_depth`, or an object with
///                       the same key twice (readers disagree about which one counts)
[[nodiscard]] nlohmann::json parse_json(std::string_view text, const std::string& place);

/// The keys of the object that is the outermost object's `member`, in the order of the text; none if there is no such
/// object.
/// @pre `parse_json` took the text
[[nodiscard]] std::vector<std::string> json_keys_in_order(std::string_view text, std::string_view member);

}  // namespace quipu

#if !defined(QUIPU_COMPILED)
#include <quipu/core/json_text.ipp>
#endif
