/// @file How well retrievers find the notes that a set's questions need, and what is left of it on paraphrases.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/data/edit_case.hpp>
#include <quipu/eren/reading/question_words.hpp>
#include <quipu/notes/note.hpp>
#include <quipu/notes/note_retriever.hpp>
#include <quipu/notes/two_hop.hpp>
#include <quipu/notes/word_tokens.hpp>
#include <quipu/report/retrieval_scores.hpp>
#include <quipu/report/table.hpp>

namespace quipu::eren {

/// True if nothing but the subject leads from a question to its note: but for stop words and the words of the subject
/// no word of the question has its stem in the note.
/// @param subject  if it is empty, the words of the note that begin with a capital stand for it
[[nodiscard]] bool is_paraphrase(std::string_view question, std::string_view note,
                                 std::string_view subject = {});

/// A question and the notes that it needs.
struct retrieval_question {
  std::string question;
  std::vector<notes::note_id> wanted;
  bool paraphrased = false;  ///< `is_paraphrase` for at least one of them
};

struct retrieval_set {
  std::vector<std::string> notes;  ///< without their final periods; note i has the id i + 1
  std::vector<retrieval_question> questions;

  [[nodiscard]] std::size_t n_paraphrase() const {
    return static_cast<std::size_t>(
        std::count_if(questions.begin(), questions.end(), [](const auto& q) { return q.paraphrased; }));
  }
  /// Notes that the questions need: 1 or more.
  [[nodiscard]] std::size_t n_wanted() const {
    std::size_t most = 0;
    for (const retrieval_question& q : questions) most = std::max(most, q.wanted.size());
    return most;
  }
};

/// The notes of the first cases that have some, and the questions in their scope, repeats inside a case once.
/// @param n_edit  0: all
[[nodiscard]] retrieval_set retrieval_set_of(std::span<const data::edit_case> cases, std::size_t n_edit = 0);

/// One row to be.
struct retriever_scores {
  std::string name;
  report::retrieval_scores all{{1, 2, 3, 5}}, paraphrased{{1, 2, 3, 5}};
  report::retrieval_scores two_hops{{5}}, two_hops_paraphrased{{5}};  ///< empty if questions need one note
};

/// Adds the notes of a set to a retriever. @pre it is empty
template <notes::note_retriever Retriever>
void add_notes_of(const retrieval_set& set, Retriever& retriever) {
  for (std::size_t i = 0; i < set.notes.size(); ++i) retriever.add(static_cast<notes::note_id>(i + 1), set.notes[i]);
}

/// Asks a retriever that has the notes of the set. Of equal scores the earlier note ranks first, so a note's rank is
/// the number of notes that score better or as well and came before it.
/// @param depth  notes asked for: beyond it a note counts as not found
template <notes::note_retriever Retriever>
[[nodiscard]] retriever_scores score_retriever(std::string name, const Retriever& retriever, const retrieval_set& set,
                                               std::size_t depth = 100) {
  retriever_scores scores{std::move(name)};
  const auto ids_of = [](const std::vector<notes::scored_note>& found) {
    std::vector<std::int64_t> ids;
    ids.reserve(found.size());
    for (const notes::scored_note& hit : found) ids.push_back(hit.id);
    return ids;
  };
  const bool hops = set.n_wanted() > 1;
  for (const retrieval_question& q : set.questions) {
    const auto found = ids_of(retriever.retrieve(q.question, depth));
    scores.all.count(found, q.wanted);
    if (q.paraphrased) scores.paraphrased.count(found, q.wanted);
    if (!hops) continue;
    const auto chain = ids_of(notes::retrieve_two_hop(
        retriever, [&](notes::note_id id) -> std::string_view { return set.notes[static_cast<std::size_t>(id - 1)]; },
        q.question, 5));
    scores.two_hops.count(chain, q.wanted);
    if (q.paraphrased) scores.two_hops_paraphrased.count(chain, q.wanted);
  }
  return scores;
}

/// Percentages; `R@k` and the mean reciprocal rank if every question needs one note, else how often all notes of a
/// question are among the first 2 and 5, also of two hops. The last columns are of paraphrases alone.
[[nodiscard]] report::table retrieval_table(std::span<const retriever_scores> rows, const retrieval_set& set);

}  // namespace quipu::eren

#if !defined(QUIPU_COMPILED)
#include <quipu/eren/study/retrieval_study.ipp>
#endif
