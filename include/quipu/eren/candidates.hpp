/// @file The notes that a question may be answered from, with how well each of them fits.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/clock.hpp>  // time_ms
#include <quipu/eren/answer.hpp>
#include <quipu/eren/gate/pair_evidence.hpp>
#include <quipu/eren/reading/asked_question.hpp>
#include <quipu/eren/reading/best_passages.hpp>
#include <quipu/eren/reading/guarded.hpp>
#include <quipu/notes/corrections.hpp>
#include <quipu/notes/notebook.hpp>

namespace quipu::eren {

/// Puts the newest of the notes that say something else of the same in the best one's place, and leaves the older ones out.
/// Readers look at one note as a rule, and a question's words do not tell which of them holds.
/// @param ranking  best first
/// @return true if something changed
template <class Store, class Retriever>
bool prefer_newer(const notes::notebook<Store, Retriever>& notebook, std::string_view question,
                  std::vector<notes::scored_note>& ranking) {
  const std::optional<notes::note> first = ranking.size() < 2 ? std::nullopt : notebook.find(ranking.front().id);
  if (!first) return false;
  const std::size_t n_before = ranking.size();
  notes::statement_of_note best(first->text);
  for (std::size_t i = 1; best.understood() && i < ranking.size();) {
    const std::optional<notes::note> found = notebook.find(ranking[i].id);
    const notes::statement_of_note other(found ? found->text : std::string());
    const bool newer = ranking[i].id > ranking.front().id;
    if (newer ? other.answers_instead(best, question) : best.answers_instead(other, question)) {
      if (newer) {
        ranking.front() = ranking[i];
        best = other;
      }
      ranking.erase(ranking.begin() + static_cast<std::ptrdiff_t>(i));
    } else {
      ++i;
    }
  }
  return ranking.size() < n_before;
}

/// The best `n_note` notes that hold at `when`, best first, each with its evidence and with that of the next one: how
/// far the best is ahead tells something, so one note more than wanted is looked at.
/// @param whole_notes  else of a long note the best passage: what leads from one note to the next need not be asked for
template <class Store, class Retriever>
[[nodiscard]] std::vector<considered_note> find_candidates(const notes::notebook<Store, Retriever>& notebook,
                                                           const note_statistics<Retriever>& statistics,
                                                           const asked_question& question, std::size_t n_note,
                                                           time_ms when, bool whole_notes = false) {
  const auto best = [&](std::size_t n) {
    return notebook.retrieve_if(question.raw(), n, [&](const notes::note& one) { return notes::valid_at(one, when); });
  };
  const std::size_t n_wanted = std::max<std::size_t>(2, n_note);
  std::vector<notes::scored_note> ranking = best(n_wanted);
  if (prefer_newer(notebook, question.raw(), ranking)) {  // then there may be more of them
    ranking = best(4 * n_wanted);
    prefer_newer(notebook, question.raw(), ranking);
    ranking.resize(std::min(ranking.size(), n_wanted));
  }
  const auto idf = [&](std::string_view word) { return statistics.idf(word); };
  std::vector<considered_note> candidates;
  for (const notes::scored_note& hit : ranking) {
    const std::optional<notes::note> n = notebook.find(hit.id);
    if (!n) continue;  // erased by somebody else a moment ago
    considered_note one;
    one.id = hit.id;
    one.text = guarded_note(whole_notes ? std::string_view(n->text) : best_passage(question, n->text, idf));
    one.retrieval_score = hit.score;
    one.evidence.bm25 = statistics.bm25(question, hit.id, one.text);
    one.evidence.ngram = ngram_similarity(question, one.text, idf);
    candidates.push_back(std::move(one));
  }
  for (std::size_t i = 0; i + 1 < candidates.size(); ++i) {
    candidates[i].evidence.bm25_second = candidates[i + 1].evidence.bm25;
    candidates[i].evidence.ngram_second = candidates[i + 1].evidence.ngram;
  }
  if (candidates.size() > n_note) candidates.resize(n_note);
  return candidates;
}

}  // namespace quipu::eren
