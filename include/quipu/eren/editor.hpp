/// @file The editor: a model whose answers notes can change, and nothing else can.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/clock.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/thread_team.hpp>
#include <quipu/eren/answer.hpp>
#include <quipu/eren/candidates.hpp>
#include <quipu/eren/default_gate.hpp>
#include <quipu/eren/editor_options.hpp>
#include <quipu/eren/extractive_reader.hpp>
#include <quipu/eren/gate.hpp>
#include <quipu/eren/gate_file.hpp>
#include <quipu/eren/pair_evidence.hpp>
#include <quipu/eren/reader.hpp>
#include <quipu/eren/reading_session.hpp>
#include <quipu/llama/generate.hpp>
#include <quipu/llama/language_model.hpp>
#include <quipu/notes/notebook.hpp>

namespace quipu::eren {

/// Edits a model by notes (Chen et al. 2024). A question is answered from the notes where the gate is
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
/// @tparam Reader     models `reader`
/// @tparam Gate       models `gate`
/// Example: examples/07_eren/main.cpp
template <class Model, class Store, class Retriever, class Reader = extractive_reader,
          class Gate = typename Reader::default_gate>
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
  static_assert((explain_reader<Reader, session_type>(), explain_gate<Gate, session_type>(), true));

  /// @throws config_error  the model has a chat template that the library does not know, and no form is given
  explicit editor(Model model, Store store, editor_options options = {})
      : editor(std::move(model), std::move(store), Retriever(), Reader(), Gate(), std::move(options)) {}
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
  /// @throws format_error  see `check_note`
  notes::add_result add_note(const notes::note& n) { return notebook_.add(n, edit()); }
  std::vector<notes::add_result> add_notes(std::span<const notes::note> all) {
    return notebook_.add_batch(all, edit());
  }
  /// Replaces the content of the note `changed.id`. @return false where there is none
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
  /// Takes the last edits back. @throws config_error  there are not so many
  void undo(std::size_t n_edit = 1) {
    notebook_.refresh();
    const auto version = notebook_.version();
    if (static_cast<std::size_t>(version) < n_edit)
      fail<config_error>("editor::undo", concat("at most ", version, " edits"), n_edit);
    undo_to(version - static_cast<notes::store_version>(n_edit));
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
    llama::generation own = direct(a.trace.question);
    a.trace.timings.fallback = options_.clock() - begin;
    a.text = std::move(own.text);
    a.stopped = own.reason;
    return a;
  }
  /// The unedited model's answer.
  [[nodiscard]] llama::generation direct(std::string_view question) {
    auto& s = session_.session();
    const llama::sequence_id sequence = s.create();
    struct eraser {
      decltype(s)& session;
      llama::sequence_id sequence;
      ~eraser() { session.erase(sequence); }
    } const cleanup{s, sequence};
    return llama::generate(s, session_.tokenizer(), sequence, application_ids(question), options_.generate);
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
    for (std::size_t q = 0; q < questions.size(); ++q) {
      all[q].question = questions[q];
      retrieve(all[q], open[q]);
    }
    watch.lap(&answer_timings::retrieve);
    for (std::size_t q = 0; q < questions.size(); ++q) screen(all[q], open[q]);
    watch.lap(&answer_timings::screen);
    read(all, open);
    watch.lap(&answer_timings::read);
    for (std::size_t q = 0; q < questions.size(); ++q) decide(all[q], open[q]);
    watch.lap(&answer_timings::gate);
    return all;
  }

  // --- the gate ---

