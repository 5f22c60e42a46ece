/// @file The editor: a model whose answers notes can change, and nothing else can.
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

#include <quipu/eren/answer.hpp>
#include <quipu/eren/default_reader.hpp>
#include <quipu/eren/editor_options.hpp>
#include <quipu/eren/gate/default_gate.hpp>
#include <quipu/eren/gate/gate.hpp>
#include <quipu/eren/gate/gate_samples.hpp>
#include <quipu/eren/reading/reader.hpp>
#include <quipu/eren/reading/reading_session.hpp>
#include <quipu/eren/stages.hpp>
#include <quipu/llama/avoid_phrases.hpp>
#include <quipu/llama/language_model.hpp>
#include <quipu/notes/corrections.hpp>
#include <quipu/notes/default_retriever.hpp>
#include <quipu/notes/notebook.hpp>

namespace quipu::eren {

// Of eren/gate_workshop.hpp.
template <class Editor>
class gate_workshop;
struct labelled_question;

/// Edits a model by notes (Chen et al. 2024). A question is answered from the notes if the gate is
/// satisfied that they answer it; all other questions go to the unedited model by the application's own
/// prompt on the path of `llama::generate`, alone in a fresh sequence: same bytes as without any notes.
///
/// Cheap things come first: without a note that the gate finds worth reading, the model is not run at all
/// before the fallback. Readings share what their prompts have in common (see `reading_session`).
///
/// Not for two threads at once; several editors may share a model and a database.
///
/// @tparam Model      models `llama::language_model`
/// @tparam Store      models `notes::note_store`
/// @tparam Retriever  models `notes::note_retriever`
/// @tparam Reader     models `reader`; if none is given it is made for the model where it can be (`made_for`)
/// @tparam Gate       models `gate`; if none is given it is made for model and reader where it can be
/// Example: examples/07_eren/main.cpp
template <class Model, class Store, class Retriever = notes::default_retriever,
          class Reader = default_reader, class Gate = typename Reader::default_gate>
class editor {
  static_assert(llama::language_model<Model>,
                "editor: the model must model language_model (see llama/language_model.hpp)");

 public:
  using model_type = Model;
  using store_type = Store;
  using retriever_type = Retriever;
  using reader_type = Reader;
  using gate_type = Gate;
  using notebook_type = notes::notebook<Store, Retriever>;
  using session_type = reading_session<Model>;
  using stages_type = note_stages<notebook_type, session_type, Reader, Gate>;
  static_assert((explain_reader<Reader, session_type>(), explain_gate<Gate, session_type>(), true));

  /// @throws config_error  the model has a chat template that cannot be compiled, and no form is given
  explicit editor(Model model, Store store, editor_options options = {})
      : editor(model, std::move(store), Retriever(), detail::reader_for<Reader>(model, options.readers), options) {}
  editor(Model model, Store store, Retriever retriever, Reader reader, editor_options options = {})
      : editor(model, std::move(store), std::move(retriever), reader, detail::gate_for<Gate>(model, reader), std::move(options)) {}
  editor(Model model, Store store, Retriever retriever, Reader reader, Gate gate, editor_options options = {})
      : options_(std::move(options)),
        notebook_(std::move(store), std::move(retriever), options_.search_cache),
        reader_(std::move(reader)),
        gate_(std::move(gate)),
        session_(options_.form ? session_type(std::move(model), *options_.form, options_.team)
                               : session_type(std::move(model), options_.team)) {}

  // --- notes ---

  notes::add_result add_note(std::string text) {
    notes::note n;
    n.text = std::move(text);
    return add_note(n);
  }
  /// A live note that this one corrects gives way to it, see `editor_options::on_correction`.
  /// @throws format_error  see `check_note`
  notes::add_result add_note(const notes::note& n) {
    notes::revised_notes revised = notes::find_revised(notebook_, n);
    const bool replaces = revised.corrected != notes::no_note && options_.on_correction == correction_policy::replace &&
                          options_.on_conflict == notes::conflict_policy::supersede;
    notes::add_result result;
    if (replaces) result.id = notebook_.supersede(revised.corrected, n, options_.wall_clock());
    if (result.id != notes::no_note) {
      result.corrected = revised.corrected;
    } else {  // nothing to replace, or no longer
      result = notebook_.add(n, edit());
      if (revised.corrected != notes::no_note) revised.related.push_back(revised.corrected);
    }
    if (result.outcome == notes::add_outcome::added) result.related = std::move(revised.related);
    std::sort(result.related.begin(), result.related.end());
    return result;
  }
  /// All stay, whatever they correct.
  std::vector<notes::add_result> add_notes(std::span<const notes::note> all) {
    return notebook_.add_batch(all, edit());
  }
  /// Replaces the content of the note `changed.id`. @return false if there is none
  bool update(const notes::note& changed) { return notebook_.update(changed, options_.wall_clock()); }
  bool update(notes::note_id id, std::string text) {
    std::optional<notes::note> n = notebook_.find(id);
    if (!n) return false;
    n->text = std::move(text);
    return update(*n);
  }
  bool erase(notes::note_id id) { return notebook_.erase(id, options_.wall_clock()); }
  notes::note_id supersede(notes::note_id old, std::string text) {
    notes::note n;
    n.text = std::move(text);
    return notebook_.supersede(old, n, options_.wall_clock());
  }
  /// The edit that `undo` takes back next; nothing if there is none.
  [[nodiscard]] std::optional<notes::standing_edit> last_edit() const { return notebook_.last_edit(); }
  /// Takes back this editor's own last edits, newest first; where it has none left, those that stood when it was opened.
  /// What others wrote meanwhile stays. @return what was taken back
  /// @throws config_error  there are not so many; nothing is changed
  std::vector<notes::standing_edit> undo(std::size_t n_edit = 1) {
    return notebook_.undo(n_edit, options_.wall_clock());
  }
  void undo_to(notes::store_version version) { notebook_.undo_to(version, options_.wall_clock()); }
  [[nodiscard]] std::vector<notes::note_change> history(notes::note_id id) const {
    return notebook_.store().history(id);
  }
  [[nodiscard]] notes::store_version version() const { return notebook_.version(); }
  [[nodiscard]] std::size_t size() const { return notebook_.size(); }
  [[nodiscard]] notebook_type& notebook() noexcept { return notebook_; }
  [[nodiscard]] const notebook_type& notebook() const noexcept { return notebook_; }

