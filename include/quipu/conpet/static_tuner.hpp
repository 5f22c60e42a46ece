/// @file Static ConPET: one module and one head for all tasks, which learn on with what is replayed of old ones.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/conpet/learner_core.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/data/task_stream.hpp>
#include <quipu/statistics/temperature.hpp>

namespace quipu::conpet {

/// Learns one task of classes after another with one module and one head, which grows by the classes of each task. Each batch holds new texts
/// and replayed ones, so that a task costs the same however many came before it. With `replay::none` it is sequential training; `learn_jointly`
/// is the bound from above.
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
    std::vector<answer> answers;
    for (const auto& z : expert_logits<typename core_type::pass_type, module_type>(*core_.pass, remembers ? *core_.inputs : transient, routed))
      answers.push_back(answer_of(z));
    return answers;
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
    const expert_type who = tasks_.empty() ? core_.new_expert(n, "static") : core_.grown(who_, n, "static");
    std::vector<encoded_example> old;
    for (const auto& kept : core_.memory.entries()) {
      old.push_back(core_.encode(kept.example.text, 0));
      old.back().label = kept.label;
    }
    std::vector<target_example> targets;
    for (const auto* some : {&fresh, &old}) {
      for (const encoded_example& e : *some) targets.push_back({&e, static_cast<std::int64_t>(e.label)});
    }
    static_cast<void>(train_expert(*core_.pass, who, *core_.inputs, target_examples(std::move(targets)), core_.order(fresh.size()),
                                   core_.seed_of(concat("task ", name)), core_.options.training));
    auto memory = core_.memory;
    std::size_t first = 0;
    for (std::size_t t = 0; t < tasks.size(); ++t) {
      const learned_task& as = next[tasks_.size() + t];
      memory = core_.offered_to(std::move(memory), tasks[t], tasks_.size() + t, as.first,
                                std::span(fresh).subspan(first, tasks[t].train.size()), core_.config().n_layer);
      first += tasks[t].train.size();
    }
    // Nothing below throws.
    tasks_ = std::move(next);
    who_ = who;
    core_.memory = std::move(memory);
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
};

}  // namespace quipu::conpet