  /// Reads the best note of every question, whatever the gate says of it before, and gives the gate's
  /// features. Where several notes are read one by one it is that whose answer is likeliest over abstaining. Reading is
  /// done in batches.
  [[nodiscard]] std::vector<examined_question> examine(std::span<const std::string> questions)
    requires measuring_gate<Gate, session_type>
  {
    std::vector<consideration> all(questions.size());
    std::vector<open_question> open(questions.size());
    notebook_.refresh();
    for (std::size_t q = 0; q < questions.size(); ++q) {
      all[q].question = questions[q];
      retrieve(all[q], open[q]);
      if (open[q].evidence.empty()) continue;
      for (std::size_t i = 0; i < open[q].evidence.size(); ++i) open[q].read_index.push_back(i);
    }
    read(all, open);
    std::vector<examined_question> examined(questions.size());
    for (std::size_t q = 0; q < questions.size(); ++q) {
      const auto margin = [](const gate_evidence& e) {
        return e.read.done ? e.read.log_p_answer - e.read.log_p_abstain : -1e300;
      };
      const auto best =
          std::max_element(open[q].evidence.begin(), open[q].evidence.end(),
                           [&](const gate_evidence& a, const gate_evidence& b) { return margin(a) < margin(b); });
      if (best == open[q].evidence.end() || !best->read.done) continue;
      examined_question& x = examined[q];
      const gate_evidence& e = *best;
      x.found = true;
      x.note = e.ids.front();
      x.answer = e.read.answer;
      x.abstained = e.read.abstained;
      x.features = gate_.measure(session_, e);
      x.hidden = e.read.hidden;
    }
    return examined;
  }
  /// Samples for fitting: one for each question and its best note. Where no note shares a word with a
  /// question there is none.
  [[nodiscard]] std::vector<gate_sample> measure(std::span<const labelled_question> questions)
    requires measuring_gate<Gate, session_type>
  {
    std::vector<gate_sample> samples;
    constexpr std::size_t portion = 32;
    for (std::size_t first = 0; first < questions.size(); first += portion) {
      const auto some = questions.subspan(first, std::min(portion, questions.size() - first));
      std::vector<std::string> texts;
      for (const labelled_question& q : some) texts.push_back(q.question);
      std::vector<examined_question> examined = examine(texts);
      for (std::size_t i = 0; i < some.size(); ++i) {
        if (!examined[i].found) continue;
        const bool positive = some[i].note != notes::no_note && examined[i].note == some[i].note;
        std::string group = !some[i].group.empty()
                                ? some[i].group
                                : std::to_string(some[i].note != notes::no_note ? some[i].note : examined[i].note);
        samples.push_back({std::move(examined[i].features), std::move(examined[i].hidden), positive, std::move(group)});
      }
    }
    return samples;
  }
  /// Chooses the gate's threshold and probabilities on the user's own questions, its weights kept. With
  /// `options.damage` the share of questions that a note overrides wrongly is held below that rate, for
  /// questions that come from where the calibration ones came from.
  /// @throws config_error  too few questions without a note for the damage rate
  void calibrate(std::span<const labelled_question> questions, const gate_fit_options& options = {})
    requires calibratable_gate<Gate>
  {
    gate_.calibrate(measure(questions), options);
  }
  /// Fits the gate's weights as well: for some hundred questions of dozens of notes, or more.
  void fit(std::span<const labelled_question> questions, const gate_fit_options& options = {})
    requires fittable_gate<Gate>
  {
    gate_.fit(measure(questions), options);
  }
  /// What a gate file of this editor is keyed by.
  [[nodiscard]] gate_keys keys() const {
    return {key_of_model(session_.model()), key_of_tokenizer(session_.tokenizer()),
            key_of_prompt(session_.tokenizer(), session_.form(), reader_.identity())};
  }
  void save_gate(const std::string& path) const { eren::save_gate(path, gate_.model(), keys()); }
  /// @throws io_error, format_error, config_error (another model, vocabulary or prompt), shape_error (other features)
  void load_gate(const std::string& path) { gate_.set_model(eren::load_gate(path, keys())); }
  [[nodiscard]] Gate& gate() noexcept { return gate_; }
  [[nodiscard]] const Gate& gate() const noexcept { return gate_; }
  [[nodiscard]] const Reader& reader() const noexcept { return reader_; }
  [[nodiscard]] session_type& session() noexcept { return session_; }
  [[nodiscard]] const editor_options& options() const noexcept { return options_; }

 private:
  struct open_question {
    std::string question;                  // guarded
    std::vector<gate_evidence> evidence;   // of each candidate, or one for all together
    std::vector<std::size_t> read_index;   // of `evidence`: worth reading
  };
  struct stage_watch {
    const std::function<double()>& clock;
    std::vector<consideration>& all;
    double last = clock();
    void lap(double answer_timings::*stage) {
      const double now = clock();
      for (consideration& c : all) c.timings.*stage += (now - last) / static_cast<double>(all.size());
      last = now;
    }
  };

  [[nodiscard]] notes::edit_options edit() const { return {options_.on_conflict, options_.wall_clock()}; }
  [[nodiscard]] std::size_t n_note() const noexcept { return options_.n_note == 0 ? Reader::n_note : options_.n_note; }

