/// @file The training loop: steps, accumulation, clipping, validation, log, checkpoints, resumption.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/core/error.hpp>
#include <quipu/core/hex.hpp>
#include <quipu/core/number_text.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/io/safetensors.hpp>
#include <quipu/llama/training_pass.hpp>
#include <quipu/optim/updater.hpp>
#include <quipu/schedule/schedule.hpp>
#include <quipu/train/batch_order.hpp>
#include <quipu/train/companion.hpp>
#include <quipu/train/example_source.hpp>
#include <quipu/train/objective.hpp>
#include <quipu/train/output_folder.hpp>
#include <quipu/train/run.hpp>
#include <quipu/train/run_settings.hpp>
#include <quipu/train/training_checkpoint.hpp>

namespace quipu::train {

/// In place of validation data.
struct no_validation {};

/// Trains the parameters of a set on what a source gives. What it computes is a function of values, source, options
/// and policies alone: neither the number of threads nor interruptions change a bit of it.
///
/// @tparam Optimizer  models `optim::optimizer_policy`
/// @tparam Schedule   models `schedule::schedule_policy`; factor of the learning rate
/// @tparam Objective  models `objective`: what a step minimises
/// @tparam Order      models `batch_order`: which examples a step sees
template <class Model, class Optimizer, class Schedule = schedule::constant, class Objective = language_modelling,
          class Order = epochs>
class trainer {
  static_assert(schedule::schedule_policy<Schedule>, "trainer: the schedule must be copyable and callable with a step");
  static_assert((explain_objective<Objective>(), true));
  static_assert((explain_batch_order<Order>(), true));

 public:
  using scalar_type = typename Model::scalar_type;
  using batch_type = typename Objective::batch_type;

  /// @param pass        must outlive the trainer, as the memory of `parameters` and `gradients` must
  /// @param parameters  the tensors that train: of a `trainable_model`, of modules, heads, or of several of them
  /// @param gradients   the model's own, empty if it is frozen
  trainer(llama::training_pass<Model>& pass, std::span<const optim::parameter<scalar_type>> parameters,
          llama::weight_gradients<scalar_type> gradients, Optimizer optimizer, Schedule schedule,
          trainer_options options, std::vector<optim::parameter_group> groups = {}, Objective objective = {},
          Order order = {})
      : pass_(pass),
        gradients_(std::move(gradients)),
        schedule_(std::move(schedule)),
        options_(std::move(options)),
        objective_(std::move(objective)),
        order_(std::move(order)),
        update_(std::move(optimizer), parameters, pass.workspace().team(), std::move(groups),
                pass.workspace().kernels().set) {
    if (update_.parameters().empty()) fail<config_error>("trainer: parameters", "at least one that trains", "none");
    if (options_.batch_size == 0 || options_.n_accumulate == 0) {
      fail<config_error>("trainer: batch_size and n_accumulate", "at least 1", "0");
    }
  }

  /// Takes a companion along, which must outlive the runs. Companions are called in the order of this.
  /// @param name  letters, digits and '_': its place in checkpoints
  /// @throws config_error  another name, or one that is taken
  template <class Companion>
  void attach(const std::string& name, Companion& companion) {
    static_assert((explain_companion<Companion>(), true));
    const bool plain =
        name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == std::string::npos;
    if (name.empty() || !plain) {
      fail<config_error>("trainer: name of a companion", "letters, digits and '_'", printable(name));
    }
    for (const attached_companion& other : companions_) {
      if (other.name == name) fail<config_error>("trainer: name of a companion", "a new one", name);
    }
    companions_.emplace_back(name, companion);
  }

