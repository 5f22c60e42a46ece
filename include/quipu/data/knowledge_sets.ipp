// What knowledge_sets.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/core/error.hpp>
#include <quipu/data/edit_case.hpp>
#include <quipu/data/json_reading.hpp>
#include <quipu/data/knowledge_sets.hpp>

namespace quipu::data {

namespace detail {

QUIPU_INLINE std::vector<std::string> read_answers(const json_place& place, int depth) {
  if (!place.value().is_array()) return {place.text_or_number()};
  if (depth == 4) fail<format_error>(place.name(), "answers", "lists in lists in lists in lists");
  std::vector<std::string> answers;
  for (std::size_t i = 0; i < place.size(); ++i) {
    for (std::string& answer : read_answers(place.at(i), depth + 1)) answers.push_back(std::move(answer));
  }
  return answers;
}

QUIPU_INLINE std::vector<probe_group> read_groups(const json_place& place) {
  std::vector<probe_group> groups;
  if (!place.value().is_object()) fail<format_error>(place.name(), "an object of groups", place.value().type_name());
  for (const auto& [name, list] : place.value().items()) {
    probe_group group{name, {}, {}};
    const json_place entries(list, concat(place.name(), ".", name));
    const auto read = [&](const json_place& entry) {
      const std::vector<std::string> prompts = entry["prompt"].texts();
      const std::vector<std::string> answers = read_answers(entry["ground_truth"]);
      for (std::size_t i = 0; i < prompts.size(); ++i) {
        // Lists of the same length belong together one by one.
        const bool paired = prompts.size() > 1 && answers.size() == prompts.size();
        group.probes.push_back({prompts[i], paired ? std::vector<std::string>{answers[i]} : answers, {}});
      }
    };
    if (list.is_object()) {
      read(entries);
    } else if (!list.is_null()) {
      for (std::size_t i = 0; i < entries.size(); ++i) read(entries.at(i));
    }
    groups.push_back(std::move(group));
  }
  return groups;
}

QUIPU_INLINE std::string sentence(std::string text) {
  if (!text.empty() && text.back() != '.') text += '.';
  return text;
}

}  // namespace detail

QUIPU_INLINE std::vector<edit_case> read_knowedit(const std::string& path) {
  const nlohmann::json file = read_json_file(path);
  const json_place all(file, path);
  std::vector<edit_case> cases;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const json_place record = all.at(i);
    edit_case one;
    one.id = record.has("case_id") ? record["case_id"].text_or_number() : std::to_string(i);
    const std::string prompt = record.has("prompt") ? record["prompt"].text() : record["src"].text();
    const std::vector<std::string> targets =
        detail::read_answers(record.has("target_new") ? record["target_new"] : record["alt"]);
    if (targets.empty()) fail<format_error>(record.name(), "a new target", "none");
    one.notes = {detail::sentence(concat(prompt, " ", targets.front()))};
    one.subject = record.text_or_empty("subject");
    std::string truth;
    if (record.has("ground_truth")) {
      const std::vector<std::string> truths = detail::read_answers(record["ground_truth"]);
      if (!truths.empty()) truth = truths.front();
    }
    one.in_scope.push_back({prompt, targets, truth});
    for (const char* field : {"rephrase_prompt", "rephrase"}) {
      if (!record.has(field)) continue;
      for (const std::string& question : record[field].texts()) one.in_scope.push_back({question, targets, truth});
    }
    if (record.has("portability")) one.portability = detail::read_groups(record["portability"]);
    if (record.has("locality")) one.unrelated = detail::read_groups(record["locality"]);
    const auto flat = [&](const char* prompt_field, const char* answer_field, const char* name,
                          std::vector<probe_group>& into) {
      if (!record.has(prompt_field) || !record.has(answer_field)) return;
      into.push_back({name, {{record[prompt_field].text(), detail::read_answers(record[answer_field]), {}}}, {}});
    };
    flat("portability_prompt", "portability_ground_truth", "portability", one.portability);
    flat("locality_prompt", "locality_ground_truth", "locality", one.unrelated);
    cases.push_back(std::move(one));
  }
  return cases;
}

QUIPU_INLINE std::vector<edit_case> read_mquake(const std::string& path) {
  const nlohmann::json file = read_json_file(path);
  const json_place all(file, path);
  std::vector<edit_case> cases;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const json_place record = all.at(i);
    edit_case one;
    one.id = record["case_id"].text_or_number();
    const json_place rewrites = record["requested_rewrite"];
    for (std::size_t r = 0; r < rewrites.size(); ++r) {
      const json_place rewrite = rewrites.at(r);
      std::string prompt = rewrite["prompt"].text();
      const std::string subject = rewrite["subject"].text();
      const std::size_t gap = prompt.find("{}");
      if (gap == std::string::npos) fail<format_error>(rewrite.name(), "a prompt with {}", prompt);
      prompt.replace(gap, 2, subject);
      one.notes.push_back(detail::sentence(concat(prompt, " ", rewrite["target_new"]["str"].text())));
      if (r == 0) one.subject = subject;
    }
    std::vector<std::string> answers = {record["new_answer"].text()};
    if (record.has("new_answer_alias")) {
      for (std::string& alias : record["new_answer_alias"].texts()) answers.push_back(std::move(alias));
    }
    for (const std::string& question : record["questions"].texts()) {
      one.in_scope.push_back({question, answers, record.text_or_empty("answer")});
    }
    if (record.has("new_single_hops")) {
      probe_group hops{"single_hop", {}, {}};
      const json_place list = record["new_single_hops"];
      for (std::size_t h = 0; h < list.size(); ++h) {
        std::vector<std::string> accepted = {list.at(h)["answer"].text()};
        if (list.at(h).has("answer_alias")) {
          for (std::string& alias : list.at(h)["answer_alias"].texts()) accepted.push_back(std::move(alias));
        }
        hops.probes.push_back({list.at(h)["question"].text(), std::move(accepted), {}});
      }
      one.portability.push_back(std::move(hops));
    }
    cases.push_back(std::move(one));
  }
  return cases;
}

}  // namespace quipu::data
