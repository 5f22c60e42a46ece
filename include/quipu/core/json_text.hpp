/// @file JSON from files that nobody vouches for: bounded depth, no duplicate keys, our own errors.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/core/error.hpp>
#include <quipu/core/printable.hpp>

namespace quipu {

/// Nesting that configuration files and tensor headers may have.
inline constexpr int largest_json_depth = 64;

/// Parses a whole JSON text.
///
/// @param text   UTF-8
/// @param place  file, for messages
/// @throws format_error  not JSON, not UTF-8, nested deeper than `largest_json_depth`, or an object with
///                       the same key twice (readers disagree about which one counts)
[[nodiscard]] inline nlohmann::json parse_json(std::string_view text, const std::string& place) {
  std::vector<std::set<std::string>> open_keys;  // of the objects around the current position
  const auto watch = [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json& parsed) {
    using event_t = nlohmann::json::parse_event_t;
    if (depth > largest_json_depth) {
      fail<format_error>(place, concat("JSON nested at most ", largest_json_depth, " deep"),
                         "a deeper one");
    }
    if (event == event_t::object_start) open_keys.emplace_back();
    if (event == event_t::object_end) open_keys.pop_back();
    if (event == event_t::key) {
      const auto& key = parsed.get_ref<const std::string&>();
      if (!open_keys.back().insert(key).second) {
        fail<format_error>(place, "every key once", concat(printable(key), " twice"));
      }
    }
    return true;
  };
  try {
    return nlohmann::json::parse(text.begin(), text.end(), watch);
  } catch (const nlohmann::json::exception& problem) {
    fail<format_error>(place, "JSON", printable(problem.what()));
  }
}

}  // namespace quipu
