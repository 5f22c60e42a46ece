// A gate without one labelled question: the model makes questions from the notes, and these set scale and threshold.
// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include <quipu/eren/gate/default_gate.hpp>
#include <quipu/eren/study/gate_study.hpp>
#include <quipu/eren/study/self_calibration.hpp>
#include <quipu/eren/study/unlabelled_cases.hpp>
#include <quipu/io/resumable_log.hpp>
#include <quipu/statistics/calibration.hpp>

#include "bench.hpp"
#include "terminal.hpp"

namespace {

/// The questions that the model makes for the notes of a set, kept with `--resume`.
std::vector<q::eren::made_question> made_questions(const model_t& m, const settings& s,
                                                   const std::vector<std::string>& notes) {
  const std::string path = s.resume.empty() ? std::string() : s.resume + ".made.jsonl";
  q::io::resumable_log log(path, q::concat("questions for ", notes.size(), " notes of ", s.set));
  std::vector<q::eren::made_question> made;
  for (const nlohmann::json& line : log.lines()) {
    const q::io::log_fields in(line, path);
    made.push_back({static_cast<std::size_t>(in.number("note")), in.text("question"), in.text("answer")});
  }
  if (!made.empty()) return made;
  q::eren::reading_session session(m, q::thread_team(s.n_thread));
  made = q::eren::make_questions(session, notes, {.progress = terminal::progress_bar()});
  for (const q::eren::made_question& question : made)
    log.append({{"note", question.note}, {"question", question.question}, {"answer", question.answer}});
  log.flush();
  return made;
}

}  // namespace

/// Makes questions, reads them with half of the notes live, chooses the threshold, writes the gate to `--gate`.
int unlabelled(const settings& s) {
  const model_t m = open_model(s);
  const study_set whole = open_set(s);
  std::vector<std::string> notes;
  for (const auto& c : whole.cases) {
    for (const std::string& note : c.notes) notes.push_back(q::eren::guarded_note(note));
  }
  const auto made = made_questions(m, s, notes);
  const study_set set{q::eren::unlabelled_cases(notes, made), {}};
  auto questions = q::eren::evaluation_questions(set.cases);
  bench<q::eren::extractive_reader, q::eren::default_gate> b(m, s, set, {}, {});
  auto studied = q::eren::study(b.editor, questions, b.ids, options_of(s, "unlabelled"));
  std::cout << made.size() << " questions made for " << notes.size() << " notes, " << questions.size()
            << " asked with half of them live" << std::endl;
  const std::vector<std::string> names = b.editor.gate().names();
  const q::eren::studied_part kept = q::eren::read_back({questions, studied}, names);
  const auto samples = q::eren::samples_of(set.cases, kept.questions, kept.studied);
  q::eren::gate_model gate = q::eren::sum_of_features(samples, names, q::eren::unlabelled_features());
  std::vector<double> scores;
  std::vector<std::uint8_t> labels;
  for (const auto& sample : samples) {
    scores.push_back(gate.stack.score(sample.features));
    labels.push_back(sample.positive ? 1 : 0);
  }
  if (s.damage > 0) {
    std::vector<double> negatives;
    for (std::size_t i = 0; i < scores.size(); ++i) {
      if (labels[i] == 0) negatives.push_back(scores[i]);
    }
    gate.threshold =
        std::nextafter(q::statistics::conformal_threshold(negatives, s.damage), 1e300);  // applied above it
  } else {
    const auto quality = q::eren::quality_of(kept.questions, kept.studied);
    gate.threshold = q::statistics::best_threshold(scores, [&](double t) { return quality(t, scores); });
  }
  gate.probability = q::statistics::fit_platt(scores, labels);
  show({{"questions made from notes", kept.questions, q::eren::records_of(kept.studied, scores, gate.threshold)}}, s);
  if (!s.gate().empty()) q::eren::save_gate(s.gate(), gate, q::eren::gate_workshop(b.editor).keys());
  return 0;
}
