/// @file Examples that teach a reader: a question and the best note for it, and the answer or that there is none.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/crc32.hpp>
#include <quipu/core/error.hpp>
#include <quipu/data/edit_case.hpp>
#include <quipu/eren/study/evaluation_questions.hpp>
#include <quipu/eren/gate/pair_evidence.hpp>  // note_statistics
#include <quipu/eren/reading/best_passages.hpp>
#include <quipu/eren/reading/prompt.hpp>
#include <quipu/eren/reading/read_prompts.hpp>
#include <quipu/notes/notebook.hpp>
#include <quipu/train/example_source.hpp>

namespace quipu::eren {

/// Edits of the development part that no reader is trained on, so that thresholds can be chosen there: a quarter.
[[nodiscard]] inline bool held_back(std::string_view decimal_id) noexcept {
  return crc32(std::string("h").append(decimal_id)) % 4 == 0;
}

[[nodiscard]] inline bool learned_from(std::string_view decimal_id) noexcept { return !held_back(decimal_id); }

/// The questions of those edits for which `keep(id)` holds.
template <class Keep>
[[nodiscard]] std::vector<evaluation_question> questions_of(std::span<const data::edit_case> cases,
                                                            std::vector<evaluation_question> questions, Keep&& keep) {
  std::erase_if(questions, [&](const evaluation_question& q) { return !keep(cases[q.edit].id); });
  return questions;
}

/// One thing to learn. Texts are guarded, the notes without their final periods.
struct reader_example {
  std::string question;            ///< or a claim
  std::vector<std::string> notes;  ///< in the order in which they were found
  std::string answer;              ///< or the reader's word for "no answer"
  bool answers = false;            ///< the notes answer the question
};

/// The passage of a note that an editor would read for a question and, if the passage holds one of the accepted answers,
/// which. Of a long note the best passage that holds one counts, if there is any.
struct read_passage {
  std::string text;                   ///< guarded, without its final period
  std::string answer;                 ///< the accepted answer that stands in it; empty: none
  std::optional<std::string> before;  ///< a passage without it that would have been read first
};

/// @param idf  of a word among the notes
template <class Idf>
[[nodiscard]] read_passage passage_to_read(const asked_question& question, std::string_view note,
                                           std::span<const std::string> accepted, Idf&& idf) {
  const std::vector<std::string_view> passages = best_passages(question, note, idf, accepted.empty() ? 1 : 8, false);
  read_passage first;
  for (std::size_t i = 0; i < passages.size(); ++i) {
    read_passage one{guarded_note(passages[i]), {}, {}};
    const auto found = std::find_if(accepted.begin(), accepted.end(), [&](const std::string& answer) {
      return !answer.empty() && one.text.find(answer) != std::string::npos;
    });
    if (found != accepted.end()) one.answer = *found;
    if (i == 0) {
      first = std::move(one);
      if (found != accepted.end()) return first;
    } else if (found != accepted.end()) {
      one.before = std::move(first.text);
      return one;
    }
  }
  return first;
}

/// What an editor with these notes would have read for the questions, with what should have come out. Left out are
/// questions for which no note is found, those in the scope of an edit for which another note than its own comes first
/// (nothing right can be said), and those beside their edit but in the scope of another one. Of a question that needs
/// several notes, one alone that does not hold the answer teaches to abstain. So does a passage of a long note that would
/// have been read before the one with the answer.
///
/// @param ids         notes of every case, see `add_all_notes`
/// @param abstention  the word of the reader's options
/// @param near_miss   one in so many questions that their note answers is also asked about the next best note, which does
///                    not; 0: none
template <class Store, class Retriever>
[[nodiscard]] std::vector<reader_example> reader_examples(const notes::notebook<Store, Retriever>& notebook,
                                                          std::span<const evaluation_question> questions,
                                                          std::span<const std::vector<notes::note_id>> ids,
                                                          std::string_view abstention = "unanswerable",
                                                          std::size_t near_miss = 0) {
  std::vector<reader_example> examples;
  const note_statistics<Retriever> statistics(notebook.retriever());
  const auto idf = [&](std::string_view word) { return statistics.idf(word); };
  for (const evaluation_question& q : questions) {
    if (q.kind == question_kind::portability || q.contaminated) continue;
    const std::vector<notes::scored_note> found = notebook.retrieve(q.question, 1);
    if (found.empty()) continue;
    const bool in_scope = q.kind == question_kind::in_scope;
    const auto& own = ids[q.edit];
    if (in_scope && (q.accepted.empty() || std::find(own.begin(), own.end(), found.front().id) == own.end())) continue;
    const std::optional<notes::note> note = notebook.find(found.front().id);
    if (!note) continue;
    const asked_question asked(q.question);
    read_passage read = passage_to_read(asked, note->text, in_scope ? std::span(q.accepted) : std::span<const std::string>(), idf);
    if (read.text.empty()) continue;
    const auto add = [&](const std::string& text, std::string answer) {
      const bool answers = !answer.empty();
      if (!answers) answer = abstention;
      examples.push_back({asked.text(), {text}, std::move(answer), answers});
    };
    if (!in_scope) {
      add(read.text, {});
    } else if (own.size() > 1) {
      if (read.answer.empty()) add(read.text, {});
    } else if (!read.answer.empty() || note->text.size() <= notes::passage_options().n_whole) {
      if (read.before) add(*read.before, {});
      add(read.text, read.answer.empty() ? q.accepted.front() : read.answer);
      if (near_miss == 0 || crc32(q.question) % near_miss != 0) continue;
      const std::vector<notes::scored_note> two = notebook.retrieve(q.question, 2);
      const std::optional<notes::note> next = two.size() < 2 ? std::nullopt : notebook.find(two[1].id);
      if (!next) continue;
      const read_passage missed = passage_to_read(asked, next->text, std::span(q.accepted), idf);
      if (missed.answer.empty() && !missed.text.empty()) add(missed.text, {});
    }
  }
  return examples;
}

/// The examples as a reader with the prompt `Prompt` meets them: only the answer and the end token are learned. Answers
/// and abstentions have the same total weight, and so has each example of a kind, however long its answer is.
///
/// @param n_most  examples of more tokens are left out, and counted nowhere; 0: none
/// @throws config_error  examples of one kind only
template <read_prompt Prompt = plain_note_prompt, text::tokenizer Tokenizer>
[[nodiscard]] train::example_list encode_examples(const Tokenizer& tokenizer, std::span<const reader_example> examples,
                                                  const prompt_form& form_of_model = {}, const Prompt& words = {},
                                                  std::size_t n_most = 0) {
  const prompt_form& form = form_for<Prompt>(form_of_model);
  std::vector<train::example> all;
  std::vector<std::size_t> n_learned;
  std::vector<bool> answers;
  for (const reader_example& e : examples) {
    std::vector<token_id> answer = continuation_ids(tokenizer, ":", " " + e.answer);
    if (tokenizer.eos() != no_token) answer.push_back(tokenizer.eos());
    train::example one = train::prompt_and_answer(form.encode(tokenizer, words(e.notes, e.question)), answer);
    if (n_most != 0 && one.tokens.size() > n_most) continue;
    all.push_back(std::move(one));
    n_learned.push_back(answer.size());
    answers.push_back(e.answers);
  }
  const auto n_answer = static_cast<std::size_t>(std::count(answers.begin(), answers.end(), true));
  if (n_answer == 0 || n_answer == all.size()) {
    fail<config_error>("encode_examples", "notes that answer and notes that do not",
                       concat(n_answer, " of ", all.size(), " that answer"));
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::size_t n_kind = answers[i] ? n_answer : all.size() - n_answer;
    all[i].weight =
        0.5 * static_cast<double>(all.size()) / static_cast<double>(n_kind) / static_cast<double>(n_learned[i]);
  }
  return train::example_list(std::move(all));
}

}  // namespace quipu::eren
