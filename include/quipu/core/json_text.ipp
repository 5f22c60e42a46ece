// What json_text.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/core/error.hpp>
#include <quipu/core/json_text.hpp>
#include <quipu/core/printable.hpp>

namespace quipu {

QUIPU_INLINE nlohmann::json parse_json(std::string_view text, const std::string& place) {
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
