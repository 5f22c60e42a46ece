/// @file A task as a method against forgetting sees it while it is learned.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <quipu/conpet/encoded_set.hpp>
#include <quipu/conpet/expert.hpp>
#include <quipu/conpet/methods/flat_parameters.hpp>
#include <quipu/conpet/methods/task_order.hpp>
#include <quipu/conpet/pooled_classification.hpp>
#include <quipu/core/error.hpp>
#include <quipu/llama/module_hooks.hpp>
#include <quipu/llama/weight_gradients.hpp>
#include <quipu/optim/parameter.hpp>

namespace quipu::conpet {

/// One training of a task; what is left out is as the learner's options say.
struct training_stage {
  std::string name{};                       ///< tells the random numbers of a task's stages apart
  step_additions additions{};
  std::optional<std::vector<target_example>> examples{};  ///< none: the new texts, then the old ones, with their classes
  std::optional<task_order> order{};        ///< of these; none: new and replayed ones by the learner's options, or epochs of `examples`
  std::optional<expert_training> how{};
  std::vector<optim::parameter<float>> also{};  ///< parameters that train beside module and head
};

/// A task while it is learned: its texts, those that are kept of earlier tasks, and the module and head that train, which the learner takes over
/// when the method is done. Labels are those of the head: classes of earlier tasks first. @tparam Core  a `learner_core`
template <class Core>
class learning_task {
 public:
  using core_type = Core;
  using expert_type = typename Core::expert_type;
  using memory_type = typename Core::memory_type;
  using pass_type = typename Core::pass_type;

  /// @param offered  gives a memory that was offered the new texts
  learning_task(Core& core, expert_type who, std::string name, std::size_t n_old_class, std::vector<encoded_example> fresh,
                std::function<memory_type(memory_type)> offered)
      : core_(core), who_(std::move(who)), name_(std::move(name)), n_old_class_(n_old_class), fresh_(std::move(fresh)), memory_(core.memory),
        offered_(std::move(offered)) {
    encode_old();
  }

  [[nodiscard]] Core& core() noexcept { return core_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] bool is_first() const noexcept { return n_old_class_ == 0; }
  [[nodiscard]] std::size_t n_old_class() const noexcept { return n_old_class_; }
  [[nodiscard]] std::size_t n_class() const noexcept { return who_.head->n_class(); }
  [[nodiscard]] std::size_t d_model() const noexcept { return core_.config().d_model; }
  /// Module and head, grown by the new classes: at first with the values of the task before.
  [[nodiscard]] const expert_type& who() const noexcept { return who_; }
  void set_who(expert_type who) { who_ = std::move(who); }
  /// The new texts.
  [[nodiscard]] std::span<const encoded_example> fresh() const noexcept { return fresh_; }
  /// Texts of the memory, in its order; `task` is their task's number.
  [[nodiscard]] std::span<const encoded_example> old() const noexcept { return old_; }
  [[nodiscard]] const memory_type& memory() const noexcept { return memory_; }
  /// How a training goes if nothing else is said.
  [[nodiscard]] const expert_training& how() const noexcept { return core_.options.training; }
  /// A random-number seed for something of this task by its name.
  [[nodiscard]] std::uint64_t seed_of(const std::string& what) const { return core_.seed_of(concat(what, name_)); }

  /// Offers the new texts to the memory, so that `old` has what it keeps of them. The learner does it where the method did not.
  void remember() {
    if (remembered_) return;
    memory_ = offered_(std::move(memory_));
    remembered_ = true;
    encode_old();
  }

  /// The new texts and then the old ones, with their classes.
  [[nodiscard]] std::vector<target_example> examples() const {
    std::vector<target_example> all = with_classes(fresh_);
    for (const target_example& e : with_classes(old_)) all.push_back(e);
    return all;
  }
  [[nodiscard]] static std::vector<target_example> with_classes(std::span<const encoded_example> texts) {
    std::vector<target_example> all;
    for (const encoded_example& e : texts) all.push_back({&e, static_cast<std::int64_t>(e.label)});
    return all;
  }

  /// Trains module and head. @throws as `train_expert`
  void train(training_stage stage = {}) {
    task_order order = stage.order      ? std::move(*stage.order)
                       : stage.examples ? task_order(train::epochs())
                                        : task_order(core_.order(memory_, fresh_.size()));
    static_cast<void>(train_expert(*core_.pass, who_, *core_.inputs, target_examples(stage.examples ? std::move(*stage.examples) : examples()),
                                   std::move(order), seed_of(concat("task ", stage.name)), stage.how.value_or(how()), std::move(stage.additions),
                                   stage.also));
  }

  /// What module and head give for texts now.
  [[nodiscard]] std::vector<expert_output<float>> outputs(std::span<const encoded_example> texts) {
    std::vector<routed_text<typename Core::module_type>> routed;
    for (const encoded_example& e : texts) routed.push_back({&e, &who_});
    return expert_outputs<pass_type, typename Core::module_type>(*core_.pass, *core_.inputs, routed);
  }
  /// (n, d_model) row by row
  [[nodiscard]] std::vector<float> states(std::span<const encoded_example> texts) {
    std::vector<float> all;
    for (const auto& o : outputs(texts)) all.insert(all.end(), o.state.begin(), o.state.end());
    return all;
  }

  /// The gradient of the mean cross-entropy of examples, without dropout; it also stands in the parameters' own memory afterwards. May be called
  /// between the passes of a training step.
  /// @return (n_value) of `who().parameters()`
  /// @throws config_error  no examples
  [[nodiscard]] std::vector<float> gradient_on(std::span<const target_example> examples) {
    if (examples.empty()) fail<config_error>("gradient_on: examples", "at least one", "none");
    auto& pass = *core_.pass;
    llama::bind_base(*who_.module, pass.model());
    llama::module_hooks hooks(*who_.module, pass.workspace());
    hooks.evaluate();
    pooled_classification<pass_type> objective(*who_.head, *core_.inputs);
    const auto parameters = who_.parameters();
    const std::span<const optim::parameter<float>> all(parameters);
    optim::zero_gradients<float>(pass.workspace().team(), all);
    const target_examples source(std::vector<target_example>(examples.begin(), examples.end()));
    for (std::size_t first = 0; first < examples.size();) {
      const std::size_t n = examples_within(first, examples.size(), rows_of_pass, [&](std::size_t i) -> const auto& { return *examples[i].text; });
      target_batch batch(hooks.n_virtual(), hooks.template prefix<float>(0).n_row);
      for (std::size_t i = first; i < first + n; ++i) objective.add(source, i, batch);
      objective.step(pass, batch, static_cast<double>(examples.size()), hooks, llama::weight_gradients<float>());
      first += n;
    }
    return flat_gradients(all);
  }

 private:
  void encode_old() {
    old_.clear();
    for (const auto& kept : memory_.entries()) {
      old_.push_back(core_.encode(kept.example.text, kept.task));
      old_.back().label = kept.label;
    }
  }

  Core& core_;
  expert_type who_;
  std::string name_;
  std::size_t n_old_class_ = 0;
  std::vector<encoded_example> fresh_, old_;
  memory_type memory_;
  std::function<memory_type(memory_type)> offered_;
  bool remembered_ = false;
};

}  // namespace quipu::conpet
