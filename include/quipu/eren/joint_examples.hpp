/// @file Examples that teach a reader of several notes, or of claims: what was found, and what is to come out.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/eren/evaluate.hpp>
#include <quipu/eren/prompt.hpp>
#include <quipu/eren/read_prompts.hpp>
#include <quipu/notes/notebook.hpp>
#include <quipu/train/example_source.hpp>

namespace quipu::eren {

/// One thing to learn. Texts are guarded, the notes without their final periods.
struct joint_example {
  std::string question;            ///< or a claim
  std::vector<std::string> notes;  ///< in the order in which they were found
  std::string answer;              ///< or the reader's word for "no answer"
  bool answers = false;            ///< the notes answer the question
};

struct joint_example_options {
  std::size_t n_note = 1;                    ///< for a question, as many as the reader will get
  std::string abstention = "unanswerable";
};

/// What an editor with these notes would have read for the questions, with what should have come out. All of an edit's own
/// notes are there for a question in its scope: those that were not found take the last places of the others. Left out
/// are questions for which nothing is found or nothing is known, those beside their edit but in the scope of another
/// one, and those that need more notes than there are places.
///
/// @param ids  notes of every case, see `add_all_notes`
template <class Store, class Retriever>
[[nodiscard]] std::vector<joint_example> joint_examples(const notes::notebook<Store, Retriever>& notebook, std::span<const evaluation_question> questions,
                                                        std::span<const std::vector<notes::note_id>> ids, const joint_example_options& options = {}) {
  std::vector<joint_example> examples;
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
    joint_example e{guarded(q.question), {}, in_scope ? q.accepted.front() : options.abstention, in_scope};
    for (const notes::note_id id : chosen) {
      if (const std::optional<notes::note> n = notebook.find(id)) e.notes.push_back(guarded_note(n->text));
    }
    if (!e.notes.empty()) examples.push_back(std::move(e));
  }
  return examples;
}

/// The examples as a reader with the prompt `Prompt` meets them: only the answer and the end token are learned. Answers
/// and abstentions have the same total weight, and so has each example of a kind, however long its answer is.
///
/// @param n_most  examples of more tokens are left out, and counted nowhere; 0: none
/// @throws config_error  examples of one kind only
template <read_prompt Prompt = plain_note_prompt, text::tokenizer Tokenizer>
[[nodiscard]] train::example_list encode_joint_examples(const Tokenizer& tokenizer, std::span<const joint_example> examples, const prompt_form& form_of_model = {},
                                                        const Prompt& words = {}, std::size_t n_most = 0) {
  const prompt_form& form = form_for<Prompt>(form_of_model);
  std::vector<train::example> all;
  std::vector<std::size_t> n_learned;
  std::vector<bool> answers;
  for (const joint_example& e : examples) {
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
    fail<config_error>("encode_joint_examples", "notes that answer and notes that do not", concat(n_answer, " of ", all.size(), " that answer"));
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::size_t n_kind = answers[i] ? n_answer : all.size() - n_answer;
    all[i].weight = 0.5 * static_cast<double>(all.size()) / static_cast<double>(n_kind) / static_cast<double>(n_learned[i]);
  }
  return train::example_list(std::move(all));
}

}  // namespace quipu::eren