  void retrieve(consideration& c, open_question& open) const {
    if (notebook_.size() == 0) return;
    open.question = guarded(c.question);
    const note_statistics<Retriever> statistics(notebook_.retriever());
    c.candidates = find_candidates(notebook_, statistics, c.question, n_note(), options_.wall_clock());
    const auto idf = [statistics](std::string_view word) { return statistics.idf(word); };
    for (const considered_note& n : c.candidates) {
      if (Reader::grouping == note_grouping::together && !open.evidence.empty()) {
        open.evidence[0].notes.push_back(n.text);
        open.evidence[0].ids.push_back(n.id);
        continue;
      }
      open.evidence.push_back({open.question, {n.text}, {n.id}, n.retrieval_score, n.evidence, idf, {}});
    }
  }
  void screen(consideration& c, open_question& open) const {
    for (std::size_t i = 0; i < open.evidence.size(); ++i) {
      if constexpr (screening_gate<Gate>) c.candidates[i].worth_reading = gate_.worth_reading(open.evidence[i]);
      if (c.candidates[i].worth_reading) open.read_index.push_back(i);
    }
  }
  void read(std::vector<consideration>& all, std::vector<open_question>& open) {
    std::vector<reading_task> tasks;
    for (const open_question& o : open) {
      for (const std::size_t i : o.read_index) tasks.push_back({o.question, o.evidence[i].notes});
    }
    if (tasks.empty()) return;
    reading_wishes wishes;
    if constexpr (requires(const Gate& g) { { g.wishes() } -> std::same_as<reading_wishes>; }) wishes = gate_.wishes();
    std::vector<reading> readings = reader_.read(session_, std::span<const reading_task>(tasks), wishes);
    std::size_t next = 0;
    for (std::size_t q = 0; q < open.size(); ++q) {
      for (const std::size_t i : open[q].read_index) {
        open[q].evidence[i].read = readings[next];
        all[q].candidates[i].read = std::move(readings[next++]);
      }
    }
  }
  void decide(consideration& c, open_question& open) {
    std::vector<std::size_t> passed;
    for (const std::size_t i : open.read_index) {
      if (!open.evidence[i].read.done) continue;
      c.candidates[i].decision = gate_.decide(session_, open.evidence[i]);
      c.probability = std::max(c.probability, c.candidates[i].decision.probability);
      if (c.candidates[i].decision.apply) passed.push_back(i);
    }
    if (passed.empty()) return;
    c.apply = true;
    if constexpr (Reader::grouping == note_grouping::together) {
      c.text = open.evidence[0].read.answer;
      c.notes = sources_of(c.text, open.evidence[0]);
      c.joint = open.evidence[0].ids.size() > 1;
      if (c.joint) c.joint_reading = open.evidence[0].read;
    } else {
      const std::size_t best = *std::max_element(passed.begin(), passed.end(), [&](std::size_t a, std::size_t b) {
        return c.candidates[a].decision.probability < c.candidates[b].decision.probability;
      });
      c.text = open.evidence[best].read.answer;
      c.probability = c.candidates[best].decision.probability;
      c.notes = {c.candidates[best].id};
      read_jointly(c, open, best, std::move(passed));
    }
    std::sort(c.notes.begin(), c.notes.end());
  }
  // Notes that answer the question too, and notes that the best one's own words lead to, are read with it.
  void read_jointly(consideration& c, const open_question& open, std::size_t best, std::vector<std::size_t> chosen) {
    if constexpr (requires { Reader::reads_jointly; }) {
      if (!Reader::reads_jointly) return;
    }
    for (std::size_t i = 0; i < c.candidates.size(); ++i) {
      const bool known = std::find(chosen.begin(), chosen.end(), i) != chosen.end();
      if (!known && leads_to(c.candidates[best].text, c.candidates[i].text, open.question)) chosen.push_back(i);
    }
    if (chosen.size() < 2) return;
    std::stable_sort(chosen.begin(), chosen.end(),
                     [&](std::size_t a, std::size_t b) { return (a == best) > (b == best); });
    reading_task task{open.question, {}};
    std::vector<notes::note_id> ids;
    for (const std::size_t i : chosen) {
      task.notes.push_back(c.candidates[i].text);
      ids.push_back(c.candidates[i].id);
    }
    reading joint = reader_.read(session_, std::span<const reading_task>(&task, 1), reading_wishes{}).front();
    if (!joint.done || joint.abstained) return;
    c.joint = true;
    c.text = joint.answer;
    c.notes = std::move(ids);
    c.joint_reading = std::move(joint);
  }
  /// The notes that contain the answer; all that were read where none does.
  [[nodiscard]] static std::vector<notes::note_id> sources_of(const std::string& text, const gate_evidence& e) {
    std::vector<notes::note_id> ids;
    for (std::size_t i = 0; i < e.notes.size(); ++i) {
      if (!text.empty() && e.notes[i].find(text) != std::string::npos) ids.push_back(e.ids[i]);
    }
    return ids.empty() ? e.ids : ids;
  }

  editor_options options_;
  notebook_type notebook_;
  Reader reader_;
  Gate gate_;
  session_type session_;
};

}  // namespace quipu::eren
