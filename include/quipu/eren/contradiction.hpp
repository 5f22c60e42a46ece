/// @file Does a note contradict one that is live? Asked of the editor itself, if the user wants it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/eren/answer.hpp>
#include <quipu/eren/reading/extractive_reader.hpp>  // whole_name
#include <quipu/eren/reading/prompt.hpp>             // guarded_note
#include <quipu/eren/reading/question_words.hpp>     // note_words
#include <quipu/notes/note.hpp>
#include <quipu/report/answer_match.hpp>

namespace quipu::eren {

/// A statement as a question for what it says: "The twin city of Shanghai is what?", "Athens".
struct open_statement {
  std::string question;
  std::string object;
};

/// Asks for a note's object or, if it names none, for the name or word that it ends with.
/// @return none if nothing is left in front of it
[[nodiscard]] inline std::optional<open_statement> open_end(const notes::note& n) {
  const std::string text = guarded_note(n.text);
  open_statement s{{}, n.object};
  if (s.object.empty() || !text.ends_with(s.object)) {
    const std::vector<std::string> words = note_words(text);
    if (words.empty()) return {};
    s.object = whole_name(text, words.back(), words);
  }
  const std::size_t at = text.rfind(s.object);
  if (at == std::string::npos) return {};
  const std::size_t end = text.find_last_not_of(" \t\n\"'(", at == 0 ? std::string::npos : at - 1);
  if (at == 0 || end == std::string::npos) return {};
  s.question = text.substr(0, end + 1) + " what?";  // gates are fitted on questions
  return s;
}

/// Live notes from which the editor would answer what a statement answers, with something else.
struct contradiction {
  std::vector<notes::note_id> notes;
  std::string question;     ///< for the statement's object
  std::string answer;       ///< what the live notes say
  double probability = 0;   ///< of the gate
};

/// Asks before a note is added: the question is considered like any other, by retriever, reader and gate, and
/// what they answer is compared with the note's own object. As good as the gate is; `conflict_policy` finds notes of
/// the same text or slot without a model.
///
/// @param added  a note that is not live yet
/// @return none if the gate applies no note, or one that says the same
/// @throws as the editor's `consider`
template <class Editor>
[[nodiscard]] std::optional<contradiction> find_contradiction(Editor& editor, const notes::note& added) {
  const std::optional<open_statement> open = open_end(added);
  if (!open) return {};
  consideration c = std::move(editor.consider({&open->question, 1}).front());
  if (!c.apply || report::answers_match(c.text, open->object)) return {};
  const std::string text = report::normalised_answer(guarded_note(added.text));
  for (const considered_note& n : c.candidates) {  // the same sentence contradicts nothing, whatever was read in it
    if (report::normalised_answer(n.text) == text) return {};
  }
  return contradiction{std::move(c.notes), open->question, std::move(c.text), c.probability};
}

}  // namespace quipu::eren
