/// @file Readers that do what other editors do: SCR, IKE and MeLLo, on the same notes and the same model.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/eren/reading/abstention.hpp>
#include <quipu/eren/reading/greedy_writer.hpp>
#include <quipu/eren/reading/neighbour_prompts.hpp>
#include <quipu/eren/reading/prompt.hpp>
#include <quipu/eren/reading/question_words.hpp>  // lower
#include <quipu/eren/reading/reader.hpp>
#include <quipu/notes/note.hpp>

namespace quipu::eren {

namespace detail {

/// Greedy text after one prompt of a user.
template <class Session>
written_text ask(Session& session, const prompt_form& form, std::string text, const writing_options& options,
                 reading& r) {
  const prompt p{{{"user", std::move(text)}}, {}};
  std::vector<std::vector<token_id>> prompts = {form.encode(session.tokenizer(), p)};
  r.done = !prompts.front().empty() && session.fits(prompts.front().size());
  r.n_prompt += prompts.front().size();
  r.prompt_text = form.text(p);
  if (!r.done) return {};
  const prompt_batch<Session> batch(session, std::move(prompts), {});
  const auto& state = batch.states().front();
  r.n_computed += state.n_computed;
  return write_greedily(session, state.sequence, std::span<const typename Session::scalar_type>(state.logits), options);
}

}  // namespace detail

/// SCR: the model picks a fact or says that none fits, then answers from the fact alone.
struct scr_reader {
  using default_gate = abstention_gate;
  static constexpr note_grouping grouping = note_grouping::together;
  static constexpr std::size_t n_note = 5;

  template <class Session>
  [[nodiscard]] std::vector<reading> read(Session& session, std::span<const reading_task> tasks,
                                          const reading_wishes& = {}) const {
    std::vector<reading> all;
    for (const reading_task& task : tasks) {
      reading r;
      const written_text fact = detail::ask(
          session, session.form(), neighbours::scr_selection(task.notes, task.question.text()), {50, {"\n"}}, r);
      const std::string low = detail::lower(fact.text);
      r.abstained = std::any_of(std::begin(neighbours::scr_none), std::end(neighbours::scr_none),
                                [&](std::string_view none) { return low.find(none) != std::string::npos; });
      if (r.done && !r.abstained) {
        const written_text answer =
            detail::ask(session, session.form(),
                        neighbours::scr_answer(text::strip_spaces(fact.text), task.question.text()), {24, {"\n"}}, r);
        r.answer = tidy_answer(answer.text);
        r.log_p_answer = answer.log_p;
        r.n_token = answer.n_token;
      }
      all.push_back(std::move(r));
    }
    return all;
  }
  [[nodiscard]] std::string identity() const { return "SCR"; }
};

/// IKE: demonstrations of copying, changing and staying, the best note as the new fact. There is no gate:
/// whether the fact matters is left to the model.
struct ike_reader {
  using default_gate = open_gate;
  static constexpr note_grouping grouping = note_grouping::together;
  static constexpr std::size_t n_note = 1;
  std::vector<neighbours::demonstration> demonstrations = neighbours::ike_demonstrations();

  template <class Session>
  [[nodiscard]] std::vector<reading> read(Session& session, std::span<const reading_task> tasks,
                                          const reading_wishes& = {}) const {
    static const prompt_form plain;  // a text to continue, not a conversation
    std::vector<reading> all;
    for (const reading_task& task : tasks) {
      reading r;
      const written_text answer = detail::ask(
          session, plain, neighbours::ike(demonstrations, task.notes.front(), task.question.text()), {24, {"\n"}}, r);
      r.answer = tidy_answer(answer.text);
      r.log_p_answer = answer.log_p;
      r.n_token = answer.n_token;
      all.push_back(std::move(r));
    }
    return all;
  }
  [[nodiscard]] std::string identity() const { return "IKE"; }
};

struct mello_options {
  std::size_t max_rounds = 4;
  std::size_t max_tokens = 128;
  std::string demonstrations = std::string(neighbours::mello_demonstrations);
};

struct mello_result {
  std::string answer;                 ///< empty if the model never came to a final one
  std::vector<notes::note_id> notes;  ///< that were shown, in order
  std::string transcript;
};

/// MeLLo: the model takes a question with several hops apart; to each part the best note is shown, and the
/// model says whether it contradicts. Needs a model that keeps to the form.
template <class Session, class Notebook>
[[nodiscard]] mello_result ask_mello(Session& session, const Notebook& notebook, std::string_view question,
                                     const mello_options& options = {}) {
  static const prompt_form plain;
  mello_result result;
  result.transcript = concat(options.demonstrations, "\n\nQuestion: ", guarded(question), "\n");
  for (std::size_t round = 0; round < options.max_rounds; ++round) {
    reading r;
    const written_text text =
        detail::ask(session, plain, result.transcript, {options.max_tokens, {"Retrieved fact:", "\n\n"}}, r);
    if (!r.done) return result;
    result.transcript += text.text;
    if (const std::size_t at = text.text.find("Final answer:"); at != std::string::npos) {
      const std::string_view rest = std::string_view(text.text).substr(at + 13);
      result.answer = tidy_answer(rest.substr(0, rest.find('\n')));
      return result;
    }
    const std::size_t at = text.text.rfind("Subquestion:");
    if (at == std::string::npos) return result;
    const std::string_view rest = std::string_view(text.text).substr(at + 12);
    const std::string part(text::strip_spaces(rest.substr(0, rest.find('\n'))));
    const auto found = notebook.retrieve(part, 1);
    std::string fact;
    if (!found.empty()) {
      if (const auto n = notebook.find(found.front().id)) fact = guarded_note(n->text);
      result.notes.push_back(found.front().id);
    }
    if (!result.transcript.ends_with('\n')) result.transcript += '\n';
    result.transcript += concat("Retrieved fact: ", fact, ".\n");
  }
  return result;
}

}  // namespace quipu::eren