  // --- answers ---

  /// @throws config_error  the application's prompt does not fit into the context
  [[nodiscard]] eren::answer answer(std::string_view question) {
    const std::string asked(question);
    return answer(std::move(consider({&asked, 1}).front()));
  }
  /// Finishes a question that was considered.
  [[nodiscard]] eren::answer answer(consideration considered) {
    eren::answer a;
    a.trace = std::move(considered);
    a.probability = a.trace.probability;
    if (a.trace.apply) {
      a.source = answer_source::read_note;
      a.text = a.trace.text;
      a.notes = a.trace.notes;
      return a;
    }
    const double begin = options_.clock();
    llama::generation own = direct(a.trace.question, denied_words(a.trace));
    a.trace.timings.fallback = options_.clock() - begin;
    a.text = std::move(own.text);
    a.stopped = own.reason;
    return a;
  }
  /// The unedited model's answer.  @param without  phrases that it must not say: what a note about the question denies
  [[nodiscard]] llama::generation direct(std::string_view question, const std::vector<std::string>& without = {}) {
    auto& s = session_.session();
    const llama::sequence_id sequence = s.create();
    struct eraser {
      decltype(s)& session;
      llama::sequence_id sequence;
      ~eraser() { session.erase(sequence); }
    } const cleanup{s, sequence};
    const std::vector<token_id> ids = application_ids(question);
    return llama::generate(s, session_.tokenizer(), sequence, ids,
                           llama::without_phrases(options_.generate, session_.tokenizer(), without, ids.size()));
  }
  /// The prompt that `direct` uses.
  [[nodiscard]] std::vector<token_id> application_ids(std::string_view question) const {
    if (options_.prompt) return options_.prompt(question);
    return session_.form().encode(session_.tokenizer(), {{{"user", std::string(question)}}, {}});
  }

  /// Everything but the fallback, for many questions in few batches.
  [[nodiscard]] std::vector<consideration> consider(std::span<const std::string> questions) {
    std::vector<consideration> all(questions.size());
    std::vector<open_question> open(questions.size());
    stage_watch watch{options_.clock, all};
    notebook_.refresh();
    const stages_type own = stages();
    std::string read_by, judged_by;
    if constexpr (says_its_basis<Reader>) read_by = reader_.basis();
    if constexpr (says_its_basis<Gate>) judged_by = gate_.basis();
    for (std::size_t q = 0; q < questions.size(); ++q) {
      all[q].question = questions[q];
      all[q].read_by = read_by;
      all[q].judged_by = judged_by;
      own.retrieve(all[q], open[q]);
    }
    watch.lap(&answer_timings::retrieve);
    for (std::size_t q = 0; q < questions.size(); ++q) own.screen(all[q], open[q]);
    watch.lap(&answer_timings::screen);
    own.read(all, open);
    watch.lap(&answer_timings::read);
    for (std::size_t q = 0; q < questions.size(); ++q) own.decide(all[q], open[q]);
    watch.lap(&answer_timings::gate);
    if constexpr (chaining_reader<Reader>) {
      own.chain(all, open);
      watch.lap(&answer_timings::read);
    }
    return all;
  }
  /// What `consider` goes through, for those who take the stages one by one.
  [[nodiscard]] stages_type stages() noexcept { return {notebook_, session_, reader_, gate_, options_}; }

  // --- the gate; callers of calibrate, fit, save and load include <quipu/eren/gate_workshop.hpp>, which says what they do ---

  /// By questions that the model writes for the notes, 30 of them at least; the caller includes
  /// <quipu/eren/study/self_calibration.hpp>, which says more.
  void calibrate() { calibrate_from_notes(*this); }
  void calibrate(std::span<const labelled_question> questions) { workshop().calibrate(questions); }
  void calibrate(std::span<const labelled_question> questions, const gate_fit_options& options) {
    workshop().calibrate(questions, options);
  }
  void fit(std::span<const labelled_question> questions) { workshop().fit(questions); }
  void fit(std::span<const labelled_question> questions, const gate_fit_options& options) {
    workshop().fit(questions, options);
  }
  void save_gate(const std::string& path) { workshop().save_gate(path); }
  void load_gate(const std::string& path) { workshop().load_gate(path); }
  [[nodiscard]] Gate& gate() noexcept { return gate_; }
  [[nodiscard]] const Gate& gate() const noexcept { return gate_; }
  [[nodiscard]] const Reader& reader() const noexcept { return reader_; }
  [[nodiscard]] session_type& session() noexcept { return session_; }
  [[nodiscard]] const editor_options& options() const noexcept { return options_; }

 private:
  [[nodiscard]] notes::edit_options edit() const { return {options_.on_conflict, options_.wall_clock()}; }
  [[nodiscard]] gate_workshop<editor> workshop() noexcept { return gate_workshop<editor>(*this); }

  editor_options options_;
  notebook_type notebook_;
  Reader reader_;
  Gate gate_;
  session_type session_;
};

}  // namespace quipu::eren
