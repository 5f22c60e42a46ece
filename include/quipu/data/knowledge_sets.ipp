// What knowledge_sets.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/core/error.hpp>
#include <quipu/data/declarative.hpp>
#include <quipu/data/edit_case.hpp>
#include <quipu/data/json_reading.hpp>
#include <quipu/data/knowledge_sets.hpp>

namespace quipu::data {

namespace detail {

/// Answers as these files give them: a text, a list of texts, or a list of lists of accepted texts, whose
/// entries are all accepted.
inline std::vector<std::string> read_answers(const json_place& place, int depth = 0) {
  if (!place.value().is_array()) return {place.text_or_number()};
  if (depth == 4) fail<format_error>(place.name(), "answers", "lists in lists in lists in lists");
  std::vector<std::string> answers;
  for (std::size_t i = 0; i < place.size(); ++i) {
    for (std::string& answer : read_answers(place.at(i), depth + 1)) answers.push_back(std::move(answer));
  }
  return answers;
}

/// {"name": [{"prompt": ..., "ground_truth": ...}, ...], ...}, or one such object for a list.
inline std::vector<probe_group> read_groups(const json_place& place) {
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
        group.probes.push_back({prompts[i], paired ? std::vector<std::string>{answers[i]} : answers, {}, {}});
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

inline std::string sentence(std::string text) {
  if (!text.empty() && text.back() != '.') text += '.';
  return text;
}

}  // namespace detail

namespace detail {

/// The first of the fields that is there.
inline std::optional<json_place> any_field(const json_place& record, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (record.has(name)) return record[name];
  }
  return std::nullopt;
}
/// @throws format_error  none of them is there
inline json_place need_field(const json_place& record, std::initializer_list<const char*> names) {
  if (const auto found = any_field(record, names)) return *found;
  return record[*std::prev(names.end())];
}

inline bool is_blank(const std::string& text) { return text.find_first_not_of(" \t\n\r") == std::string::npos; }

/// MEND's questions on other subjects: "nq question: who sings i won't give up".
inline std::string natural_question(std::string text) {
  constexpr std::string_view mark = "nq question: ";
  if (!text.starts_with(mark)) return text;
  text.erase(0, mark.size());
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 32);
  return text + '?';
}

/// What reading counts, for the remarks.
struct record_counts {
  std::size_t n_record = 0, n_empty = 0, n_question = 0, n_declarative = 0, n_other = 0;

  void tell(std::vector<std::string>& remarks) const {
    if (n_empty > 0) remarks.push_back(concat(n_empty, " of ", n_record, " records have an empty target and are left out"));
    if (n_other > 0) remarks.push_back(concat(n_other, " of ", n_record, " records have no second note that follows and are left out"));
    if (n_question > 0) {
      remarks.push_back(concat(n_declarative, " of ", n_question, " questions became statements for the notes; the others are followed by their answers"));
    }
  }
};

/// The note of an edit.
inline std::string note_of(const std::string& prompt, const std::string& subject, const std::string& target, record_counts& counts) {
  if (!prompt.ends_with('?')) return sentence(concat(prompt, " ", target));
  ++counts.n_question;
  if (std::optional<std::string> statement = declarative(prompt, subject, target)) {
    ++counts.n_declarative;
    return *std::move(statement);
  }
  return sentence(concat(prompt, " ", target));
}

/// A record of WikiBio.
inline edit_case read_continuation(const json_place& record) {
  edit_case one;
  one.notes = {sentence(record["labels"].text())};
  one.subject = record.text_or_empty("concept");
  one.in_scope.push_back({record["text"].text(), {record["labels"].text()}, {}, {}});
  return one;
}

/// The other questions of a record.
inline void read_further_questions(const json_place& record, edit_case& one) {
  if (record.has("portability")) {
    const json_place portability = record["portability"];
    if (portability.has("New Question")) {
      one.portability.push_back(
          {"portability", {{portability["New Question"].text(), read_answers(portability["New Answer"]), {}, {}}}, {}});
    } else {
      one.portability = read_groups(portability);
    }
  }
  if (record.has("locality")) one.unrelated = read_groups(record["locality"]);
  const auto flat = [&](const char* prompt, const char* answer, const char* name, std::vector<probe_group>& into) {
    if (!record.has(prompt) || !record.has(answer)) return;
    into.push_back({name, {{natural_question(record[prompt].text()), read_answers(record[answer]), {}, {}}}, {}});
  };
  flat("portability_prompt", "portability_ground_truth", "portability", one.portability);
  flat("locality_prompt", "locality_ground_truth", "locality", one.unrelated);
  flat("loc", "loc_ans", "locality", one.unrelated);
}

/// "(Lamiinae, subfamily of, Cerambycidae)" as a sentence, if it begins with `target` in any case; the value may have commas.
inline std::optional<std::string> relation_about(std::string relation, const std::string& target) {
  if (relation.starts_with('(') && relation.ends_with(')')) relation = relation.substr(1, relation.size() - 2);
  if (!lower_ascii(relation).starts_with(lower_ascii(target))) return std::nullopt;
  const std::size_t first = relation.find(", ", target.size());
  const std::size_t second = first == std::string::npos ? first : relation.find(", ", first + 2);
  if (second == std::string::npos) return std::nullopt;
  const std::string about = relation.substr(0, first), name = relation.substr(first + 2, second - first - 2);
  const std::string value = relation.substr(second + 2);
  if (is_blank(about) || is_blank(name) || is_blank(value)) return std::nullopt;
  // "subfamily of" and "located in" need a verb, "capital" is a noun of its own.
  const std::size_t blank = name.rfind(' ');
  const std::string last = blank == std::string::npos ? name : name.substr(blank + 1);
  return is_preposition(last) ? sentence(concat(about, " is ", name, " ", value))
                              : sentence(concat("The ", name, " of ", about, " is ", value));
}

}  // namespace detail

