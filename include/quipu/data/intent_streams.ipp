// What intent_streams.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/core/error.hpp>
#include <quipu/core/json_text.hpp>
#include <quipu/core/mapped_file.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/data/class_places.hpp>
#include <quipu/data/csv_rows.hpp>
#include <quipu/data/intent_streams.hpp>
#include <quipu/data/json_reading.hpp>
#include <quipu/data/task_stream.hpp>

namespace quipu::data {

QUIPU_INLINE task_stream clinc150_stream(const std::string& folder) {
  task_stream stream{"clinc150", {}};
  const std::string domain_path = in_folder(folder, "domains.json"), path = in_folder(folder, "data_full.json");
  const mapped_file domain_file(domain_path, file_access::read);
  const nlohmann::ordered_json domains = [&] {
    static_cast<void>(parse_json(domain_file.text(), domain_path));  // refuses what the parser that keeps the order lets pass
    return nlohmann::ordered_json::parse(domain_file.text());
  }();
  if (!domains.is_object()) fail<format_error>(domain_path, "an object of domains", domains.type_name());
  for (const auto& [name, classes] : domains.items()) {
    const nlohmann::json plain = classes;
    const json_place all(plain, concat(domain_path, ".", name));
    stream_task task{name, {}, {}, {}, {}};
    for (std::size_t i = 0; i < all.size(); ++i) task.classes.push_back(all.at(i).text());
    stream.tasks.push_back(std::move(task));
  }
  const class_places places = places_of(stream);
  const nlohmann::json file = read_json_file(path);
  const json_place whole(file, path);
  const auto each = [&](const char* part, auto&& take) {
    const json_place all = whole[part];
    for (std::size_t i = 0; i < all.size(); ++i) {
      const json_place pair = all.at(i);
      if (pair.size() != 2) fail<format_error>(pair.name(), "[text, intent]", concat(pair.size(), " entries"));
      take(pair.at(0).text(), pair.at(1));
    }
  };
  const auto read = [&](const char* part, std::vector<labelled_text> stream_task::*to) {
    each(part, [&](std::string text, const json_place& label) {
      const class_place c = find_class(places, label.text(), label.name());
      (stream.tasks[c.task].*to).push_back({std::move(text), c.label});
    });
  };
  read("train", &stream_task::train);
  read("val", &stream_task::validation);
  read("test", &stream_task::test);
  each("oos_val", [&](std::string text, const json_place&) { stream.foreign_validation.push_back(std::move(text)); });
  each("oos_test", [&](std::string text, const json_place&) { stream.foreign_test.push_back(std::move(text)); });
  check_task_stream(stream, folder);
  return stream;
}

QUIPU_INLINE task_stream banking77_stream(const std::string& folder) {
  constexpr std::size_t n_in_task = 11;
  task_stream stream{"banking77", {}};
  const std::string names = in_folder(folder, "categories.json");
  const nlohmann::json file = read_json_file(names);
  const json_place categories(file, names);
  for (std::size_t i = 0; i < categories.size(); ++i) {
    if (i % n_in_task == 0) stream.tasks.push_back({concat("banking", i / n_in_task + 1), {}, {}, {}, {}});
    stream.tasks.back().classes.push_back(categories.at(i).text());
  }
  const class_places places = places_of(stream);
  const auto read = [&](const char* name, std::vector<labelled_text> stream_task::*to) {
    const std::string path = in_folder(folder, name);
    const auto rows = parse_csv(mapped_file(path, file_access::read).text(), path);
    if (rows.empty() || rows.front() != std::vector<std::string>{"text", "category"})
      fail<format_error>(path, "a first line text,category", rows.empty() ? "none" : "another one");
    for (std::size_t i = 1; i < rows.size(); ++i) {
      const class_place c = find_class(places, rows[i][1], concat(path, ", record ", i));
      (stream.tasks[c.task].*to).push_back({rows[i][0], c.label});
    }
  };
  read("train.csv", &stream_task::train);
  read("test.csv", &stream_task::test);
  for (stream_task& task : stream.tasks) hold_out_last_tenth(task, 2, folder);
  stream.remarks.push_back("The last tenth of each class's training texts, at least 2, is held out for validation.");
  check_task_stream(stream, folder);
  return stream;
}

QUIPU_INLINE task_stream snips_stream(const std::string& folder) {
  static constexpr std::string_view classes[] = {"AddToPlaylist", "BookRestaurant",       "GetWeather",          "PlayMusic",
                                                 "RateBook",      "SearchCreativeWork", "SearchScreeningEvent"};
  static constexpr std::size_t first[] = {0, 3, 5, 7};
  task_stream stream{"snips", {}};
  const auto read = [&](const std::string& name, const char* part, std::size_t label, std::vector<labelled_text>& to) {
    const std::string path = in_folder(folder, concat(part, "_", name, ".json"));
    const nlohmann::json file = read_json_file(path);
    const json_place all = json_place(file, path)[name.c_str()];
    for (std::size_t i = 0; i < all.size(); ++i) {
      const json_place pieces = all.at(i)["data"];
      std::string text;
      for (std::size_t p = 0; p < pieces.size(); ++p) text += pieces.at(p)["text"].text();
      to.push_back({std::move(text), label});
    }
  };
  for (std::size_t t = 0; t + 1 < std::size(first); ++t) {
    stream_task task{concat("snips", t + 1), {}, {}, {}, {}};
    for (std::size_t c = first[t]; c < first[t + 1]; ++c) {
      task.classes.emplace_back(classes[c]);
      read(task.classes.back(), "train", c - first[t], task.train);
      read(task.classes.back(), "validate", c - first[t], task.test);
    }
    hold_out_last_tenth(task, 2, folder);
    stream.tasks.push_back(std::move(task));
  }
  stream.remarks.push_back("The files named validate are the test; the last tenth of each class's training texts is held out for validation.");
  check_task_stream(stream, folder);
  return stream;
}

}  // namespace quipu::data
