/// @file Where the classes of a stream are, for readers whose records name them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>

#include <quipu/core/error.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/data/task_stream.hpp>

namespace quipu::data {

/// Which task and which of its labels a class has.
struct class_place {
  std::size_t task = 0, label = 0;
};
using class_places = std::map<std::string, class_place, std::less<>>;

[[nodiscard]] inline class_places places_of(const task_stream& stream) {
  class_places places;
  for (std::size_t t = 0; t < stream.tasks.size(); ++t) {
    for (std::size_t c = 0; c < stream.tasks[t].classes.size(); ++c) places[stream.tasks[t].classes[c]] = {t, c};
  }
  return places;
}
/// @param place  file and record, for messages
/// @throws format_error  no task has the class
[[nodiscard]] inline class_place find_class(const class_places& places, const std::string& name, const std::string& place) {
  const auto found = places.find(name);
  if (found == places.end()) fail<format_error>(place, "a class of one of the tasks", printable(name));
  return found->second;
}

/// A file of a folder.
[[nodiscard]] inline std::string in_folder(const std::string& folder, const std::string& name) {
  return (std::filesystem::path(folder) / name).string();
}

}  // namespace quipu::data
