/// @file What a reader of notes offers: questions and notes in, answers with their log-probabilities out.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <quipu/core/token.hpp>
#include <quipu/eren/reading/prompt.hpp>
#include <quipu/eren/reading/read_prompts.hpp>  // form_for
#include <quipu/eren/reading/reading.hpp>
#include <quipu/eren/reading/reading_session.hpp>

namespace quipu::eren {

// The gates that readers of this library name as theirs; eren/gate/ defines them.
struct abstention_gate;
struct open_gate;
struct margin_gate;
class default_gate;

template <class R>
concept reader_has_gate = requires { typename R::default_gate; };
template <class R>
concept reader_has_notes = requires {
  { R::grouping } -> std::convertible_to<note_grouping>;
  { R::n_note } -> std::convertible_to<std::size_t>;
};

/// Role `reader`.
///
/// | member | meaning |
/// |---|---|
/// | `default_gate` | type of the gate that goes with the reader |
/// | `grouping`, `n_note` | how it wants its notes, and how many of them a question |
/// | `read(session, tasks, wishes)` | one reading for each task, on a `reading_session` |
/// | `identity()` | names the prompt and the method, for the keys of fitted gates |
/// | `reads_jointly` | optional; false if notes that were read one by one are never read together after that |
/// | `chains` | optional, a constant or `chains()`; true if a note that the first one leads to is read with it where none alone answers |
/// | `made_for(model, folder)` | optional, static: the reader for a model, with what was taught for it in a folder |
/// | `basis()` | optional: what reads, and why, for people |
template <class R, class Session>
concept reader_on = std::copyable<R> && reader_has_gate<R> && reader_has_notes<R> &&
    requires(const R& r, Session& s, std::span<const reading_task> tasks, const reading_wishes& wishes) {
  { r.read(s, tasks, wishes) } -> std::same_as<std::vector<reading>>;
  { r.identity() } -> std::convertible_to<std::string>;
};

/// Optional: a reader whose notes, once read one by one, are never read together after that.
template <class R>
concept separate_reader = requires { requires !R::reads_jointly; };

/// Optional: a reader that was taught questions in two steps: where no note alone answers, the first one and a note that it
/// leads to are read together.
template <class R>
concept reader_that_may_chain = requires(const R& r) {
  { r.chains() } -> std::same_as<bool>;
};
template <class R>
concept chaining_reader = requires { requires R::chains; } || reader_that_may_chain<R>;

/// Optional: a reader that is made for a model, with what was taught for it in a folder.
template <class R, class Model>
concept reader_made_for = requires(const Model& m, const std::string& folder) {
  { R::made_for(m, folder) } -> std::same_as<R>;
};

/// Optional for readers and gates: what they go by, for people.
template <class T>
concept says_its_basis = requires(const T& t) {
  { t.basis() } -> std::convertible_to<std::string>;
};

template <class R, class Session>
consteval void explain_reader() {
  if constexpr (!std::copyable<R>) {
    static_assert(std::copyable<R>, "reader: the reader must be copyable");
  } else if constexpr (!reader_has_gate<R>) {
    static_assert(reader_has_gate<R>, "reader: declare 'using default_gate = ...'");
  } else if constexpr (!reader_has_notes<R>) {
    static_assert(
        reader_has_notes<R>,
        "reader: declare 'static constexpr note_grouping grouping' and 'static constexpr std::size_t n_note'");
  } else {
    static_assert(reader_on<R, Session>,
                  "reader: declare 'template <class Session> std::vector<reading> read(Session&, std::span<const "
                  "reading_task>, const reading_wishes&) const' and "
                  "'std::string identity() const'");
  }
}

/// Prompts that were read together and are given back together, whatever happens in between.
template <class Session, class Adapter = no_adapter>
class prompt_batch {
 public:
  using state = typename Session::state;

  prompt_batch(Session& session, std::vector<std::vector<token_id>> prompts, std::optional<std::size_t> depth,
               const Adapter& adapter = {})
      : session_(session),
        prompts_(std::move(prompts)),
        adapter_(adapter),
        states_(session.read(std::span<const std::vector<token_id>>(prompts_), depth, adapter)) {}
  prompt_batch(const prompt_batch&) = delete;
  prompt_batch& operator=(const prompt_batch&) = delete;
  ~prompt_batch() {
    for (std::size_t i = 0; i < states_.size(); ++i) {
      try {
        session_.release(states_[i], prompts_[i], adapter_);
      } catch (...) {  // no memory for the cache: the sequence stays with the session
      }
    }
  }
  [[nodiscard]] std::span<const state> states() const noexcept { return states_; }
  [[nodiscard]] const std::vector<token_id>& prompt(std::size_t i) const { return prompts_[i]; }

 private:
  Session& session_;
  std::vector<std::vector<token_id>> prompts_;
  const Adapter& adapter_;
  std::vector<state> states_;
};

/// Encodes the tasks' prompts and hands those that fit to `body(batch, indices)`, in portions.
///
/// @param readings  (tasks) prompt texts and sizes are filled in
template <class Prompt, class Session, class Adapter, class Body>
void with_prompts(const Prompt& words, Session& session, std::span<const reading_task> tasks,
                  const reading_wishes& wishes, const Adapter& adapter, std::vector<reading>& readings, Body&& body) {
  constexpr std::size_t portion = 16;  // prompts of one batch: 16 rows of logits are a few MB
  const prompt_form& form = form_for<Prompt>(session.form());
  readings.assign(tasks.size(), {});
  for (std::size_t first = 0; first < tasks.size(); first += portion) {
    std::vector<std::vector<token_id>> prompts;
    std::vector<std::size_t> indices;
    for (std::size_t i = first; i < std::min(tasks.size(), first + portion); ++i) {
      const prompt p = words(tasks[i].notes, tasks[i].question.text());
      std::vector<token_id> ids = form.encode(session.tokenizer(), p);
      readings[i].prompt_text = form.text(p);
      readings[i].n_prompt = ids.size();
      if (ids.empty() || !session.fits(adapter.n_virtual() + ids.size())) continue;
      prompts.push_back(std::move(ids));
      indices.push_back(i);
    }
    if (prompts.empty()) continue;
    const prompt_batch<Session, Adapter> batch(session, std::move(prompts), wishes.hidden_depth, adapter);
    for (std::size_t b = 0; b < indices.size(); ++b) {
      reading& r = readings[indices[b]];
      const auto& state = batch.states()[b];
      r.done = true;
      r.n_computed = state.n_computed;
      r.hidden = state.hidden;
      if (wishes.first_logits) r.first_logits.assign(state.logits.begin(), state.logits.end());
    }
    body(batch, std::span<const std::size_t>(indices));
  }
}

}  // namespace quipu::eren
