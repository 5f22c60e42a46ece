// What json_lines_stream.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/core/error.hpp>
#include <quipu/core/json_text.hpp>
#include <quipu/core/mapped_file.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/data/json_lines_stream.hpp>
#include <quipu/data/json_reading.hpp>
#include <quipu/data/task_stream.hpp>

namespace quipu::data {

QUIPU_INLINE task_stream parse_json_lines_stream(std::string_view text, const std::string& place) {
  task_stream stream{std::filesystem::path(place).stem().string(), {}};
  std::map<std::string, std::size_t, std::less<>> task_numbers;
  std::size_t number = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    at = end + 1;
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const std::string here = concat(place, ", line ", number);
    const nlohmann::json object = parse_json(line, here);
    const json_place record(object, here);
    const std::string task_name = record["task"].text(), label = record["label"].text();
    const auto [found, is_new] = task_numbers.emplace(task_name, stream.tasks.size());
    if (is_new) stream.tasks.push_back({task_name, {}, {}, {}, {}});
    stream_task& task = stream.tasks[found->second];
    const auto known = std::find(task.classes.begin(), task.classes.end(), label);
    labelled_text one{record["text"].text(), static_cast<std::size_t>(known - task.classes.begin())};
    if (known == task.classes.end()) task.classes.push_back(label);
    const auto entity = [&](const char* field) -> std::optional<mention> {
      if (!record.has(field)) return std::nullopt;
      std::optional<mention> m = find_mention(one.text, record[field].text());
      if (!m) fail<format_error>(record[field].name(), "an entity of the text", printable(record[field].text()));
      return m;
    };
    one.head = entity("head");
    one.tail = entity("tail");
    const std::string split = record.has("split") ? record["split"].text() : "train";
    if (split == "train") task.train.push_back(std::move(one));
    else if (split == "validation") task.validation.push_back(std::move(one));
    else if (split == "test") task.test.push_back(std::move(one));
    else fail<format_error>(record["split"].name(), "train, validation or test", printable(split));
  }
  check_task_stream(stream, place);
  for (stream_task& task : stream.tasks) {
    if (!task.validation.empty()) continue;
    std::vector<std::size_t> n(task.classes.size(), 0);
    for (const labelled_text& t : task.train) ++n[t.label];
    if (*std::min_element(n.begin(), n.end()) < 4) {
      stream.remarks.push_back(concat("Task ", printable(task.name), " has no validation texts: a class has too few to hold some out."));
      continue;
    }
    hold_out_last_tenth(task, 2, place);
    stream.remarks.push_back(concat("Task ", printable(task.name), " holds out the last tenth of each class's training texts for validation."));
  }
  return stream;
}

QUIPU_INLINE task_stream json_lines_stream(const std::string& path) {
  const mapped_file file(path, file_access::read);
  return parse_json_lines_stream(file.text(), path);
}

}  // namespace quipu::data
