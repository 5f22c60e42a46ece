// What fewrel_stream.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/core/error.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/data/class_places.hpp>
#include <quipu/data/fewrel_stream.hpp>
#include <quipu/data/intent_streams.hpp>  // find_class
#include <quipu/data/json_reading.hpp>
#include <quipu/data/task_stream.hpp>

namespace quipu::data {

namespace detail {

/// A test sentence without "[CLS]", "[SEP]" and the marks of its entities, which become places.
inline labelled_text without_marks(std::string_view text, std::size_t label, const json_place& record) {
  constexpr std::array<std::string_view, 4> marks = {"<SUBJ_START>", "<SUBJ_END>", "<OBJ_START>", "<OBJ_END>"};
  labelled_text out{{}, label};
  std::array<std::optional<std::size_t>, 4> at;
  const auto last = [&] { return out.text.empty() ? ' ' : out.text.back(); };
  for (std::size_t i = 0; i < text.size();) {
    const auto starts = [&](std::string_view what) { return text.substr(i, what.size()) == what; };
    const auto mark = std::find_if(marks.begin(), marks.end(), starts);
    if (mark != marks.end()) {
      const auto m = static_cast<std::size_t>(mark - marks.begin());
      if (at[m]) fail<format_error>(record.name(), concat(*mark, " once"), "twice");
      if (m % 2 == 1 && last() == ' ' && !out.text.empty()) {  // the blank before an end mark goes with it
        out.text.pop_back();
        at[m] = out.text.size();
        i += mark->size();
      } else {
        at[m] = out.text.size();
        i += mark->size();
        if (m % 2 == 0 && i < text.size() && text[i] == ' ') ++i;
      }
    } else if (starts("[CLS]") || starts("[SEP]")) {
      i += 5;
    } else {
      if (!(text[i] == ' ' && last() == ' ')) out.text += text[i];
      ++i;
    }
  }
  while (!out.text.empty() && out.text.back() == ' ') out.text.pop_back();
  for (std::size_t m = 0; m < 4; ++m) {
    if (!at[m]) fail<format_error>(record.name(), concat("the mark ", marks[m]), "none");
  }
  out.head = mention{record["head"].text(), *at[0], *at[1]};
  out.tail = mention{record["tail"].text(), *at[2], *at[3]};
  return out;
}

inline labelled_text from_tokens(const json_place& record, std::size_t label) {
  labelled_text out{{}, label};
  for (const std::string& token : record["tokens"].texts()) out.text += concat(out.text.empty() ? "" : " ", token);
  const auto place = [&](const char* field) {
    const json_place name = record[field];
    std::optional<mention> found = find_mention(out.text, name.text());
    if (!found) fail<format_error>(name.name(), "an entity of the text", printable(name.text()));
    return found;
  };
  out.head = place("head");
  out.tail = place("tail");
  return out;
}

}  // namespace detail

QUIPU_INLINE task_stream fewrel_stream(const std::string& folder, std::size_t n_shot) {
  task_stream stream{"fewrel", {}};
  const auto read = [&](const char* sub, const std::string& name) { return in_folder(in_folder(folder, sub), name); };
  const std::string split_path = read("conpet_splits", "fewrel_class_split_p10_tags.json");
  const std::string tag_path = read("conpet_splits", "fewrel_label_to_tag.json");
  const nlohmann::json splits = read_json_file(split_path), tags = read_json_file(tag_path);
  std::map<std::int64_t, std::string> name_of_tag;
  if (!tags.is_object()) fail<format_error>(tag_path, "an object of labels", tags.type_name());
  for (const auto& [name, tag] : tags.items()) {
    if (!tag.is_number_integer()) fail<format_error>(concat(tag_path, ".", name), "a whole number", tag.type_name());
    name_of_tag[tag.get<std::int64_t>()] = name;
  }
  const json_place split(splits, split_path);
  for (std::size_t t = 1; split.has(concat("p", t).c_str()); ++t) {
    const json_place members = split[concat("p", t).c_str()];
    stream_task task{concat("p", t), {}, {}, {}, {}};
    for (std::size_t i = 0; i < members.size(); ++i) {
      const nlohmann::json& tag = members.at(i).value();
      const auto found = tag.is_number_integer() ? name_of_tag.find(tag.get<std::int64_t>()) : name_of_tag.end();
      if (found == name_of_tag.end()) fail<format_error>(members.at(i).name(), concat("a number of ", tag_path), tag.dump());
      task.classes.push_back(found->second);
    }
    stream.tasks.push_back(std::move(task));
  }
  const class_places places = places_of(stream);

  // The numbers of the test file are the order of the 128-shot file, whichever file is learned.
  std::vector<std::string> relations;
  const auto learn = [&](const std::string& path, bool keeps) {
    const nlohmann::json file = read_json_file(path);
    const json_place all(file, path);
    for (std::size_t i = 0; i < all.size(); ++i) {
      const json_place record = all.at(i), label = record["relation"];
      const std::string name = label.text();
      if (std::find(relations.begin(), relations.end(), name) == relations.end()) relations.push_back(name);
      if (!keeps) continue;
      const class_place c = find_class(places, name, label.name());
      stream.tasks[c.task].train.push_back(detail::from_tokens(record, c.label));
    }
  };
  learn(read("fewrel_train64", "few-shot-128-seed0.json"), n_shot == 128);
  if (n_shot != 128) learn(read("fewrel_train64", concat("few-shot-", n_shot, "-seed0.json")), true);

  const std::string test_path = read("fewrel_train64", "test_bert.json");
  const nlohmann::json file = read_json_file(test_path);
  const json_place all(file, test_path);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const json_place record = all.at(i), label = record["relation"];
    const bool fits = label.value().is_number_unsigned() && label.value().get<std::uint64_t>() < relations.size();
    if (!fits) fail<format_error>(label.name(), concat("a number below ", relations.size()), label.value().dump());
    const class_place c = find_class(places, relations[label.value().get<std::size_t>()], label.name());
    stream.tasks[c.task].test.push_back(detail::without_marks(record["tokens"].text(), c.label, record));
  }
  for (stream_task& task : stream.tasks) hold_out_last_tenth(task, 3, folder);
  stream.remarks.push_back("The last tenth of each class's training texts, at least 3, is held out for validation.");
  check_task_stream(stream, folder);
  return stream;
}

}  // namespace quipu::data
