// What evaluation_questions.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <quipu/core/crc32.hpp>
#include <quipu/data/edit_case.hpp>
#include <quipu/eren/study/evaluation_questions.hpp>
#include <quipu/notes/note_store.hpp>
#include <quipu/report/answer_match.hpp>

namespace quipu::eren {

QUIPU_INLINE std::map<std::string, std::size_t> usual_group_limits() { return {{"neighbor_subj", 4}}; }

namespace detail {

/// Everyday notes are cases without questions.
inline bool asks(const data::edit_case& one) {
  const auto any = [](const std::vector<data::probe_group>& groups) {
    return std::any_of(groups.begin(), groups.end(), [](const data::probe_group& g) { return !g.probes.empty(); });
  };
  return !one.in_scope.empty() || any(one.unrelated) || any(one.portability);
}

}  // namespace detail

QUIPU_INLINE std::vector<std::size_t> chosen_edits(std::span<const data::edit_case> cases,
                                                   const question_choice& choice) {
  std::vector<std::size_t> chosen;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    if (!choice.part || data::part_of(cases[i]) == *choice.part) chosen.push_back(i);
  }
  if (choice.n_edit != 0 && choice.n_edit < chosen.size()) {
    std::erase_if(chosen, [&](std::size_t i) { return !detail::asks(cases[i]); });
    std::sort(chosen.begin(), chosen.end(), [&](std::size_t a, std::size_t b) {
      const auto order = [&](std::size_t i) { return std::pair(crc32("n" + cases[i].id), i); };
      return order(a) < order(b);
    });
    chosen.resize(std::min(choice.n_edit, chosen.size()));
    std::sort(chosen.begin(), chosen.end());
  }
  return chosen;
}

QUIPU_INLINE std::vector<evaluation_question> evaluation_questions(std::span<const data::edit_case> cases,
                                                                   const question_choice& choice) {
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
        all.push_back({i, question_kind::in_scope, {}, probe.question, probe.answers, p == 0, flips, false, probe.bridges});
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
               kind == question_kind::unrelated && edited.count(report::normalised_answer(probe->question)) != 0, probe->bridges});
        }
      }
    };
    add_groups(cases[i].unrelated, question_kind::unrelated);
    add_groups(cases[i].portability, question_kind::portability);
  }
  return all;
}

}  // namespace quipu::eren
