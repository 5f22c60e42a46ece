/// @file Dynamic ConPET: a module and a head for each task, frozen when learned, and a selector in front.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include <quipu/conpet/arrow_selection.hpp>
#include <quipu/conpet/learner_core.hpp>
#include <quipu/conpet/task_selection.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/data/task_stream.hpp>
#include <quipu/statistics/temperature.hpp>

namespace quipu::conpet {

/// Learns one task of classes after another. What was learned before never changes: each task has a module and a head of its own, and only the
/// selector, which sends texts to them, learns on. So a task costs the same however many came before it.
/// Source: Song et al. 2023, "ConPET", and its official code, section 7.
///
/// Batches of a task's module hold its own texts alone: in the official code the other half of a batch goes to frozen modules and gives no
/// gradient at top-1.
///
/// @tparam Given  policies in any order, see `default_policies`
template <class Model, class... Given>
class dynamic_tuner {
 public:
  using policies = learner_policies<Given...>;
  using core_type = learner_core<Model, policies>;
  using module_policy = typename policies::module_policy;
  using selector_policy = typename policies::selector_policy;
  using expert_type = typename core_type::expert_type;
  using module_type = typename core_type::module_type;
  static_assert((check_learner_policies<policies, std::remove_cvref_t<decltype(std::declval<const Model&>().tokenizer())>>(), true));
  static_assert(std::is_same_v<typename policies::method_policy, plain>,
                "conpet: modules of a dynamic learner never change again, so that it takes no method against forgetting");

  /// A task as it was learned.
  struct learned_task {
    std::string name;
    std::vector<std::string> classes;
    std::size_t id = 0;  ///< how many tasks were learned before it, forgotten ones too
    expert_type who;
    double temperature = 1;  ///< of its head
  };

  /// @param policy   settings of the modules
  /// @param values   other policies with values of their own
  /// @throws config_error  settings that do not fit the model, options out of range, a replay strategy without the budget that it needs
  explicit dynamic_tuner(Model model, module_policy policy = {}, tuner_options options = {}, const auto&... values)
      : core_(std::move(model), std::move(policy), std::move(options)) {
    (take_policy(core_, values), ...);
  }

  [[nodiscard]] const std::vector<learned_task>& tasks() const noexcept { return tasks_; }
  [[nodiscard]] std::size_t size() const noexcept { return tasks_.size(); }
  [[nodiscard]] const core_type& core() const noexcept { return core_; }
  [[nodiscard]] core_type& core() noexcept { return core_; }
  [[nodiscard]] const expert_type& trained_selector_expert() const noexcept { return selector_; }
  [[nodiscard]] const moment_selection& selection() const noexcept { return moments_; }

  /// Learns a task. All or nothing: where something is thrown the learner is as before.
  /// @throws format_error, config_error  a task that cannot be learned, a name or a class that is there already
  /// @throws cancelled      the training's `progress` said so
  /// @throws numeric_error  a loss that is not finite
  void learn(const data::stream_task& task) {
    check_new_task(task, tasks_);
    const std::size_t id = n_learned_;
    const auto train = core_.encode(task.train, id), validation = core_.encode(task.validation, id);
    learned_task next{task.name, task.classes, id, core_.new_expert(task.classes.size(), task.name), 1};
    std::vector<target_example> targets;
    for (const encoded_example& e : train) targets.push_back({&e, static_cast<std::int64_t>(e.label)});
    static_cast<void>(train_expert(*core_.pass, next.who, *core_.inputs, target_examples(std::move(targets)), train::epochs(),
                                   core_.seed_of(concat("task ", task.name)), core_.options.training));
    next.temperature = temperature_of(next.who, validation);

    moment_selection moments = moments_;
    expert_type selector = selector_;
    if constexpr (may_be<selector_policy>(selector_kind::closed_form)) {
      if (is_kind(core_.selector, selector_kind::closed_form)) moments = learned_moments(train, task.classes.size());
    }
    if constexpr (may_be<selector_policy>(selector_kind::trained)) {
      if (is_kind(core_.selector, selector_kind::trained) && !tasks_.empty()) selector = learned_selector(train, task.name);
    }
    auto memory = core_.offered_to(core_.memory, task, id, next_label(), train, core_.config().n_layer);
    tasks_.reserve(tasks_.size() + 1);
    // Nothing below throws.
    tasks_.push_back(std::move(next));
    moments_ = std::move(moments);
    selector_ = std::move(selector);
    core_.memory = std::move(memory);
    ++n_learned_;
  }

