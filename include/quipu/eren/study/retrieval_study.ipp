// What retrieval_study.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include <quipu/data/edit_case.hpp>
#include <quipu/eren/reading/question_words.hpp>
#include <quipu/eren/study/retrieval_study.hpp>
#include <quipu/notes/note.hpp>
#include <quipu/notes/note_retriever.hpp>
#include <quipu/notes/two_hop.hpp>
#include <quipu/notes/unicode_words.hpp>
#include <quipu/notes/word_tokens.hpp>
#include <quipu/report/retrieval_scores.hpp>
#include <quipu/report/table.hpp>
#include <quipu/text/utf8.hpp>

namespace quipu::eren {

QUIPU_INLINE bool is_paraphrase(std::string_view question, std::string_view note,
                                std::string_view subject) {
  std::unordered_set<std::string> known = stems_of(lower_words(subject));
  if (subject.empty()) {
    for (const std::string& word : note_words(note)) {
      const char32_t first = quipu::text::decode_utf8(word, 0).code_point;
      if (notes::to_lower(first) != first) known.merge(stems_of(lower_words(word)));
    }
  }
  const std::unordered_set<std::string> noted = stems_of(lower_words(note));
  const std::vector<std::string> asked = lower_words(question);
  return std::none_of(asked.begin(), asked.end(), [&](const std::string& word) {
    const std::string root(stem(word));
    return !notes::is_stop_word(word) && known.count(root) == 0 && noted.count(root) != 0;
  });
}

QUIPU_INLINE retrieval_set retrieval_set_of(std::span<const data::edit_case> cases, std::size_t n_edit) {
  retrieval_set set;
  std::size_t n = 0;
  for (const data::edit_case& c : cases) {
    if (c.notes.empty()) continue;
    if (n_edit != 0 && n++ == n_edit) break;
    std::vector<notes::note_id> ids;
    for (const std::string& text : c.notes) {
      set.notes.emplace_back(notes::without_final_period(text));
      ids.push_back(static_cast<notes::note_id>(set.notes.size()));
    }
    std::unordered_set<std::string_view> seen;
    for (const data::probe& p : c.in_scope) {
      if (!seen.insert(p.question).second) continue;
      const bool other_words = std::any_of(c.notes.begin(), c.notes.end(), [&](const std::string& text) {
        return is_paraphrase(p.question, text, c.subject);
      });
      set.questions.push_back({p.question, ids, other_words});
    }
  }
  return set;
}

QUIPU_INLINE report::table retrieval_table(std::span<const retriever_scores> rows, const retrieval_set& set) {
  const std::string other = concat(", ", set.n_paraphrase(), " paraphrases");
  if (set.n_wanted() > 1) {
    report::table out({{"retriever"},
                       {"questions", 0},
                       {"any@5"},
                       {"both@2"},
                       {"both@5"},
                       {"two hops both@5"},
                       {"both@5" + other},
                       {"two hops both@5" + other}});
    for (const retriever_scores& r : rows) {
      out.add_row({r.name, static_cast<std::int64_t>(r.all.size()), report::percent(r.all.recall_any(5)),
                   report::percent(r.all.recall_all(2)), report::percent(r.all.recall_all(5)),
                   report::percent(r.two_hops.recall_all(5)), report::percent(r.paraphrased.recall_all(5)),
                   report::percent(r.two_hops_paraphrased.recall_all(5))});
    }
    return out;
  }
  report::table out({{"retriever"},
                     {"questions", 0},
                     {"R@1"},
                     {"R@3"},
                     {"R@5"},
                     {"MRR", 3},
                     {"R@1" + other},
                     {"R@5" + other},
                     {"MRR" + other, 3}});
  const auto number = [](std::optional<double> value) { return value ? report::cell(*value) : report::cell(); };
  for (const retriever_scores& r : rows) {
    out.add_row({r.name, static_cast<std::int64_t>(r.all.size()), report::percent(r.all.recall_any(1)),
                 report::percent(r.all.recall_any(3)), report::percent(r.all.recall_any(5)),
                 number(r.all.mean_reciprocal_rank()), report::percent(r.paraphrased.recall_any(1)),
                 report::percent(r.paraphrased.recall_any(5)), number(r.paraphrased.mean_reciprocal_rank())});
  }
  return out;
}

}  // namespace quipu::eren