  /// @param hooks       modules, see `llama::no_training_hooks`
  /// @param validation  may be empty
  /// With a folder the run records there what it is made of: hashes of the base model's weights and of the data, and
  /// its settings; `resume` compares them. A run may be resumed for more steps if its schedule gives those that were
  /// planned the same factors.
  /// @throws config_error   an empty source, sequences longer than the context; a run in the folder that is neither to
  ///                        be resumed nor overwritten, or one to be resumed of other settings, which it names
  /// @throws numeric_error  a loss or gradient that is not finite; says step, tensor and last good checkpoint
  /// @throws format_error   files under the run's names that no trainer wrote
  /// @throws io_error       the folder cannot be written or is another trainer's
  template <example_source Source, class Hooks, class Validation = no_validation>
  training_result run(const Source& source, Hooks& hooks, const Validation& validation = {}) {
    static_assert((explain_objective_on<Objective, Source, llama::training_pass<Model>, Hooks>(), true));
    check(source, "training");
    if constexpr (example_source<Validation>) {
      if (validation.size() > 0) check(validation, "validation");
    }
    std::optional<output_folder> folder;
    run_state state;
    if (!options_.folder.empty()) {
      output_folder::check(options_.folder, existing());
      folder.emplace(options_.folder);
      output_folder::check(options_.folder, existing());  // another one may have come and gone meanwhile
      if (existing() == existing_run::overwrite) folder->remove_run();
      state.settings = settings(source, hooks, validation);
      if (folder->has(last_name)) resume(folder->file(last_name), state);
      folder->cut_log(state.step);
    }
    training_result result{state.step, 0, {}, state.step >= options_.n_step};
    const double begin = options_.clock();
    const std::size_t first_step = state.step;
    std::size_t n_token = 0;
    for (bool go_on = true; go_on && state.step < options_.n_step;) {
      step_report report = one_step(source, hooks, state.step, n_token);
      ++state.step;
      report.step = state.step;
      report.n_step = options_.n_step;
      const bool validates = options_.validate_every > 0 && state.step % options_.validate_every == 0;
      if (validates) report.validation_loss = validation_loss(validation, hooks);
      tell_companions(report);
      if (report.validation_loss && is_better(*report.validation_loss, state)) {
        state.best_step = state.step;
        state.best_loss = *report.validation_loss;
        if (folder) save(folder->file(best_name), state);
      }
      const double seconds = options_.clock() - begin;
      report.tokens_per_second = seconds > 0 ? static_cast<double>(n_token) / seconds : 0;
      report.seconds_left =
          seconds / static_cast<double>(state.step - first_step) * static_cast<double>(options_.n_step - state.step);
      if (folder) folder->log(log_line(report));
      go_on = !options_.progress || options_.progress(report);
      const bool due = options_.save_every > 0 && state.step % options_.save_every == 0;
      if (folder && (due || !go_on || state.step == options_.n_step)) {
        save(folder->file(last_name), state);
        saved_ = folder->file(last_name) + concat(" (step ", state.step, ")");
      }
      result = {state.step, report.loss, {}, state.step == options_.n_step};
    }
    if (state.best_step > 0) result.best_validation_loss = state.best_loss;
    return result;
  }

  /// Mean loss over all sequences of a source, in nats a token, without dropout.
  template <example_source Source, class Hooks>
  double evaluate(const Source& source, Hooks& hooks) {
    hooks.evaluate();
    llama::loss_sum total;
    for (std::size_t i = 0; i < source.size();) {
      batch_type batch = empty_batch(hooks);
      for (std::size_t j = 0; j < options_.batch_size && i < source.size(); ++j) objective_.add(source, i++, batch);
      total += objective_.loss(pass_, batch, hooks);
    }
    return total.mean();
  }

  [[nodiscard]] optim::updater<Optimizer, scalar_type>& updater() noexcept { return update_; }
  [[nodiscard]] Objective& objective() noexcept { return objective_; }
  static constexpr const char* last_name = output_folder::last_name;
  static constexpr const char* best_name = output_folder::best_name;

 private:
  // A loss that is no number is never the best; one that an earlier version kept gives way to any.
  [[nodiscard]] static bool is_better(double loss, const run_state& state) {
    return !std::isnan(loss) && (state.best_step == 0 || !(state.best_loss <= loss));
  }
  template <class Source>
  void check(const Source& source, const char* what) const {
    const std::size_t n_ctx = pass_.model().config().n_ctx;
    if (source.size() == 0) fail<config_error>(concat("trainer: ", what, " data"), "at least one sequence", "none");
    if (source.longest() > n_ctx) {
      fail<config_error>(concat("trainer: longest sequence of the ", what, " data"),
                         concat("at most n_ctx = ", n_ctx, " tokens"), source.longest());
    }
  }