  /// @param n_module  modules that look at the text; 0: as the options say
  /// @throws config_error  before the first task; more modules than there are; an oracle, which must be told the task
  [[nodiscard]] answer predict(std::string_view text, std::size_t n_module = 0) {
    const data::labelled_text one{std::string(text)};
    return predict(std::span(&one, 1), n_module).front();
  }
  [[nodiscard]] std::vector<answer> predict(std::span<const data::labelled_text> texts, std::size_t n_module = 0) {
    check_ready(n_module);
    std::vector<encoded_example> encoded;
    for (const data::labelled_text& t : texts) encoded.push_back(core_.encode(t, tasks_.size()));
    return predict(encoded, n_module, false);
  }
  /// The same of encoded texts, whose `task` is the true one where the selector is an oracle.
  /// @param remembers  keeps rows of the frozen model in the learner's caches: for tests that are asked again and again
  [[nodiscard]] std::vector<answer> predict(std::span<const encoded_example> texts, std::size_t n_module, bool remembers) {
    check_ready(n_module);
    const std::size_t k = std::min(n_module > 0 ? n_module : core_.options.top_k, tasks_.size());
    cached_block_inputs<typename core_type::pass_type> transient(*core_.pass, core_.inputs->layer());
    auto& inputs = remembers ? *core_.inputs : transient;
    const auto probabilities = task_probabilities_of(texts, inputs, remembers);
    std::vector<routed_text<module_type>> routed;
    std::vector<std::vector<std::size_t>> chosen;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      chosen.push_back(largest(probabilities[i], k));
      for (const std::size_t t : chosen.back()) routed.push_back({&texts[i], &tasks_[t].who});
    }
    auto logits = remembers ? remembered_logits(inputs, routed, chosen)
                            : expert_logits<typename core_type::pass_type, module_type>(*core_.pass, inputs, routed);
    std::vector<answer> answers;
    std::size_t at = 0;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      std::vector<task_opinion> opinions;
      std::size_t n_other = n_class();
      for (const std::size_t t : chosen[i]) {
        n_other -= tasks_[t].classes.size();
        opinions.push_back({t, probabilities[i][t], std::move(logits[at++]), tasks_[t].temperature});
      }
      answers.push_back(composed(opinions, n_other));
    }
    return answers;
  }

  /// Logits of a task's own head, whatever the selector would say.
  /// @throws config_error  no such task
  [[nodiscard]] std::vector<float> logits(std::string_view text, const std::string& task) {
    const learned_task& t = tasks_[index_of(task)];
    const encoded_example e = core_.encode(data::labelled_text{std::string(text)}, 0);
    cached_block_inputs<typename core_type::pass_type> transient(*core_.pass, core_.inputs->layer());
    const routed_text<module_type> one{&e, &t.who};
    return expert_logits<typename core_type::pass_type, module_type>(*core_.pass, transient, std::span(&one, 1)).front();
  }

  /// The probability of each task for each text, by the selector as it stands: never by a module that is being trained (P20).
  [[nodiscard]] std::vector<std::vector<double>> task_probabilities_of(std::span<const encoded_example> texts,
                                                                       cached_block_inputs<typename core_type::pass_type>& inputs, bool remembers) {
    std::vector<std::vector<double>> all;
    if (is_kind(core_.selector, selector_kind::oracle)) {
      for (const encoded_example& e : texts) {
        if (e.task >= tasks_.size()) fail<config_error>("predict: an oracle", "the true task of the text", "none");
        all.emplace_back(tasks_.size(), 0.0)[e.task] = 1;
      }
      return all;
    }
    if constexpr (may_be<selector_policy>(selector_kind::closed_form)) {
      if (is_kind(core_.selector, selector_kind::closed_form)) {
        const auto read = features_of(texts, inputs, remembers);
        const auto classes = classes_of_tasks();
        for (std::size_t i = 0; i < texts.size(); ++i)
          all.push_back(moments_.probabilities(std::span(read.first).subspan(i * read.second, read.second), classes));
        return all;
      }
    }
    if constexpr (may_be<selector_policy>(selector_kind::modules)) {
      if (is_kind(core_.selector, selector_kind::modules)) return by_modules(texts, inputs);
    }
    if constexpr (may_be<selector_policy>(selector_kind::trained)) {
      if (tasks_.size() == 1) {
        all.assign(texts.size(), {1.0});
        return all;
      }
      std::vector<routed_text<module_type>> routed;
      for (const encoded_example& e : texts) routed.push_back({&e, &selector_});
      for (const auto& z : expert_logits<typename core_type::pass_type, module_type>(*core_.pass, inputs, routed))
        all.push_back(task_probabilities(z, core_.selector.trained().subtract_prior ? core_.options.new_share : 0));
    }
    return all;
  }

  /// Removes a task, its module and its replay memory. The others keep their bytes.
  /// @throws config_error  no such task; a trained selector, which would have to be trained anew
  void forget(const std::string& task) {
    const std::size_t t = index_of(task);
    if (is_kind(core_.selector, selector_kind::trained) && tasks_.size() > 1)
      fail<config_error>("forget", "a selector in closed form, which can take a task away", core_.selector.identity());
    moment_selection moments = moments_;
    if constexpr (may_be<selector_policy>(selector_kind::closed_form)) {
      if (!moments.empty()) moments = moments_.forgotten(core_.selector, classes_of_tasks()[t]);
    }
    static_cast<void>(core_.memory.forget(tasks_[t].id));
    moments_ = std::move(moments);
    tasks_.erase(tasks_.begin() + static_cast<std::ptrdiff_t>(t));
  }

  /// Classes of all tasks.
  [[nodiscard]] std::size_t n_class() const noexcept {
    std::size_t n = 0;
    for (const learned_task& t : tasks_) n += t.classes.size();
    return n;
  }
  /// @throws config_error  no such task
  [[nodiscard]] std::size_t index_of(const std::string& task) const {
    const auto found = std::find_if(tasks_.begin(), tasks_.end(), [&](const learned_task& t) { return t.name == task; });
    if (found == tasks_.end()) fail<config_error>("conpet", concat("one of the ", tasks_.size(), " learned tasks"), printable(task));
    return static_cast<std::size_t>(found - tasks_.begin());
  }

  /// Takes over what was read from files: see `load_learner`.
  void restore(std::vector<learned_task> tasks, std::size_t n_learned, moment_selection moments, expert_type selector) {
    tasks_ = std::move(tasks);
    n_learned_ = n_learned;
    known_logits_.clear();
    arrows_.clear();
    moments_ = std::move(moments);
    selector_ = std::move(selector);
  }
  [[nodiscard]] std::size_t n_learned() const noexcept { return n_learned_; }

 private:
  void check_ready(std::size_t n_module) const {
    if (tasks_.empty()) fail<config_error>("predict", "a learner that has learned a task", "none yet");
    if (n_module > tasks_.size()) fail<config_error>("predict: modules that look at a text", concat("at most ", tasks_.size(), ", which there are"), n_module);
  }
  // A label that no kept text has: when a task was forgotten, later ones keep their numbers.
  [[nodiscard]] std::size_t next_label() const {
    std::size_t next = 0;
    for (const auto& kept : core_.memory.entries()) next = std::max(next, kept.label + 1);
    return next;
  }
  [[nodiscard]] std::vector<task_classes> classes_of_tasks() const {
    std::vector<task_classes> all;
    std::size_t first = 0;
    for (const learned_task& t : tasks_) {
      all.push_back({first, t.classes.size()});
      first += t.classes.size();
    }
    return all;
  }
  // What a closed-form selector reads of texts, and how many numbers of each. Where its block is the one that modules begin at, the rows are
  // those that the modules begin with.
  [[nodiscard]] std::pair<std::vector<float>, std::size_t> features_of(std::span<const encoded_example> texts,
                                                                      cached_block_inputs<typename core_type::pass_type>& inputs, bool remembers) {
    const std::size_t d = core_.config().d_model, block = core_.selector.block(core_.config().n_layer);
    std::vector<float> states;
    if (block == inputs.layer() && block < core_.config().n_layer) {
      states.resize(texts.size() * d);
      for (std::size_t i = 0; i < texts.size(); ++i) {
        const encoded_example* const one = &texts[i];
        if (i % 64 == 0) {  // many at a time are one pass
          std::vector<const encoded_example*> some;
          for (std::size_t j = i; j < std::min(i + 64, texts.size()); ++j) some.push_back(&texts[j]);
          inputs.fill(some);
        }
        const auto start = inputs.start(std::span(&one, 1));
        const linear::row_segment whole{0, 0, one->tokens.size(), 0, 0};
        llama::pool_rows<float>(start.rows, std::span(&whole, 1), std::span(&one->rows, 1), {states.data() + i * d, 1, d});
      }
    } else {
      states = core_.states(texts, block, remembers);
    }
    return {core_.selector.features({states.data(), texts.size(), d}), core_.selector.n_feature(d)};
  }
  [[nodiscard]] moment_selection learned_moments(std::span<const encoded_example> train, std::size_t n_new) {
    auto [features, n_feature] = features_of(train, *core_.inputs, true);
    std::vector<std::size_t> labels;
    for (const encoded_example& e : train) labels.push_back(n_class() + e.label);
    return moments_.learned(core_.selector, std::move(features), n_feature, labels, n_class() + n_new);
  }
  // Goes on from the selector before, its head grown by one output.
  [[nodiscard]] expert_type learned_selector(std::span<const encoded_example> train, const std::string& name) {
    const std::size_t n = tasks_.size() + 1;
    expert_type next = tasks_.size() == 1 ? core_.new_expert(n, "selector") : core_.grown(selector_, n, "selector");
    std::vector<target_example> targets;
    for (const encoded_example& e : train) targets.push_back({&e, static_cast<std::int64_t>(n - 1)});
    std::vector<encoded_example> old;
    for (const auto& kept : core_.memory.entries()) old.push_back(core_.encode(kept.example.text, index_of(kept.example.task)));
    for (const encoded_example& e : old) targets.push_back({&e, static_cast<std::int64_t>(e.task)});
    expert_training how = core_.options.training;
    how.n_step = core_.selector.trained().n_step;
    static_cast<void>(train_expert(*core_.pass, next, *core_.inputs, target_examples(std::move(targets)), core_.order(train.size()),
                                   core_.seed_of(concat("selector ", name)), how));
    return next;
  }
  // Directions are those of the modules' values, worked out when they are first asked for.
  [[nodiscard]] std::vector<std::vector<double>> by_modules(std::span<const encoded_example> texts,
                                                            cached_block_inputs<typename core_type::pass_type>& inputs) {
    if constexpr (has_low_rank_targets<module_type>) {
      std::vector<arrow_prototypes> prototypes;
      for (const learned_task& t : tasks_) {
        auto known = arrows_.find(t.id);
        if (known == arrows_.end()) known = arrows_.emplace(t.id, arrow_prototypes(*t.who.module, core_.config().n_layer)).first;
        prototypes.push_back(known->second);
      }
      auto all = arrow_likeness(*core_.pass, inputs, texts, prototypes);
      for (std::vector<double>& p : all) {
        const double most = *std::max_element(p.begin(), p.end());
        double sum = 0;
        for (double& v : p) sum += v = std::exp(core_.selector.sharpness() * (v - most));
        for (double& v : p) v /= sum;
      }
      return all;
    } else {
      fail<config_error>(concat("selector '", core_.selector.identity(), "'"), "modules of low rank", module_policy::peft_type);
    }
  }
  // Modules are frozen once they are learned, so that what one says of a text is computed once.
  [[nodiscard]] std::vector<std::vector<float>> remembered_logits(cached_block_inputs<typename core_type::pass_type>& inputs,
                                                                  std::span<const routed_text<module_type>> routed,
                                                                  const std::vector<std::vector<std::size_t>>& chosen) {
    std::vector<std::uint64_t> keys;
    std::vector<routed_text<module_type>> missing;
    std::vector<std::uint64_t> missing_keys;
    for (const auto& tasks : chosen) {
      for (const std::size_t t : tasks) {
        const encoded_example& text = *routed[keys.size()].text;
        pet::key_hash hash;
        hash.add_value(token_key(text.tokens));
        for (const std::size_t n : {text.rows.first, text.rows.last, tasks_[t].id}) hash.add_value(static_cast<std::uint64_t>(n));
        keys.push_back(hash.value());
        if (known_logits_.count(keys.back()) > 0) continue;
        missing.push_back(routed[keys.size() - 1]);
        missing_keys.push_back(keys.back());
      }
    }
    auto fresh = expert_logits<typename core_type::pass_type, module_type>(*core_.pass, inputs, missing);
    for (std::size_t i = 0; i < fresh.size(); ++i) known_logits_[missing_keys[i]] = std::move(fresh[i]);
    std::vector<std::vector<float>> all;
    for (const std::uint64_t key : keys) all.push_back(known_logits_.at(key));
    return all;
  }
  [[nodiscard]] double temperature_of(const expert_type& who, std::span<const encoded_example> validation) {
    std::vector<routed_text<module_type>> routed;
    std::vector<std::size_t> targets;
    for (const encoded_example& e : validation) {
      routed.push_back({&e, &who});
      targets.push_back(e.label);
    }
    return statistics::fit_temperature(expert_logits<typename core_type::pass_type, module_type>(*core_.pass, *core_.inputs, routed), targets);
  }
  [[nodiscard]] answer composed(const std::vector<task_opinion>& opinions, std::size_t n_other) const {
    const auto p = core_.composition(opinions, n_other);
    answer best;
    best.probability = -1;
    for (std::size_t i = 0; i < opinions.size(); ++i) {
      for (std::size_t c = 0; c < p[i].size(); ++c) {
        if (!(p[i][c] > best.probability)) continue;
        best = {tasks_[opinions[i].task].classes[c], tasks_[opinions[i].task].name, p[i][c], opinions[i].probability, opinions[i].task, c};
      }
    }
    if (best.probability * best.task_probability >= core_.options.least_probability) return best;
    return {{}, {}, best.probability, best.task_probability, tasks_.size(), 0};
  }

  core_type core_;
  std::vector<learned_task> tasks_;
  std::size_t n_learned_ = 0;
  moment_selection moments_;
  expert_type selector_;
  std::unordered_map<std::size_t, arrow_prototypes> arrows_;            // by the tasks' ids
  std::unordered_map<std::uint64_t, std::vector<float>> known_logits_;  // by text and task, of `predict` with `remembers`
};

}  // namespace quipu::conpet
