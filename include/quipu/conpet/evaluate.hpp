/// @file How well a learner does on a stream, and a stream learned from beginning to end.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <quipu/conpet/learner_core.hpp>
#include <quipu/core/error.hpp>
#include <quipu/data/task_stream.hpp>
#include <quipu/optim/parameter.hpp>
#include <quipu/report/accuracy_matrix.hpp>
#include <quipu/report/metrics.hpp>

namespace quipu::conpet {

/// Answers to the test texts of the tasks that a learner knows.
struct evaluation {
  std::vector<report::tally> tasks;                  ///< right classes, of each task learned, all classes learned as candidates
  std::vector<report::tally> selected;               ///< texts that the selector sends to their task; empty without one
  report::confusion_matrix confusion{{}};            ///< of all classes learned
  std::optional<double> calibration_error{};         ///< expected, of the answers' probabilities

  /// Of all test texts together.
  [[nodiscard]] std::optional<double> whole() const {
    report::tally all;
    for (const report::tally& t : tasks) all += t;
    return all.rate();
  }
  [[nodiscard]] std::optional<double> selector_accuracy() const {
    report::tally all;
    for (const report::tally& t : selected) all += t;
    return all.rate();
  }
};

/// Learners with a selector in front.
template <class Tuner>
concept selects_tasks = requires(Tuner& t, std::span<const encoded_example> texts) { t.task_probabilities_of(texts, *t.core().inputs, true); };

/// Tests a learner on the tasks of a stream that it has learned, in the stream's order; rows of the frozen model stay in its caches.
/// @throws config_error  none of the stream's tasks was learned, or one with other classes
template <class Tuner>
[[nodiscard]] evaluation evaluate(Tuner& tuner, const data::task_stream& stream) {
  evaluation e;
  std::vector<std::string> classes;
  std::vector<std::size_t> first(tuner.size(), 0);
  for (std::size_t t = 0; t < tuner.size(); ++t) {
    first[t] = classes.size();
    classes.insert(classes.end(), tuner.tasks()[t].classes.begin(), tuner.tasks()[t].classes.end());
  }
  e.confusion = report::confusion_matrix(classes);
  std::vector<double> probabilities;
  std::vector<std::uint8_t> right;
  for (const data::stream_task& task : stream) {
    const auto known = std::find_if(tuner.tasks().begin(), tuner.tasks().end(), [&](const auto& t) { return t.name == task.name; });
    if (known == tuner.tasks().end()) continue;
    if (known->classes != task.classes) fail<config_error>(concat("evaluate: task ", task.name), "the classes that were learned", "others");
    const auto at = static_cast<std::size_t>(known - tuner.tasks().begin());
    const std::vector<encoded_example> texts = tuner.core().encode(task.test, at);
    const std::vector<answer> answers = tuner.predict(texts, 0, true);
    report::tally& tally = e.tasks.emplace_back();
    for (std::size_t i = 0; i < answers.size(); ++i) {
      const bool is_right = answers[i].task_index == at && answers[i].label_index == texts[i].label;
      tally.count(is_right);
      e.confusion.count(first[at] + texts[i].label,
                        answers[i].task_index == tuner.size() ? classes.size() : first[answers[i].task_index] + answers[i].label_index);
      probabilities.push_back(std::min(1.0, answers[i].probability));
      right.push_back(is_right ? 1 : 0);
    }
    if constexpr (selects_tasks<Tuner>) {
      report::tally& own = e.selected.emplace_back();
      for (const auto& p : tuner.task_probabilities_of(texts, *tuner.core().inputs, true))
        own.count(static_cast<std::size_t>(std::max_element(p.begin(), p.end()) - p.begin()) == at);
    }
  }
  if (e.tasks.empty()) fail<config_error>("evaluate", "a learned task of the stream", "none");
  e.calibration_error = report::expected_calibration_error(probabilities, right);
  return e;
}

/// The area under the ROC curve of the probabilities: texts of the learned tasks against texts of none.
template <class Tuner>
[[nodiscard]] std::optional<double> foreign_auroc(Tuner& tuner, const data::task_stream& stream) {
  std::vector<double> own, foreign;
  std::vector<encoded_example> texts;
  for (const data::stream_task& task : stream) {
    for (encoded_example& e : tuner.core().encode(task.test, 0)) texts.push_back(std::move(e));
  }
  for (const answer& a : tuner.predict(texts, 0, true)) own.push_back(a.probability * a.task_probability);
  texts.clear();
  for (const std::string& t : stream.foreign_test) texts.push_back(tuner.core().encode(data::labelled_text{t}, 0));
  for (const answer& a : tuner.predict(texts, 0, true)) foreign.push_back(a.probability * a.task_probability);
  return report::auroc(own, foreign);
}

/// What a learner stores for its tasks, in numbers.
struct stored_parameters {
  std::size_t modules = 0, heads = 0, auxiliary = 0;  ///< of the tasks' PET modules; of their heads; of a trained selector
};

/// A learner with one module and head for all of its tasks.
template <class T>
concept has_one_expert = requires(const T& t) { t.who(); };

template <class Tuner>
[[nodiscard]] stored_parameters parameters_of(const Tuner& tuner) {
  stored_parameters n;
  const auto add = [](const auto& expert, std::size_t& modules, std::size_t& heads) {
    if (expert.module == nullptr) return;
    for (const auto& p : expert.module->parameters()) modules += p.size();
    for (const auto& p : expert.head->parameters()) heads += p.size();
  };
  if constexpr (has_one_expert<Tuner>) {
    add(tuner.who(), n.modules, n.heads);
  } else {
    for (const auto& t : tuner.tasks()) add(t.who, n.modules, n.heads);
    add(tuner.trained_selector_expert(), n.auxiliary, n.auxiliary);
  }
  return n;
}

/// Learns the tasks of a stream that a learner does not know yet, in order, and tests after each.
/// @param after  (task number, evaluation) after every task, to save or show
template <class Tuner, class After>
void learn_stream(Tuner& tuner, const data::task_stream& stream, After&& after) {
  for (std::size_t t = 0; t < stream.size(); ++t) {
    const auto& known = tuner.tasks();
    const auto is_it = [&](const auto& k) { return k.name == stream.tasks[t].name; };
    if (std::any_of(known.begin(), known.end(), is_it)) continue;
    tuner.learn(stream.tasks[t]);
    after(t, evaluate(tuner, stream));
  }
}

}  // namespace quipu::conpet
