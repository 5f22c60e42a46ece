/// @file The training loop: data order, accumulation, clipping, validation, log, checkpoints, resumption.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/core/clock.hpp>
#include <quipu/core/error.hpp>
#include <quipu/llama/training_pass.hpp>
#include <quipu/optim/updater.hpp>
#include <quipu/schedule/schedule.hpp>
#include <quipu/train/data_order.hpp>
#include <quipu/train/example_source.hpp>
#include <quipu/train/output_folder.hpp>
#include <quipu/train/training_checkpoint.hpp>

namespace quipu::train {

/// How a run stands behind a step.
struct step_report {
  std::size_t step = 0;  ///< steps done, of
  std::size_t n_step = 0;
  double loss = 0;           ///< of the step's batches before the update, nats a token
  double gradient_norm = 0;  ///< before clipping
  double learning_rate_factor = 0;
  std::optional<double> validation_loss{};  ///< where one was due
  double tokens_per_second = 0;             ///< since this process began
  double seconds_left = 0;
};

struct trainer_options {
  std::size_t n_step = 0;      ///< optimiser steps in all
  std::size_t batch_size = 8;  ///< sequences in a pass
  std::size_t n_accumulate = 1;  ///< passes in a step; the loss is the mean over all of them
  double max_gradient_norm = std::numeric_limits<double>::infinity();
  std::uint64_t seed = 0;
  bool shuffle = true;
  std::size_t validate_every = 0;  ///< steps; 0 never
  std::size_t save_every = 0;      ///< steps; 0 only at the end
  std::string folder{};            ///< for last.safetensors, best.safetensors and log.jsonl; empty: nothing is written
  bool resume = false;             ///< go on from last.safetensors where there is one
  std::function<bool(const step_report&)> progress{};  ///< after every step; false stops, saving first
  std::function<double()> clock = steady_seconds;      ///< seconds
};

/// Where a run ended.
struct training_result {
  std::size_t step = 0;
  double loss = 0;  ///< of the last step
  std::optional<double> best_validation_loss{};
  bool finished = false;  ///< false where `progress` stopped it
};

/// Trains the parameters of a set on what a source gives. What it computes is a function of values, source and
/// options alone: neither the number of threads nor interruptions change a bit of it.
///
/// @tparam Optimizer  models `optim::optimizer_policy`
/// @tparam Schedule   models `schedule::schedule_policy`; factor of the learning rate
template <class Model, class Optimizer, class Schedule = schedule::constant>
class trainer {
  static_assert(schedule::schedule_policy<Schedule>, "trainer: the schedule must be copyable and callable with a step");

 public:
  using scalar_type = typename Model::scalar_type;

  /// @param pass        must outlive the trainer, as the memory of `parameters` and `gradients` must
  /// @param parameters  the tensors that train: of a `trainable_model`, of modules, or of both
  /// @param gradients   the model's own, empty where it is frozen
  trainer(llama::training_pass<Model>& pass, std::span<const optim::parameter<scalar_type>> parameters,
          llama::weight_gradients<scalar_type> gradients, Optimizer optimizer, Schedule schedule,
          trainer_options options, std::vector<optim::parameter_group> groups = {})
      : pass_(pass),
        gradients_(std::move(gradients)),
        schedule_(std::move(schedule)),
        options_(std::move(options)),
        update_(std::move(optimizer), parameters, pass.workspace().team(), std::move(groups),
                pass.workspace().kernels().set) {
    if (update_.parameters().empty()) fail<config_error>("trainer: parameters", "at least one that trains", "none");
    if (options_.batch_size == 0 || options_.n_accumulate == 0) {
      fail<config_error>("trainer: batch_size and n_accumulate", "at least 1", "0");
    }
  }

