// What eren_sets.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/core/error.hpp>
#include <quipu/data/edit_case.hpp>
#include <quipu/data/eren_sets.hpp>
#include <quipu/data/json_reading.hpp>

namespace quipu::data {

namespace detail {

/// Pairs [question, answer]; `truths` are given to them if there is one for each.
inline std::vector<probe> read_pairs(const json_place& pairs, const std::vector<std::string>& truths) {
  std::vector<probe> probes;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const json_place pair = pairs.at(i);
    if (pair.size() != 2) fail<format_error>(pair.name(), "[question, answer]", concat(pair.size(), " entries"));
    probes.push_back({pair.at(0).text(), {pair.at(1).text()}, {}});
  }
  if (truths.size() == probes.size()) {
    for (std::size_t i = 0; i < probes.size(); ++i) probes[i].truth = truths[i];
  }
  return probes;
}

}  // namespace detail

QUIPU_INLINE std::vector<edit_case> read_counterfact_hard(const std::string& path) {
  const nlohmann::json file = read_json_file(path);
  const json_place all(file, path);
  std::vector<edit_case> cases;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const json_place record = all.at(i);
    edit_case one;
    one.id = record["id"].text_or_number();
    one.notes = {record["edit_statement"].text()};
    one.subject = record["subject_name"].text();
    one.in_scope = detail::read_pairs(record["edit_scope"], record["edit_scope_true_ans"].texts());
    for (const char* name : {"neighbor_subj", "same_subj"}) {
      probe_group group{name, {}, {}};
      const std::vector<std::string> truths = record["unrelated_true_ans"][name].texts();
      for (const std::string& question : record["unrelated"][name].texts()) group.probes.push_back({question, {}, {}});
      if (truths.size() == group.probes.size()) {
        for (std::size_t q = 0; q < truths.size(); ++q) group.probes[q].truth = truths[q];
      } else {
        group.unaligned_truths = truths;
      }
      one.unrelated.push_back(std::move(group));
    }
    cases.push_back(std::move(one));
  }
  return cases;
}

QUIPU_INLINE fever_set read_fever(const std::string& path) {
  const nlohmann::json file = read_json_file(path);
  const json_place all(file, path);
  fever_set set;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const json_place record = all.at(i);
    edit_case one;
    one.id = record["id"].text_or_number();
    one.notes = {record["edit_statement"].text()};
    one.in_scope = detail::read_pairs(record["edit_scope"], {});
    if (one.in_scope.empty()) fail<format_error>(record.name(), "the note as first claim", "no claim");
    one.in_scope.erase(one.in_scope.begin());
    const std::vector<std::string> truths = record["edit_scope_true_ans"].texts();
    const std::set<std::string> labels(truths.begin(), truths.end());
    if (labels.size() == 1) {
      for (probe& claim : one.in_scope) claim.truth = *labels.begin();
    }
    (i < all.size() / 2 ? set.edits : set.out_of_scope).push_back(std::move(one));
  }
  return set;
}

QUIPU_INLINE std::vector<edit_case> read_hotpot(const std::string& path) {
  const nlohmann::json file = read_json_file(path);
  const json_place all(file, path);
  std::vector<edit_case> cases;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const json_place record = all.at(i);
    edit_case one;
    one.id = record["id"].text_or_number();
    one.notes = record["edit_statement"].texts();
    one.in_scope = detail::read_pairs(record["edit_scope"], record["edit_scope_true_ans"].texts());
    one.kind = record.text_or_empty("type");
    one.level = record.text_or_empty(record.has("level") ? "level" : "leval");  // misspelt in the file
    cases.push_back(std::move(one));
  }
  return cases;
}

QUIPU_INLINE bool flips(const probe& claim) {
  return !claim.truth.empty() && !claim.answers.empty() && claim.answers.front() != claim.truth;
}

}  // namespace quipu::data
