// What json_reading.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include <quipu/core/error.hpp>
#include <quipu/core/json_text.hpp>
#include <quipu/core/mapped_file.hpp>
#include <quipu/data/json_reading.hpp>

namespace quipu::data {

QUIPU_INLINE nlohmann::json read_json_file(const std::string& path) {
  return parse_json(mapped_file(path, file_access::read).text(), path);
}

}  // namespace quipu::data
