/// @file Calibrating an editor's gate on its own notes, by questions that the model writes for them: nobody labels anything.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <quipu/core/crc32.hpp>
#include <quipu/core/error.hpp>
#include <quipu/eren/editor.hpp>
#include <quipu/eren/gate/gate_fit.hpp>
#include <quipu/eren/reading/guarded.hpp>
#include <quipu/eren/study/evaluation_questions.hpp>
#include <quipu/eren/study/gate_study.hpp>
#include <quipu/eren/study/question_maker.hpp>
#include <quipu/eren/study/unlabelled_cases.hpp>
#include <quipu/notes/default_retriever.hpp>
#include <quipu/notes/memory_store.hpp>

namespace quipu::eren {

struct self_calibration_options {
  std::size_t n_note = 200;           ///< notes that questions are made for, at most
  question_making_options making{};
};

struct self_calibration {
  std::size_t n_note = 0, n_made = 0, n_asked = 0;  ///< notes, questions made for them, questions that were read
  double threshold = 0;                             ///< of the gate's score, as it was chosen
};

/// What a gate is summed of where nothing was fitted to the model: question and note sound alike, and the reader finds its
/// answer likely. Neither is enough: the first knows subjects, the second relations.
[[nodiscard]] inline std::vector<std::string> unlabelled_features() { return {"char", "ans_v"}; }

/// Chooses threshold and probabilities of the gate: the model writes questions for the notes, half of the notes are hidden,
/// and what is asked about these must be left alone. A gate that was not fitted to the model (`default_gate::by_similarity`) gets
/// likeness and the answer's likelihood as its score.
///
/// The questions are the model's, not those that users ask: real ones are better (`editor::calibrate(questions)`).
/// @throws config_error  fewer than 30 notes, or no question that is read back
template <class Editor>
self_calibration calibrate_from_notes(Editor& editor, const self_calibration_options& options = {}) {
  using reader_type = typename Editor::reader_type;
  using gate_type = typename Editor::gate_type;
  constexpr std::size_t n_least = 30;
  std::vector<std::string> texts;
  editor.notebook().refresh();
  editor.notebook().store().for_each([&](const notes::note& n) {
    if (n.status == notes::note_status::live) texts.push_back(guarded_note(n.text));
  });
  if (texts.size() < n_least)
    fail<config_error>("calibrating a gate without labelled questions", concat(n_least, " notes or more"), texts.size());
  std::stable_sort(texts.begin(), texts.end(),
                   [](const std::string& a, const std::string& b) { return crc32(a) < crc32(b); });
  texts.resize(std::min(texts.size(), std::max(n_least, options.n_note)));

  const std::vector<made_question> made = make_questions(editor.session(), texts, options.making);
  const std::vector<data::edit_case> cases = unlabelled_cases(texts, made);
  const std::vector<evaluation_question> questions = evaluation_questions(cases);
  eren::editor<typename Editor::model_type, notes::memory_store, notes::default_retriever, reader_type, gate_type> half(
      editor.session().model(), notes::memory_store(), {}, editor.reader(), editor.gate(),
      {.form = editor.session().form(), .team = editor.options().team, .on_conflict = notes::conflict_policy::keep_both});
  const auto ids = add_all_notes(half, cases);
  const std::vector<studied_question> studied = study(half, questions, ids);
  const studied_part kept = read_back({questions, studied}, half.gate().names());
  const std::vector<gate_sample> samples = samples_of(cases, kept.questions, kept.studied);
  if constexpr (gate_by_likeness<gate_type>) {
    if (editor.gate().by_similarity())
      editor.gate().set_model(sum_of_features(samples, editor.gate().names(), unlabelled_features()));
  }
  gate_fit_options fit;
  fit.quality = quality_of(kept.questions, kept.studied);
  editor.gate().calibrate(samples, fit);
  return {texts.size(), made.size(), questions.size(), editor.gate().model().threshold};
}

}  // namespace quipu::eren
