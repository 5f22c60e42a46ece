/// @file Fitting and calibrating an editor's gate on the user's own questions, and keeping it in a file.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <quipu/eren/answer.hpp>
#include <quipu/eren/editor.hpp>
#include <quipu/eren/gate/gate.hpp>
#include <quipu/eren/gate/gate_file.hpp>
#include <quipu/eren/gate/gate_fit.hpp>
#include <quipu/eren/gate/gate_samples.hpp>
#include <quipu/eren/stages.hpp>

namespace quipu::eren {

/// A question with the note that answers it, for fitting and calibrating gates.
struct labelled_question {
  std::string question;
  notes::note_id note = notes::no_note;  ///< none: no note answers it
  std::string group = {};                ///< questions of one group stay together in folds; empty: the note's
};

/// What a gate would see of a question and its best note.
struct examined_question {
  bool found = false;  ///< false: no note shares a word with the question, or the prompt is too long
  notes::note_id note = notes::no_note;
  std::string answer;
  bool abstained = false;
  std::vector<double> features;
  std::vector<float> hidden;
};

/// Works on the gate of an editor; the editor's own `calibrate`, `fit`, `save_gate` and `load_gate` come here.
/// Include this header where they are called: an editor that only answers does not pay for it.
///
/// @tparam Editor  an `editor`
template <class Editor>
class gate_workshop {
  using gate_type = typename Editor::gate_type;
  using session_type = typename Editor::session_type;

 public:
  /// @param editor  must live as long as the workshop
  explicit gate_workshop(Editor& editor) noexcept : editor_(editor) {}

  /// Reads the best note of every question, whatever the gate says of it before, and gives the gate's
  /// features. If several notes are read one by one it is the one whose answer is likeliest over abstaining. Reading is
  /// done in batches.
  [[nodiscard]] std::vector<examined_question> examine(std::span<const std::string> questions) requires
      measuring_gate<gate_type, session_type> {
    std::vector<consideration> all(questions.size());
    std::vector<open_question> open(questions.size());
    editor_.notebook().refresh();
    const auto stages = editor_.stages();
    for (std::size_t q = 0; q < questions.size(); ++q) {
      all[q].question = questions[q];
      stages.retrieve(all[q], open[q]);
      for (std::size_t i = 0; i < open[q].evidence.size(); ++i) open[q].read_index.push_back(i);
    }
    stages.read(all, open);
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
      x.features = editor_.gate().measure(editor_.session(), e);
      x.hidden = e.read.hidden;
    }
    return examined;
  }
  /// Samples for fitting: one for each question and its best note. If no note shares a word with a
  /// question there is none.
  [[nodiscard]] std::vector<gate_sample> measure(std::span<const labelled_question> questions) requires
      measuring_gate<gate_type, session_type> {
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
  /// questions from the same source as the calibration ones.
  /// @throws config_error  too few questions without a note for the damage rate
  void calibrate(std::span<const labelled_question> questions,
                 const gate_fit_options& options = {}) requires calibratable_gate<gate_type> {
    editor_.gate().calibrate(measure(questions), options);
  }
  /// Fits the gate's weights as well: for some hundred questions of dozens of notes, or more.
  void fit(std::span<const labelled_question> questions,
           const gate_fit_options& options = {}) requires fittable_gate<gate_type> {
    editor_.gate().fit(measure(questions), options);
  }
  /// What a gate file of this editor is keyed by.
  [[nodiscard]] gate_keys keys() const {
    auto& session = editor_.session();
    return {key_of_model(session.model()), key_of_tokenizer(session.tokenizer()),
            key_of_prompt(session.tokenizer(), session.form(), editor_.reader().identity())};
  }
  /// @throws io_error
  void save_gate(const std::string& path) const { eren::save_gate(path, editor_.gate().model(), keys()); }
  /// @throws io_error, format_error, config_error (another model, vocabulary or prompt), shape_error (other features)
  void load_gate(const std::string& path) { editor_.gate().set_model(eren::load_gate(path, keys())); }

 private:
  Editor& editor_;
};

}  // namespace quipu::eren
