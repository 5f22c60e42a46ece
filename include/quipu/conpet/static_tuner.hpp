/// @file Static ConPET: one module and one head for all tasks, which learn on with what is replayed of old ones.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/conpet/learner_core.hpp>
#include <quipu/conpet/methods/learning_task.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/data/task_stream.hpp>
#include <quipu/statistics/temperature.hpp>

namespace quipu::conpet {

/// Learns one task of classes after another with one module and one head, which grows by the classes of each task. Each batch holds new texts
/// and replayed ones, so that a task costs the same however many came before it. With `replay::none` it is sequential training; `learn_jointly`
/// is the bound from above.
/// What is done against forgetting besides is its method, see `learning_method`.
/// Source: Song et al. 2023, "ConPET", and its official code, section 6.1 (EMR with dynamic replay); there the head has all classes from the
/// start, and the softmax those that are not seen yet.
///
/// @tparam Given  policies in any order, see `default_policies`; selector and composition have no part in it
template <class Model, class... Given>
class static_tuner {
 public:
  using policies = learner_policies<Given...>;
  using core_type = learner_core<Model, policies>;
  using module_policy = typename policies::module_policy;
  using expert_type = typename core_type::expert_type;
  using module_type = typename core_type::module_type;
  using method_policy = typename policies::method_policy;
  using method_state = typename method_policy::state;
  using memory_type = typename core_type::memory_type;
  static_assert((check_learner_policies<policies, std::remove_cvref_t<decltype(std::declval<const Model&>().tokenizer())>>(), true));

  struct learned_task {
    std::string name;
    std::vector<std::string> classes;
    std::size_t first = 0;  ///< of its classes in the head
  };

  /// @throws config_error  as `dynamic_tuner`
  explicit static_tuner(Model model, module_policy policy = {}, tuner_options options = {}, const auto&... values)
      : core_(std::move(model), std::move(policy), std::move(options)) {
    (take_policy(core_, values), ...);
  }

  [[nodiscard]] const std::vector<learned_task>& tasks() const noexcept { return tasks_; }
  [[nodiscard]] std::size_t size() const noexcept { return tasks_.size(); }
  [[nodiscard]] const core_type& core() const noexcept { return core_; }
  [[nodiscard]] core_type& core() noexcept { return core_; }
  [[nodiscard]] const expert_type& who() const noexcept { return who_; }
  /// What the method keeps between tasks.
  [[nodiscard]] const method_state& kept() const noexcept { return kept_; }
  [[nodiscard]] std::size_t n_class() const noexcept { return tasks_.empty() ? 0 : tasks_.back().first + tasks_.back().classes.size(); }

  /// Learns a task. All or nothing, as `dynamic_tuner::learn`.
  void learn(const data::stream_task& task) { learn(std::span(&task, 1), task.name); }

  /// Learns several tasks at once, all of their texts alike: the bound that learners in turn are measured by.
  /// @param tasks  none of which was learned
  void learn_jointly(std::span<const data::stream_task> tasks) {
    if (tasks.empty()) fail<config_error>("learn", "at least one task", "none");
    for (std::size_t t = 1; t < tasks.size(); ++t) check_new_task(tasks[t], tasks.first(t));
    learn(tasks, "all");
  }

  /// @throws config_error  before the first task
  [[nodiscard]] answer predict(std::string_view text) {
    const data::labelled_text one{std::string(text)};
    return predict(std::span(&one, 1)).front();
  }
  [[nodiscard]] std::vector<answer> predict(std::span<const data::labelled_text> texts) {
    return predict(core_.encode(texts, 0), 0, false);
  }
  [[nodiscard]] std::vector<answer> predict(std::span<const encoded_example> texts, std::size_t, bool remembers) {
    if (tasks_.empty()) fail<config_error>("predict", "a learner that has learned a task", "none yet");
    cached_block_inputs<typename core_type::pass_type> transient(*core_.pass, core_.inputs->layer());
    std::vector<routed_text<module_type>> routed;
    for (const encoded_example& e : texts) routed.push_back({&e, &who_});
    auto outputs = expert_outputs<typename core_type::pass_type, module_type>(*core_.pass, remembers ? *core_.inputs : transient, routed);
    take_scores(outputs);
    std::vector<answer> answers;
    for (const auto& o : outputs) answers.push_back(answer_of(o.logits));
    return answers;
  }