  /// @param hooks       modules, see `llama::no_training_hooks`
  /// @param validation  may be empty
  /// @throws config_error   an empty source, sequences longer than the context, a checkpoint of another run
  /// @throws numeric_error  a loss or gradient that is not finite; says step, tensor and last good checkpoint
  /// @throws io_error       the folder cannot be written or is another trainer's
  template <example_source Source, class Hooks, example_source Validation = example_list>
  training_result run(const Source& source, Hooks& hooks, const Validation& validation = {}) {
    check(source, "training");
    if (validation.size() > 0) check(validation, "validation");
    std::optional<output_folder> folder;
    if (!options_.folder.empty()) folder.emplace(options_.folder);
    run_state state;
    state.settings = settings(source.size());
    if (folder && options_.resume && folder->has(last_name)) {
      const auto arrays = update_.state_arrays();
      load_run<scalar_type>(folder->file(last_name), update_.parameters(), arrays, state);
      update_.set_n_step(state.step);
      folder->cut_log(state.step);
      saved_ = folder->file(last_name) + concat(" (step ", state.step, ")");
    } else if (folder) {
      folder->cut_log(0);
    }
    data_order order(options_.seed, source.size(), options_.shuffle);
    training_result result{state.step, 0, {}, state.step >= options_.n_step};
    const double begin = options_.clock();
    const std::size_t first_step = state.step;
    std::size_t n_token = 0;
    for (bool go_on = true; go_on && state.step < options_.n_step;) {
      step_report report = one_step(source, hooks, order, state.step, n_token);
      ++state.step;
      report.step = state.step;
      report.n_step = options_.n_step;
      if (validation.size() > 0 && options_.validate_every > 0 && state.step % options_.validate_every == 0) {
        report.validation_loss = evaluate(validation, hooks);
        if (state.best_step == 0 || *report.validation_loss < state.best_loss) {
          state.best_step = state.step;
          state.best_loss = *report.validation_loss;
          if (folder) save(folder->file(best_name), state);
        }
      }
      const double seconds = options_.clock() - begin;
      report.tokens_per_second = seconds > 0 ? static_cast<double>(n_token) / seconds : 0;
      report.seconds_left =
          seconds / static_cast<double>(state.step - first_step) * static_cast<double>(options_.n_step - state.step);
      if (folder) folder->log(as_json(report));
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
      llama::training_batch batch = empty_batch(hooks);
      for (std::size_t j = 0; j < options_.batch_size && i < source.size(); ++j) source.add(i++, batch);
      total += pass_.loss(batch, hooks);
    }
    return total.mean();
  }

  [[nodiscard]] optim::updater<Optimizer, scalar_type>& updater() noexcept { return update_; }
  static constexpr const char* last_name = "last.safetensors";
  static constexpr const char* best_name = "best.safetensors";

 private:
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
  [[nodiscard]] static llama::training_batch empty_batch(const Hooks& hooks) {
    return {hooks.n_virtual(), hooks.template prefix<scalar_type>(0).n_row};
  }

  [[nodiscard]] std::map<std::string, std::string, std::less<>> settings(std::size_t n_example) const {
    return {{"optimizer", std::string(Optimizer::name)},
            {"seed", concat(options_.seed)},
            {"batch_size", concat(options_.batch_size)},
            {"n_accumulate", concat(options_.n_accumulate)},
            {"shuffle", options_.shuffle ? "true" : "false"},
            {"examples", concat(n_example)}};
  }

  template <class Source, class Hooks>
  step_report one_step(const Source& source, Hooks& hooks, data_order& order, std::size_t step, std::size_t& n_token) {
    std::vector<llama::training_batch> batches(options_.n_accumulate, empty_batch(hooks));
    double weight = 0;
    std::size_t next = step * options_.n_accumulate * options_.batch_size;
    for (llama::training_batch& batch : batches) {
      for (std::size_t j = 0; j < options_.batch_size; ++j) source.add(order.at(next++), batch);
      weight += batch.total_weight();
      n_token += batch.n_row();
    }
    update_.zero_gradients();
    llama::loss_sum loss;
    for (std::size_t i = 0; i < batches.size(); ++i) {
      hooks.train(step * batches.size() + i);  // every pass has dropout of its own
      loss += pass_.step(batches[i], weight, hooks, gradients_);
    }
    if (!std::isfinite(loss.sum)) stop(step, "the loss");
    const double norm = update_.gradient_norm();
    if (!std::isfinite(norm)) {
      const auto* broken = update_.broken_gradient();
      stop(step, broken == nullptr ? "the norm of all gradients" : concat("the gradient of ", broken->name));
    }
    const double factor = schedule_(step);
    update_.step(factor, options_.max_gradient_norm, norm);
    return {0, 0, loss.mean(), norm, factor};
  }

  [[noreturn]] void stop(std::size_t step, const std::string& what) const {
    fail<numeric_error>(concat("training step ", step + 1), concat(what, " to be finite"),
                        concat("a number that is not; last good checkpoint: ", saved_.empty() ? "none" : saved_));
  }

  void save(const std::string& path, const run_state& state) {
    const auto arrays = update_.state_arrays();
    save_run<scalar_type>(path, update_.parameters(), arrays, state);
  }

  [[nodiscard]] static nlohmann::ordered_json as_json(const step_report& r) {
    nlohmann::ordered_json line = {{"step", r.step},
                                   {"loss", r.loss},
                                   {"gradient_norm", r.gradient_norm},
                                   {"learning_rate_factor", r.learning_rate_factor},
                                   {"tokens_per_second", r.tokens_per_second}};
    if (r.validation_loss) line["validation_loss"] = *r.validation_loss;
    return line;
  }

  llama::training_pass<Model>& pass_;
  llama::weight_gradients<scalar_type> gradients_;
  Schedule schedule_;
  trainer_options options_;
  optim::updater<Optimizer, scalar_type> update_;
  std::string saved_;
};

}  // namespace quipu::train
