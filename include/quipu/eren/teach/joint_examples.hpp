/// @file Examples that teach a reader of several notes: what was found, all of the edit's own notes among it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <quipu/eren/study/evaluation_questions.hpp>
#include <quipu/eren/reading/prompt.hpp>
#include <quipu/eren/teach/reader_examples.hpp>
#include <quipu/notes/notebook.hpp>

namespace quipu::eren {

struct joint_example_options {
  std::size_t n_note = 1;                    ///< for a question, as many as the reader will get
  std::string abstention = "unanswerable";
  bool passages = false;                     ///< of long notes only what a reader of single notes and chains reads
};

/// What an editor with these notes would have read for the questions, with what should have come out. All of an edit's
/// own notes are there for a question in its scope: those that were not found take the last places of the others. Left
/// out are questions for which nothing is found or nothing is known, those beside their edit but in the scope of
/// another one, and those that need more notes than there are places.
///
/// @param ids  notes of every case, see `add_all_notes`
template <class Store, class Retriever>
[[nodiscard]] std::vector<reader_example> joint_examples(const notes::notebook<Store, Retriever>& notebook,
                                                         std::span<const evaluation_question> questions,
                                                         std::span<const std::vector<notes::note_id>> ids,
                                                         const joint_example_options& options = {}) {
  std::vector<reader_example> examples;
  const note_statistics<Retriever> statistics(notebook.retriever());
  const auto idf = [&](std::string_view word) { return statistics.idf(word); };
  for (const evaluation_question& q : questions) {
    const bool in_scope = q.kind == question_kind::in_scope;
    if (q.kind == question_kind::portability || q.contaminated || (in_scope && q.accepted.empty())) continue;
    std::vector<notes::note_id> chosen;
    for (const notes::scored_note& hit : notebook.retrieve(q.question, options.n_note)) chosen.push_back(hit.id);
    if (in_scope) {
      const auto& own = ids[q.edit];
      if (own.empty() || own.size() > options.n_note) continue;
      const auto is_own = [&](notes::note_id id) { return std::find(own.begin(), own.end(), id) != own.end(); };
      for (const notes::note_id id : own) {
        if (std::find(chosen.begin(), chosen.end(), id) != chosen.end()) continue;
        const auto place = std::find_if_not(chosen.rbegin(), chosen.rend(), is_own);
        if (chosen.size() < options.n_note) {
          chosen.push_back(id);
        } else {
          *place = id;
        }
      }
    }
    const asked_question asked(q.question);
    reader_example e{asked.text(), {}, in_scope ? q.accepted.front() : options.abstention, in_scope};
    for (const notes::note_id id : chosen) {
      const std::optional<notes::note> n = notebook.find(id);
      if (!n) continue;
      if (!options.passages) {
        e.notes.push_back(guarded_note(n->text));
        continue;
      }
      read_passage read =
          passage_to_read(asked, n->text, in_scope ? std::span(q.accepted) : std::span<const std::string>(), idf);
      if (!read.answer.empty()) e.answer = std::move(read.answer);
      e.notes.push_back(std::move(read.text));
    }
    if (!e.notes.empty()) examples.push_back(std::move(e));
  }
  return examples;
}

}  // namespace quipu::eren
