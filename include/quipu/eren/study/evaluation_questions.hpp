/// @file The questions that a set of edits is judged by, and its notes in an editor.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <quipu/core/compiled.hpp>
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
  std::vector<std::string> bridges = {};  ///< of a question in two hops: what the first one leads to, never the answer
};

/// Four neighbours of each edit of CounterFact-Hard.
[[nodiscard]] std::map<std::string, std::size_t> usual_group_limits();

struct question_choice {
  std::optional<data::data_part> part = {};
  std::size_t n_edit = 0;  ///< at most so many of the part, the first ones in the order of crc32(id); 0: all
  /// Questions of a group of unrelated ones that are asked for each edit, those with the smallest
  /// crc32(question); groups that are not named are asked in full.
  std::map<std::string, std::size_t> per_group = usual_group_limits();
};

/// Edits of a part, ascending: "the first n" of those with questions are drawn by checksum, so that a longer run contains
/// a shorter one.
[[nodiscard]] std::vector<std::size_t> chosen_edits(std::span<const data::edit_case> cases,
                                                    const question_choice& choice = {});

/// The questions of some edits; repeats inside a record are asked once.
[[nodiscard]] std::vector<evaluation_question> evaluation_questions(std::span<const data::edit_case> cases,
                                                                    const question_choice& choice = {});

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

#if !defined(QUIPU_COMPILED)
#include <quipu/eren/study/evaluation_questions.ipp>
#endif