  /// Takes over what was read from files: see `load_learner`.
  void restore(std::vector<learned_task> tasks, expert_type who, method_state kept) {
    tasks_ = std::move(tasks);
    who_ = std::move(who);
    kept_ = std::move(kept);
  }

 private:
  void learn(std::span<const data::stream_task> tasks, const std::string& name) {
    std::vector<learned_task> next = tasks_;
    std::vector<encoded_example> fresh;
    std::size_t n = n_class();
    for (const data::stream_task& task : tasks) {
      check_new_task(task, tasks_);
      for (encoded_example& e : core_.encode(task.train, next.size())) {
        e.label += n;
        fresh.push_back(std::move(e));
      }
      next.push_back({task.name, task.classes, n});
      n += task.classes.size();
    }
    expert_type who = tasks_.empty() ? core_.new_expert(n, "static") : core_.grown(who_, n, "static");
    const auto offered = [&](memory_type memory) {
      std::size_t first = 0;
      for (std::size_t t = 0; t < tasks.size(); ++t) {
        const learned_task& as = next[tasks_.size() + t];
        memory = core_.offered_to(std::move(memory), tasks[t], tasks_.size() + t, as.first, std::span(fresh).subspan(first, tasks[t].train.size()),
                                  core_.config().n_layer);
        first += tasks[t].train.size();
      }
      return memory;
    };
    using task_type = learning_task<core_type>;
    static_assert((explain_learning_method_on<method_policy, task_type>(), true));
    task_type task(core_, std::move(who), name, n_class(), fresh, offered);
    method_state kept = kept_;
    core_.method.learn(kept, task);
    task.remember();
    memory_type memory = task.memory();
    // Nothing below throws.
    tasks_ = std::move(next);
    who_ = task.who();
    kept_ = std::move(kept);
    core_.memory = std::move(memory);
  }

  void take_scores(std::vector<expert_output<float>>& outputs) const {
    if constexpr (scores_answers<method_policy>) {
      const std::size_t d = core_.config().d_model, n = n_class();
      std::vector<float> states;
      for (const auto& o : outputs) states.insert(states.end(), o.state.begin(), o.state.end());
      const std::optional<std::vector<float>> scores = core_.method.scores(kept_, *who_.head, {states.data(), outputs.size(), d});
      if (!scores) return;
      if (scores->size() != outputs.size() * n) fail<config_error>(concat("scores of ", core_.method.identity()), outputs.size() * n, scores->size());
      for (std::size_t i = 0; i < outputs.size(); ++i) {
        const auto first = scores->begin() + static_cast<std::ptrdiff_t>(i * n);
        outputs[i].logits.assign(first, first + static_cast<std::ptrdiff_t>(n));
      }
    }
  }
  [[nodiscard]] answer answer_of(const std::vector<float>& z) const {
    const auto best = static_cast<std::size_t>(std::max_element(z.begin(), z.end()) - z.begin());
    const double p = std::exp(static_cast<double>(z[best]) - statistics::log_sum_exp(z, 1));
    if (p < core_.options.least_probability) return {{}, {}, p, 1, tasks_.size(), 0};
    const auto owner = std::find_if(tasks_.rbegin(), tasks_.rend(), [&](const learned_task& t) { return t.first <= best; });
    return {owner->classes[best - owner->first], owner->name, p, 1, static_cast<std::size_t>(tasks_.rend() - owner) - 1, best - owner->first};
  }

  core_type core_;
  std::vector<learned_task> tasks_;
  expert_type who_;
  method_state kept_{};
};

}  // namespace quipu::conpet