QUIPU_INLINE edit_set read_knowedit(const std::string& path) {
  const nlohmann::json file = read_json_file(path);
  const json_place all(file, path);
  edit_set set;
  detail::record_counts counts{.n_record = all.size()};
  for (std::size_t i = 0; i < all.size(); ++i) {
    const json_place record = all.at(i);
    edit_case one;
    if (record.has("labels") && record.has("text")) {
      one = detail::read_continuation(record);
      counts.n_empty += detail::is_blank(one.in_scope.front().answers.front()) ? 1 : 0;
      if (detail::is_blank(one.in_scope.front().answers.front())) continue;
    } else {
      const std::string prompt = detail::need_field(record, {"prompt", "src"}).text();
      const std::vector<std::string> targets = detail::read_answers(detail::need_field(record, {"target_new", "alt"}));
      if (targets.empty() || detail::is_blank(targets.front())) {
        ++counts.n_empty;
        continue;
      }
      one.subject = record.text_or_empty("subject");
      one.notes = {detail::note_of(prompt, one.subject, targets.front(), counts)};
      std::string truth;
      if (const auto given = detail::any_field(record, {"ground_truth", "answers"})) {
        const std::vector<std::string> truths = detail::read_answers(*given);
        if (!truths.empty()) truth = truths.front();
      }
      one.in_scope.push_back({prompt, targets, truth, {}});
      for (const char* field : {"rephrase_prompt", "rephrase"}) {
        if (!record.has(field)) continue;
        for (const std::string& question : record[field].texts()) one.in_scope.push_back({question, targets, truth, {}});
      }
    }
    one.id = record.has("case_id") ? record["case_id"].text_or_number() : std::to_string(i);
    detail::read_further_questions(record, one);
    set.cases.push_back(std::move(one));
  }
  counts.tell(set.remarks);
  return set;
}

QUIPU_INLINE edit_set read_portability(const std::string& path) {
  const nlohmann::json file = read_json_file(path);
  const json_place all(file, path);
  edit_set set;
  detail::record_counts counts{.n_record = all.size()};
  for (std::size_t i = 0; i < all.size(); ++i) {
    const json_place record = all.at(i), portability = record["portability"];
    const std::string target = detail::need_field(record, {"target_new", "alt"}).text();
    const auto relation = detail::relation_about(portability["Recalled Relation"].text(), target);
    if (!relation) {
      ++counts.n_other;
      continue;
    }
    edit_case one;
    one.id = record.has("case_id") ? record["case_id"].text_or_number() : std::to_string(i);
    one.subject = record.text_or_empty("subject");
    one.kind = "two-hop";
    one.notes = {detail::note_of(detail::need_field(record, {"prompt", "src"}).text(), one.subject, target, counts), *relation};
    one.in_scope.push_back(
        {portability["New Question"].text(), detail::read_answers(portability["New Answer"]), {}, {target}});
    set.cases.push_back(std::move(one));
  }
  counts.tell(set.remarks);
  return set;
}

QUIPU_INLINE edit_set read_mquake(const std::string& path) {
  const nlohmann::json file = read_json_file(path);
  const json_place all(file, path);
  edit_set set;
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
    std::vector<std::string> bridges;
    if (record.has("new_single_hops")) {
      probe_group hops{"single_hop", {}, {}};
      const json_place list = record["new_single_hops"];
      for (std::size_t h = 0; h < list.size(); ++h) {
        std::vector<std::string> accepted = {list.at(h)["answer"].text()};
        if (list.at(h).has("answer_alias")) {
          for (std::string& alias : list.at(h)["answer_alias"].texts()) accepted.push_back(std::move(alias));
        }
        if (h + 1 < list.size()) {
          std::copy_if(accepted.begin(), accepted.end(), std::back_inserter(bridges), [&](const std::string& bridge) {
            return std::find(answers.begin(), answers.end(), bridge) == answers.end();
          });
        }
        hops.probes.push_back({list.at(h)["question"].text(), std::move(accepted), {}, {}});
      }
      one.portability.push_back(std::move(hops));
    }
    for (const std::string& question : record["questions"].texts()) {
      one.in_scope.push_back({question, answers, record.text_or_empty("answer"), bridges});
    }
    set.cases.push_back(std::move(one));
  }
  return set;
}

}  // namespace quipu::data
