/// @file Which notes of a set would replace another one, were they added one by one as a person does.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/data/edit_case.hpp>
#include <quipu/notes/note.hpp>

namespace quipu::eren {

struct replaced_note {
  std::string before, after;
  /// A question of the set has an accepted answer in the old note, and none in a note that is left: something was lost
  bool wrongly = false;
};

/// Says which replacements lost an answer to a question in scope.
/// @param left  the texts of all notes that are live in the end
void judge_replacements(std::span<const data::edit_case> cases, std::span<const std::string> left,
                        std::vector<replaced_note>& replaced);

/// Adds the notes of all cases one by one.
/// @param editor  empty, with the options that it is to have in use
template <class Editor>
[[nodiscard]] std::vector<replaced_note> add_one_by_one(Editor& editor, std::span<const data::edit_case> cases) {
  std::vector<replaced_note> replaced;
  for (const data::edit_case& c : cases) {
    for (const std::string& text : c.notes) {
      const auto result = editor.add_note(text);
      if (result.corrected == notes::no_note) continue;
      const auto history = editor.history(result.corrected);
      replaced.push_back({history.empty() || !history.front().after ? std::string() : history.front().after->text, text});
    }
  }
  std::vector<std::string> left;
  editor.notebook().store().for_each([&](const notes::note& n) {
    if (n.status == notes::note_status::live) left.push_back(n.text);
  });
  judge_replacements(cases, left, replaced);
  return replaced;
}

}  // namespace quipu::eren

#if !defined(QUIPU_COMPILED)
#include <quipu/eren/study/replaced_notes.ipp>
#endif