  template <class Hooks>
  [[nodiscard]] static batch_type empty_batch(const Hooks& hooks) {
    return batch_type(hooks.n_virtual(), hooks.template prefix<scalar_type>(0).n_row);
  }

  [[nodiscard]] existing_run existing() const noexcept {
    return options_.resume ? existing_run::resume : options_.overwrite ? existing_run::overwrite : existing_run::refuse;
  }

  template <class Source, class Hooks, class Validation>
  [[nodiscard]] run_settings settings(const Source& source, const Hooks& hooks, const Validation& validation) {
    const Optimizer& optimizer = update_.policy();
    run_settings all = options_.recipe;
    all["optimizer"] = std::string(Optimizer::name);
    if constexpr (optim::numbered_optimizer<Optimizer>) all["optimizer_numbers"] = optimizer.numbers();
    all["learning_rate"] = exact_text(optimizer.learning_rate);
    all["weight_decay"] = exact_text(optimizer.weight_decay);
    all["max_gradient_norm"] = exact_text(options_.max_gradient_norm);
    all["schedule"] = detail::schedule_text(schedule_, options_.n_step);
    all["seed"] = concat(options_.seed);
    all["batch_size"] = concat(options_.batch_size);
    all["n_accumulate"] = concat(options_.n_accumulate);
    all["shuffle"] = options_.shuffle ? "true" : "false";
    all["examples"] = concat(source.size());
    if (const std::string text = objective_.identity(); !text.empty()) all["objective"] = text;
    if (const std::string text = order_.identity(); !text.empty()) all["order"] = text;
    const auto empty = [&] { return empty_batch(hooks); };
    all["data"] = detail::data_text(source, objective_, empty);
    all["validate_every"] = concat(options_.validate_every);
    if constexpr (example_source<Validation>) all["validation_data"] = detail::data_text(validation, objective_, empty);
    all["base_model"] = hex_digits(pass_.model().identity()->content->hash());
    all["products"] = pass_.products() == linear::product_rounding::none ? "as the model's" : "bf16";
    pet::key_hash groups;
    for (const optim::tensor_settings& s : update_.settings()) {
      groups.add_value(s.learning_rate / optimizer.learning_rate);
      groups.add_value(s.weight_decay - optimizer.weight_decay);
    }
    all["parameter_groups"] = groups.text();
    detail::add_module_settings(all, hooks, pass_.model().config());
    return all;
  }

  template <class Source, class Hooks>
  step_report one_step(const Source& source, Hooks& hooks, std::size_t step, std::size_t& n_token) {
    std::vector<ordered_example> examples(options_.n_accumulate * options_.batch_size);
    order_.fill({options_.seed, options_.shuffle, source.size(), step}, examples);
    std::vector<batch_type> batches(options_.n_accumulate, empty_batch(hooks));
    step_plan plan{step, batches.size()};
    for (std::size_t i = 0; i < examples.size(); ++i) {
      const ordered_example& e = examples[i];
      if (e.example >= source.size())
        fail<config_error>("trainer: example of the order", concat("below ", source.size()), e.example);
      batch_type& batch = batches[i / options_.batch_size];
      batch.weigh(e.weight);
      objective_.add(source, e.example, batch);
    }
    for (const batch_type& batch : batches) {
      plan.n_sequence += batch.segments().size();
      plan.n_row += batch.n_row();
      plan.n_counted += batch.n_counted();
      plan.weight += objective_.weight(batch);
    }
    n_token += plan.n_row;
    if constexpr (step_observer<Objective>) objective_.begin_step(plan);
    if constexpr (step_observer<Hooks>) hooks.begin_step(plan);
    for (const attached_companion& c : companions_) c.begin_step(plan);
    update_.zero_gradients();
    llama::loss_sum loss;
    for (std::size_t i = 0; i < batches.size(); ++i) {
      hooks.train(step * batches.size() + i);  // every pass has dropout of its own
      loss += objective_.step(pass_, batches[i], plan.weight, hooks, gradients_);
    }
    double added = 0;
    if constexpr (step_finisher<Objective>) added = objective_.end_step();
    if (!std::isfinite(loss.sum + added)) stop(step, "the loss");
    const double norm = update_.gradient_norm();
    if (!std::isfinite(norm)) {
      const auto* broken = update_.broken_gradient();
      stop(step, broken == nullptr ? "the norm of all gradients" : concat("the gradient of ", broken->name));
    }
    const double factor = schedule_(step);
    update_.step(factor, options_.max_gradient_norm, norm);
    return {0, 0, loss.mean() + added, norm, factor};
  }

