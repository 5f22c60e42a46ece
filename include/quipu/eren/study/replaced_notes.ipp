// What replaced_notes.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include <quipu/data/edit_case.hpp>
#include <quipu/eren/study/replaced_notes.hpp>
#include <quipu/report/answer_match.hpp>

namespace quipu::eren {

namespace detail {

/// Scripts without blanks have no words that stand side by side.
inline bool holds(const std::string& note, const std::string& answer) {
  const auto wide = [](char c) { return static_cast<unsigned char>(c) >= 0x80; };
  if (report::answer_contains(note, answer)) return true;
  return std::any_of(answer.begin(), answer.end(), wide) && note.find(answer) != std::string::npos;
}

}  // namespace detail

QUIPU_INLINE void judge_replacements(std::span<const data::edit_case> cases, std::span<const std::string> left,
                                     std::vector<replaced_note>& replaced) {
  for (replaced_note& one : replaced) {
    for (const data::edit_case& c : cases) {
      for (const data::probe& p : c.in_scope) {
        const auto answered_by = [&](const std::string& note) {
          return std::any_of(p.answers.begin(), p.answers.end(),
                             [&](const std::string& answer) { return detail::holds(note, answer); });
        };
        if (!answered_by(one.before) || std::any_of(left.begin(), left.end(), answered_by)) continue;
        one.wrongly = true;
      }
    }
  }
}

}  // namespace quipu::eren
