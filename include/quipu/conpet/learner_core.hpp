/// @file What the learners of task after task share: the model and its passes, caches, templates, the memory of old texts.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <quipu/conpet/cached_rows.hpp>
#include <quipu/conpet/encoded_set.hpp>
#include <quipu/conpet/expert.hpp>
#include <quipu/conpet/methods/learning_method.hpp>
#include <quipu/conpet/policies.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/core/thread_team.hpp>
#include <quipu/data/task_stream.hpp>
#include <quipu/llama/training_pass.hpp>
#include <quipu/replay/memory.hpp>
#include <quipu/replay/replay_order.hpp>

namespace quipu::conpet {

struct tuner_options {
  expert_training training{};
  double new_share = 0.5;                ///< of a batch with replay: new examples; the rest is drawn from old tasks
  replay::storage_budget storage{};      ///< of the memory
  std::size_t top_k = 1;                 ///< modules that look at a text; all of them where there are fewer
  double least_probability = 0;          ///< answers below it are "none of the tasks"
  std::uint64_t seed = 0;
  std::size_t n_longest = 0;             ///< tokens of a text in its template; 0: what the model's context has room for, 256 at most
  std::size_t n_thread = 0;              ///< 0: one for each processor. No bit of a result depends on it
  linear::product_rounding products = linear::product_rounding::none;
  std::string cache{};                   ///< folder for rows of the frozen model; empty: in memory
};

/// What a learner says of a text.
struct answer {
  std::string label, task;     ///< empty for "none of the tasks"
  double probability = 0;      ///< of the label
  double task_probability = 0; ///< of the task, by the selector; 1 where none is in front
  std::size_t task_index = 0;  ///< in the order learned; the number of tasks for "none"
  std::size_t label_index = 0; ///< of the task's classes
};

/// A text that is kept of a finished task.
struct kept_text {
  data::labelled_text text;
  std::string task;
};

/// Things that no policy of composition or selection changes. @tparam Policies  a `learner_policies`
template <class Model, class Policies>
class learner_core {
 public:
  using model_type = Model;
  using scalar_type = typename Model::scalar_type;
  using pass_type = llama::training_pass<Model>;
  using module_policy = typename Policies::module_policy;
  using module_type = typename module_policy::template module<scalar_type>;
  using expert_type = expert<module_type>;
  using method_policy = typename Policies::method_policy;
  using memory_type = replay::memory<typename Policies::replay_policy, kept_text>;

  static_assert(std::is_same_v<scalar_type, float>, "conpet: learners run on models of float");

  learner_core(Model model, module_policy settings, tuner_options chosen)
      : options(std::move(chosen)),
        policy(std::move(settings)),
        pass(std::make_unique<pass_type>(std::move(model), thread_team(options.n_thread), llama::tape_depth::everything, options.products)),
        memory({}, options.storage, options.seed) {
    if (!(options.new_share > 0 && options.new_share <= 1)) fail<config_error>("conpet: share of new examples", "above 0, at most 1", options.new_share);
    if (options.top_k == 0) fail<config_error>("conpet: modules that look at a text", "at least 1", 0);
    const module_type sample(policy, config(), 0);  // says what is wrong with the settings before anything is learned
    const std::size_t lowest = sample.touches_embedding() ? 0 : std::min(sample.lowest_layer(), config().n_layer);
    n_virtual = sample.n_virtual();
    if (!options.cache.empty()) std::filesystem::create_directories(options.cache);
    const auto file = [&](const char* name) {
      return options.cache.empty() ? std::string() : (std::filesystem::path(options.cache) / name).string();
    };
    inputs = std::make_unique<cached_block_inputs<pass_type>>(*pass, lowest, lowest == 0 ? std::string() : file("block_inputs.rows"));
    states_path = file("states.rows");
  }

