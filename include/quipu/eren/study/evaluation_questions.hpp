/// @file The questions that a set of edits is judged by, and its notes in an editor.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <quipu/core/crc32.hpp>
#include <quipu/data/edit_case.hpp>
#include <quipu/notes/note_store.hpp>
#include <quipu/report/answer_match.hpp>

namespace quipu::eren {

enum class question_kind : std::uint8_t { in_scope, unrelated, portability };

/// One question of an evaluation.
struct evaluation_question {
  std::size_t edit = 0;  ///< index of the edit case
  question_kind kind = question_kind::in_scope;
  std::string group;  ///< of unrelated and portability questions
  std::string question;
  std::vector<std::string> accepted;  ///< answers that count as right
  bool own = false;                   ///< the edit's own wording
  bool flips = true;                  ///< the edit turns the answer
  bool contaminated = false;          ///< unrelated to its edit, and yet in the scope of another one
};

/// Four neighbours of each edit of CounterFact-Hard.
[[nodiscard]] inline std::map<std::string, std::size_t> usual_group_limits() { return {{"neighbor_subj", 4}}; }

struct question_choice {
  std::optional<data::data_part> part = {};
  std::size_t n_edit = 0;  ///< at most so many of the part, the first ones in the order of crc32(id); 0: all
  /// Questions of a group of unrelated ones that are asked for each edit, those with the smallest
  /// crc32(question); groups that are not named are asked in full.
  std::map<std::string, std::size_t> per_group = usual_group_limits();
};

/// Edits of a part, ascending: "the first n" are drawn by checksum, so that a longer run contains a shorter one.
[[nodiscard]] inline std::vector<std::size_t> chosen_edits(std::span<const data::edit_case> cases,
                                                           const question_choice& choice = {}) {
  std::vector<std::size_t> chosen;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    if (!choice.part || data::part_of(cases[i]) == *choice.part) chosen.push_back(i);
  }
  if (choice.n_edit != 0 && choice.n_edit < chosen.size()) {
    std::sort(chosen.begin(), chosen.end(), [&](std::size_t a, std::size_t b) {
      const auto order = [&](std::size_t i) { return std::pair(crc32("n" + cases[i].id), i); };
      return order(a) < order(b);
    });
    chosen.resize(choice.n_edit);
    std::sort(chosen.begin(), chosen.end());
  }
  return chosen;
}

/// The questions of some edits; repeats inside a record are asked once.
[[nodiscard]] inline std::vector<evaluation_question> evaluation_questions(std::span<const data::edit_case> cases,
                                                                           const question_choice& choice = {}) {
  std::set<std::string> edited;  // normalised questions in the scope of any edit
  for (const data::edit_case& c : cases) {
    for (const data::probe& p : c.in_scope) edited.insert(report::normalised_answer(p.question));
  }
  std::vector<evaluation_question> all;
  for (const std::size_t i : chosen_edits(cases, choice)) {
    std::map<std::string, std::size_t> seen;  // in scope: question -> index; the last label counts
    for (std::size_t p = 0; p < cases[i].in_scope.size(); ++p) {
      const data::probe& probe = cases[i].in_scope[p];
      const bool flips = probe.truth.empty() || probe.answers.empty() || probe.truth != probe.answers.front();
      const auto [at, fresh] = seen.emplace(probe.question, all.size());
      if (fresh) {
        all.push_back({i, question_kind::in_scope, {}, probe.question, probe.answers, p == 0, flips, false});
      } else {
        all[at->second].accepted = probe.answers;
      }
    }
    const auto add_groups = [&](const std::vector<data::probe_group>& groups, question_kind kind) {
      for (const data::probe_group& group : groups) {
        std::vector<const data::probe*> unique;
        std::set<std::string> once;
        for (const data::probe& probe : group.probes) {
          if (once.insert(probe.question).second) unique.push_back(&probe);
        }
        const auto limit = choice.per_group.find(group.name);
        if (kind == question_kind::unrelated && limit != choice.per_group.end() && limit->second < unique.size()) {
          std::stable_sort(unique.begin(), unique.end(), [](const data::probe* a, const data::probe* b) {
            return crc32(a->question) < crc32(b->question);
          });
          unique.resize(limit->second);
        }
        for (const data::probe* probe : unique) {
          all.push_back(
              {i, kind, group.name, probe->question, probe->answers, false, true,
               kind == question_kind::unrelated && edited.count(report::normalised_answer(probe->question)) != 0});
        }
      }
    };
    add_groups(cases[i].unrelated, question_kind::unrelated);
    add_groups(cases[i].portability, question_kind::portability);
  }
  return all;
}

template <class Editor>
concept has_add_notes = requires(Editor& editor, const std::vector<notes::note>& all) { editor.add_notes(all); };

/// Adds the notes of all cases, both of a conflicting pair kept; gives each case its note ids.
/// @param editor  or a notebook
template <class Editor>
std::vector<std::vector<notes::note_id>> add_all_notes(Editor& editor, std::span<const data::edit_case> cases) {
  std::vector<notes::note> all;
  for (const data::edit_case& c : cases) {
    for (const std::string& text : c.notes) all.push_back({.text = text});
  }
  const std::vector<notes::add_result> results = [&] {
    if constexpr (has_add_notes<Editor>) {
      return editor.add_notes(all);
    } else {
      return editor.add_batch(all, {.on_conflict = notes::conflict_policy::keep_both});
    }
  }();
  std::vector<std::vector<notes::note_id>> ids;
  std::size_t next = 0;
  for (const data::edit_case& c : cases) {
    ids.emplace_back();
    for (std::size_t n = 0; n < c.notes.size(); ++n) ids.back().push_back(results[next++].id);
  }
  return ids;
}

}  // namespace quipu::eren
