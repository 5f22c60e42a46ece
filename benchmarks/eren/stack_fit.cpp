// The gate of the default stack, fitted again on some set.
// SPDX-License-Identifier: Apache-2.0
#include "stack_fit.hpp"

#include <string>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/eren/gate/bounded_fit.hpp>
#include <quipu/eren/gate/gate_fit.hpp>
#include <quipu/eren/gate_workshop.hpp>
#include <quipu/eren/study/gate_study.hpp>

std::string fit_stack(const model_t& m, const settings& s, const set_job& job, const std::string& path) {
  std::vector<std::string> remarks;
  study_set set = open_job(job, remarks);
  const settings one = settings_of(s, job, "fit", "");
  choose_questions(one, set);
  std::erase_if(set.questions, [](const auto& question) {
    return question.contaminated || question.kind == q::eren::question_kind::portability;
  });
  default_bench b(m, one, set);
  auto options = options_of(one, "fit");
  options.fingerprint += q::concat(" ", b.editor.reader().identity());
  const auto studied = q::eren::study(b.editor, set.questions, b.ids, options);
  if (studied.size() < set.questions.size())
    return q::concat("fit on ", job.title, ": ", studied.size(), " of ", set.questions.size(), " questions");
  const auto samples = q::eren::samples_of(set.cases, set.questions, studied);
  q::eren::gate_fit_options fit = q::eren::bounded_fit();
  fit.quality = q::eren::quality_of(set.questions, studied);
  // Without a part that vetoes before reading: it would be learnt of one set alone.
  const q::eren::gate_fit fitted = q::eren::fit_gate(samples, b.editor.gate().names(), 0, {}, fit);
  q::eren::save_gate(path, fitted.model, q::eren::gate_workshop(b.editor).keys());
  return {};
}