  [[nodiscard]] const auto& config() const noexcept { return pass->model().config(); }
  [[nodiscard]] std::size_t n_longest() const noexcept {
    const std::size_t room = config().n_ctx - std::min(config().n_ctx, n_virtual);
    return options.n_longest > 0 ? std::min(options.n_longest, room) : std::min<std::size_t>(256, room);
  }
  [[nodiscard]] encoded_example encode(const data::labelled_text& text, std::size_t task) const {
    return encode_example(pass->model().tokenizer(), form, rows, text, task, n_longest());
  }
  [[nodiscard]] std::vector<encoded_example> encode(std::span<const data::labelled_text> texts, std::size_t task) const {
    return encode_examples(pass->model().tokenizer(), form, rows, texts, task, n_longest());
  }
  /// A module and a head for n classes. @param name  of what they are for: names their first values
  [[nodiscard]] expert_type new_expert(std::size_t n_class, const std::string& name) const { return new_expert(policy, n_class, name); }
  /// With a module of other settings.
  [[nodiscard]] expert_type new_expert(const module_policy& settings, std::size_t n_class, const std::string& name) const {
    pet::key_hash hash;
    hash.add_value(options.seed);
    hash.add(std::as_bytes(std::span(name)));
    return {std::make_shared<module_type>(settings, config(), hash.value()),
            std::make_shared<pet::linear_head<scalar_type>>(head_name, n_class, config().d_model, hash.value())};
  }
  /// Another one with the same values, its head grown to n classes.
  [[nodiscard]] expert_type grown(const expert_type& from, std::size_t n_class, const std::string& name) const {
    expert_type made = new_expert(from.module->policy(), n_class, name);
    for (std::size_t i = 0; i < made.module->parameters().size(); ++i)
      std::copy_n(from.module->parameters()[i].value, from.module->parameters()[i].size(), made.module->parameters()[i].value);
    *made.head = from.head->grown(n_class, options.seed + n_class);
    return made;
  }
  /// Means of the chosen rows after n_block blocks of the base model.
  /// @param remembers  looks into the learner's cache, and keeps them there
  [[nodiscard]] std::vector<float> states(std::span<const encoded_example> texts, std::size_t n_block, bool remembers) {
    if (!remembers) {
      io::row_cache transient({}, "", config().d_model);
      return pooled_states(*pass, texts, n_block, transient);
    }
    if (!kept_states)
      kept_states = std::make_unique<io::row_cache>(states_path, concat("means of rows, ", key_of_pass(*pass)), config().d_model);
    return pooled_states(*pass, texts, n_block, *kept_states);
  }
  /// A random-number seed for something by its name.
  [[nodiscard]] std::uint64_t seed_of(const std::string& what) const {
    pet::key_hash hash;
    hash.add_value(options.seed);
    hash.add(std::as_bytes(std::span(what)));
    return hash.value();
  }
  /// A memory that was offered a task's texts.
  [[nodiscard]] memory_type offered_to(memory_type next, const data::stream_task& task, std::size_t id, std::size_t first_label,
                                       std::span<const encoded_example> encoded, std::size_t n_block) {
    std::vector<typename memory_type::entry> entries;
    for (const data::labelled_text& t : task.train) entries.push_back({{t, task.name}, id, first_label + t.label, 0, t.text.size(), 0, {}});
    if constexpr (replay::feature_strategy<typename Policies::replay_policy>) {
      const std::vector<float> all = states(encoded, n_block, true);
      for (std::size_t i = 0; i < entries.size(); ++i) {
        const float* const own = all.data() + i * config().d_model;
        entries[i].features.assign(own, own + config().d_model);
      }
    }
    next.offer(std::move(entries));
    return next;
  }
  /// An order of new and replayed examples, half and half or as the options say.
  [[nodiscard]] replay::replay_order order(std::size_t n_new) const { return order(memory, n_new); }
  [[nodiscard]] replay::replay_order order(const memory_type& old, std::size_t n_new) const {
    return {old.strategy(), old.candidates(), n_new, budget()};
  }
  /// How batches are shared between new and replayed examples.
  [[nodiscard]] replay::compute_budget budget() const { return {.new_old_ratio = options.new_share / (1 - options.new_share)}; }

  tuner_options options;
  module_policy policy;
  typename Policies::selector_policy selector{};
  typename Policies::composition_policy composition{};
  typename Policies::template_policy form{};
  typename Policies::row_policy rows{};
  method_policy method{};
  std::unique_ptr<pass_type> pass;
  std::unique_ptr<cached_block_inputs<pass_type>> inputs;
  std::unique_ptr<io::row_cache> kept_states;
  std::string states_path;
  std::size_t n_virtual = 0;
  memory_type memory;
};

/// Values of policies, sorted to where they belong.
template <class Core, class Value>
void take_policy(Core& core, const Value& value) {
  using role_type = typename detail::role_in_learner<Value>::type;
  if constexpr (std::is_same_v<role_type, role::selector>) {
    core.selector = value;
  } else if constexpr (std::is_same_v<role_type, role::composition>) {
    core.composition = value;
  } else if constexpr (std::is_same_v<role_type, role::text_template>) {
    core.form = value;
  } else if constexpr (std::is_same_v<role_type, role::row_choice>) {
    core.rows = value;
  } else if constexpr (std::is_same_v<role_type, role::learning_method>) {
    core.method = value;
  } else {
    // Caches begin where the modules do, so their settings are known from the start.
    static_assert(!std::is_same_v<role_type, role::pet_module>, "conpet: settings of modules are the second argument of a learner");
    static_assert(std::is_same_v<role_type, role::replay>, "conpet: a value that is no policy of this learner");
    core.memory = typename Core::memory_type(value, core.options.storage, core.options.seed);
  }
}

/// @throws config_error  a task or a class that is there already. @throws format_error  a task that cannot be learned
template <class Tasks>
void check_new_task(const data::stream_task& task, const Tasks& known) {
  data::check_task(task, "learn");
  for (const auto& t : known) {
    if (t.name == task.name) fail<config_error>("learn", "a task of a new name", printable(task.name));
    for (const std::string& c : task.classes) {
      if (std::find(t.classes.begin(), t.classes.end(), c) != t.classes.end())
        fail<config_error>(concat("learn: task ", printable(task.name)), "classes of its own", concat(printable(c), ", a class of ", printable(t.name)));
    }
  }
}

}  // namespace quipu::conpet
