/// @file A learner without training: a closed-form classifier on states of the model as it is. What others must beat.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/conpet/encoded_set.hpp>
#include <quipu/conpet/learner_core.hpp>
#include <quipu/conpet/selector.hpp>
#include <quipu/conpet/task_selection.hpp>
#include <quipu/core/error.hpp>
#include <quipu/data/task_stream.hpp>

namespace quipu::conpet {

/// Learns tasks by sums over states of the frozen model: the same classifier in any order of the tasks, up to rounding.
/// @tparam Given  policies as of `dynamic_tuner`; the selector is the classifier, the PET module has no part in it
template <class Model, class... Given>
class frozen_learner {
 public:
  using policies = learner_policies<Given...>;
  using core_type = learner_core<Model, policies>;
  using classifier_policy = typename policies::selector_policy;
  static_assert(closed_form_selector<classifier_policy>, "frozen_learner: the selector must be one in closed form");

  struct learned_task {
    std::string name;
    std::vector<std::string> classes;
  };

  explicit frozen_learner(Model model, tuner_options options = {}, const auto&... values)
      : core_(std::move(model), typename policies::module_policy{}, std::move(options)) {
    (take_policy(core_, values), ...);
  }

  [[nodiscard]] const std::vector<learned_task>& tasks() const noexcept { return tasks_; }
  [[nodiscard]] std::size_t size() const noexcept { return tasks_.size(); }
  [[nodiscard]] const core_type& core() const noexcept { return core_; }
  [[nodiscard]] core_type& core() noexcept { return core_; }

  /// @throws as `dynamic_tuner::learn`; numeric_error also where classes so far have no spread to speak of
  void learn(const data::stream_task& task) {
    check_new_task(task, tasks_);
    const std::vector<encoded_example> train = core_.encode(task.train, tasks_.size());
    std::vector<std::size_t> labels;
    const std::size_t before = n_class();
    for (const encoded_example& e : train) labels.push_back(before + e.label);
    moment_selection next =
        moments_.learned(core_.selector, features_of(train, true), core_.selector.n_feature(core_.config().d_model), labels, before + task.classes.size());
    tasks_.push_back({task.name, task.classes});
    moments_ = std::move(next);
  }

  [[nodiscard]] answer predict(std::string_view text) {
    const encoded_example one = core_.encode(data::labelled_text{std::string(text)}, 0);
    return predict(std::span(&one, 1), 0, false).front();
  }
  [[nodiscard]] std::vector<answer> predict(std::span<const encoded_example> texts, std::size_t, bool remembers) {
    if (tasks_.empty()) fail<config_error>("predict", "a learner that has learned a task", "none yet");
    const std::size_t n = core_.selector.n_feature(core_.config().d_model);
    const std::vector<float> features = features_of(texts, remembers);
    std::vector<answer> answers;
    for (std::size_t i = 0; i < texts.size(); ++i) answers.push_back(answer_of(moments_.class_scores(std::span(features).subspan(i * n, n))));
    return answers;
  }
  [[nodiscard]] std::size_t n_class() const noexcept {
    std::size_t n = 0;
    for (const learned_task& t : tasks_) n += t.classes.size();
    return n;
  }

 private:
  [[nodiscard]] std::vector<float> features_of(std::span<const encoded_example> texts, bool remembers) {
    const std::size_t d = core_.config().d_model;
    const std::vector<float> states = core_.states(texts, core_.selector.block(core_.config().n_layer), remembers);
    return core_.selector.features({states.data(), texts.size(), d});
  }
  [[nodiscard]] answer answer_of(const std::vector<double>& scores) const {
    const auto best = static_cast<std::size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin());
    double sum = 0;
    for (const double s : scores) sum += std::exp(s - scores[best]);
    std::size_t first = 0, t = 0;
    while (best >= first + tasks_[t].classes.size()) first += tasks_[t++].classes.size();
    return {tasks_[t].classes[best - first], tasks_[t].name, 1 / sum, 1, t, best - first};
  }

  core_type core_;
  std::vector<learned_task> tasks_;
  moment_selection moments_;
};

}  // namespace quipu::conpet