  template <class Validation, class Hooks>
  [[nodiscard]] std::optional<double> validation_loss(const Validation& validation, Hooks& hooks) {
    if constexpr (example_source<Validation>) {
      if (validation.size() > 0) return evaluate(validation, hooks);
    } else {
      static_assert(std::same_as<Validation, no_validation>, "trainer: the validation data must be an example_source");
    }
    return std::nullopt;
  }

  /// @throws config_error  a companion that gives a field that is there already
  void tell_companions(step_report& report) const {
    const step_report before = report;
    for (const attached_companion& c : companions_) {
      auto fields = nlohmann::ordered_json::object();
      c.step_done(before, fields);
      for (const auto& [key, value] : fields.items()) {
        if (log_line(report).contains(key)) {
          fail<config_error>(concat("trainer: companion '", c.name, "': field"), "a name that is not in the log yet",
                             printable(key));
        }
        report.fields[key] = value;
      }
    }
  }

  [[noreturn]] void stop(std::size_t step, const std::string& what) const {
    fail<numeric_error>(concat("training step ", step + 1), concat(what, " to be finite"),
                        concat("a number that is not; last good checkpoint: ", saved_.empty() ? "none" : saved_));
  }

  [[nodiscard]] std::vector<optim::state_array> state_arrays() {
    std::vector<optim::state_array> all;
    add_optimizer_arrays(all, update_.state_arrays());
    for (const attached_companion& c : companions_) add_companion_arrays(all, c.name, c.arrays());
    return all;
  }
  void save(const std::string& path, run_state& state) {
    for (const attached_companion& c : companions_) state.companions[c.name] = c.state();
    save_run<scalar_type>(path, update_.parameters(), state_arrays(), state);
  }
  void resume(const std::string& path, run_state& state) {
    const run_settings own = state.settings;
    bool recorded = false;
    std::vector<const attached_companion*> along;
    {
      const io::safetensors_file file(path);
      const auto saved = [&](const char* name) { return file.metadata().find(concat(detail::setting_prefix, name)); };
      recorded = saved("base_model") != file.metadata().end();
      if (!recorded && !options_.trust_unrecorded) {
        fail<config_error>(path, "a run that says what it was made of (--trust-unrecorded goes on without)",
                           "neither base model nor data recorded");
      }
      for (const attached_companion& c : companions_) {  // one that a run of an earlier version had not begins here
        if (recorded || file.metadata().contains(concat(detail::companion_prefix, c.name))) along.push_back(&c);
      }
      if (const auto schedule = saved("schedule"); schedule != file.metadata().end()) {
        state.settings["schedule"] =
            detail::schedule_text(schedule_, detail::steps_in(schedule->second, options_.n_step));
      }
    }
    // What was never recorded stays so: the run cannot say that it had been the same all along.
    if (!recorded) std::erase_if(state.settings, [](const auto& s) { return !detail::is_earlier_setting(s.first); });
    std::vector<optim::state_array> arrays;
    add_optimizer_arrays(arrays, update_.state_arrays());
    for (const attached_companion* c : along) {
      state.companions[c->name] = nullptr;
      add_companion_arrays(arrays, c->name, c->arrays());
    }
    load_run<scalar_type>(path, update_.parameters(), arrays, state, [&](const run_state& found) {
      for (const attached_companion* c : along) c->restore(found.companions.at(c->name));
    });
    if (recorded) state.settings["schedule"] = own.at("schedule");
    update_.set_n_step(state.step);
    saved_ = path + concat(" (step ", state.step, ")");
  }

  llama::training_pass<Model>& pass_;
  llama::weight_gradients<scalar_type> gradients_;
  Schedule schedule_;
  trainer_options options_;
  Objective objective_;
  Order order_;
  optim::updater<Optimizer, scalar_type> update_;
  std::vector<attached_companion> companions_;
  std::string saved_;
};

}  // namespace quipu::train
