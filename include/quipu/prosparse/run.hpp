/// @file All of ProSparse in one call: another activation, training, what follows training, a report.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/core/error.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/core/thread_team.hpp>
#include <quipu/io/model_config.hpp>
#include <quipu/llama/model.hpp>
#include <quipu/prosparse/corpus.hpp>
#include <quipu/prosparse/measure.hpp>
#include <quipu/prosparse/recipe.hpp>
#include <quipu/prosparse/report.hpp>
#include <quipu/prosparse/substitute.hpp>
#include <quipu/prosparse/train.hpp>
#include <quipu/train/output_folder.hpp>
#include <quipu/train/run.hpp>

namespace quipu::prosparse {

template <class S>
concept has_stage_name = requires(const S& s) {
  { s.name() } -> std::convertible_to<std::string>;
};
template <class S>
concept has_stage_check = requires(S& s, const nlohmann::ordered_json& settings) { s.check(settings); };
template <class S, class Model>
concept has_stage_run = requires(S& s, const Model& model, const corpus& text, const nlohmann::ordered_json& settings, const thread_team& team) {
  { s.run(model, text, settings, team) } -> std::convertible_to<report_section>;
};

/// Role `stage`: what follows training, such as a search for thresholds, predictors, or writing the model.
///   name()                       its key in `recipe::stages` and in the report
///   check(settings)              before any work: throws config_error about settings that it does not take; they are null
///                                where the recipe has none for it
///   run(model, text, settings, team)
///                                the trained model; gives a section of the report. Settings as `check` saw them
template <class S>
concept stage = has_stage_name<S> && has_stage_check<S>;

/// Optional: a stage that looks at recipe and model before any work, and throws config_error if it cannot follow such a run.
template <class S>
concept run_checking_stage = requires(S& s, const recipe& r, const io::model_config& c) { s.check_run(r, c); };

/// Says in one sentence what a type lacks to be a stage after training.
template <class S, class Model>
consteval void explain_stage_on() {
  if constexpr (!has_stage_name<S>) {
    static_assert(has_stage_name<S>, "stage: declare 'std::string name() const', its key in a recipe");
  } else if constexpr (!has_stage_check<S>) {
    static_assert(has_stage_check<S>, "stage: declare 'check(const nlohmann::ordered_json& settings)'");
  } else {
    static_assert(has_stage_run<S, Model>,
                  "stage: declare 'report_section run(const Model& model, const corpus& text, const nlohmann::ordered_json& settings, "
                  "const thread_team& team)'");
  }
}

/// Where and how a recipe is carried out; nothing here changes what comes out.
struct run_options {
  std::string folder{};  ///< for checkpoints, log and report; empty: none
  bool resume = false, overwrite = false, trust_unrecorded = false;  ///< as the trainer's
  thread_team team = thread_team();
  std::function<bool(const train::step_report&)> progress{};  ///< after every step; false stops, saving first
};

/// What `run` gave. If `progress` stopped it, the model is as far as it came and there are neither figures of it nor sections.
template <class Model>
struct outcome {
  Model model;
  train::training_result result;
  run_report report;
};

/// The settings of training that a recipe states.
[[nodiscard]] inline train_options<> options_of(const recipe& r) {
  train_options<> o;
  o.regulariser = sparsity::regulariser_named(r.regulariser, r.reduction, r.n_chunk);
  o.lambda = r.lambda.make();
  o.n_step = r.n_step;
  o.n_token = r.n_token;
  o.batch_size = r.batch_size;
  o.n_accumulate = r.n_accumulate;
  o.learning_rate = r.learning_rate;
  o.n_warm_up = r.n_warm_up;
  o.last_rate = r.last_rate;
  o.beta1 = r.beta1;
  o.beta2 = r.beta2;
  o.eps = r.eps;
  o.weight_decay = r.weight_decay;
  o.max_gradient_norm = r.max_gradient_norm;
  o.shuffle = r.shuffle;
  o.seed = r.seed;
  o.validate_every = r.validate_every;
  o.save_every = r.save_every;
  o.dead_after = r.dead_after;
  o.depth = r.recompute ? llama::tape_depth::block_inputs : llama::tape_depth::everything;
  o.products = r.bf16 ? linear::product_rounding::bf16 : linear::product_rounding::none;
  return o;
}

namespace detail {

/// Before any work: everything that can be known to go wrong. @throws as `run`
template <class Policies, class... Stages>
void check_run(const llama::basic_model<Policies>& m, const corpus& text, const recipe& r, const run_options& o, Stages&... stages) {
  r.check();
  for (const auto& [key, settings] : r.stages.items()) {
    if (!((std::string(stages.name()) == key) || ...))
      fail<config_error>("recipe: stages", "those that the program has", printable(key));
  }
  (stages.check(r.stages.contains(std::string(stages.name())) ? r.stages.at(std::string(stages.name())) : nlohmann::ordered_json()), ...);
  [[maybe_unused]] const auto check_with_model = [&](auto& s) {
    if constexpr (run_checking_stage<decltype(s)>) s.check_run(r, m.config());
  };
  (check_with_model(stages), ...);
  if (r.n_token > m.config().n_ctx)
    fail<config_error>("recipe: window", concat("at most the model's n_ctx = ", m.config().n_ctx, " tokens"), r.n_token);
  for (const auto* part : {&text.training, &text.validation}) {
    if (part->size() > r.n_token) continue;
    fail<config_error>(part == &text.training ? "prosparse: training text" : "prosparse: validation text",
                       concat("at least one window and its last target, ", r.n_token + 1, " tokens"), part->size());
  }
  if (o.folder.empty()) return;
  const auto existing = o.resume ? train::existing_run::resume : o.overwrite ? train::existing_run::overwrite : train::existing_run::refuse;
  train::output_folder::check(o.folder, existing);
  const train::output_folder writable(o.folder);
}

}  // namespace detail

/// Carries out a recipe on a model and writes the report into the folder.
///
/// @param m       its FFN kernel models `ffn::trainable_ffn_kernel` and `llama::rebindable_ffn`
/// @param text    with a training and a validation part of a window at least
/// @param stages  what follows training, in this order: each models `stage`
/// @throws config_error  before any work: a recipe, settings of a stage or a text that make no run; a folder that holds a run
/// @throws io_error      the folder cannot be written: before any work, if that can be known
/// Example: examples/05_prosparse/main.cpp
template <class Policies, class... Stages>
[[nodiscard]] auto run(const llama::basic_model<Policies>& m, const corpus& text, const recipe& r, const run_options& o, Stages&&... stages) {
  detail::check_run(m, text, r, o, stages...);
  const train::target_windows validation(text.validation, r.n_token);
  const auto substituted = substitute_named(m, r.activation, r.threshold);
  run_report report{r, m.identity()->path, describe_substitution(m, substituted).text()};
  report.before = measure(m, validation, o.team, r.batch_size);
  report.substituted_figures = measure(substituted, validation, o.team, r.batch_size);
  report.n_neuron = m.config().n_layer * m.config().d_ffn;

  train_options<> options = options_of(r);
  options.team = o.team;
  options.folder = o.folder;
  options.resume = o.resume;
  options.overwrite = o.overwrite;
  options.trust_unrecorded = o.trust_unrecorded;
  options.progress = [&](const train::step_report& step) {
    if (o.folder.empty()) {
      if (auto row = history_row_of(train::log_line(step))) report.history.push_back(std::move(*row));
    }
    return !o.progress || o.progress(step);
  };
  auto made = train(substituted, text, options);
  (([] {
    explain_stage_on<std::remove_cvref_t<Stages>, decltype(made.model)>();
  }()), ...);
  if (!o.folder.empty()) report.history = read_history(o.folder + "/" + train::output_folder::log_name);
  report.n_dead = made.n_dead;
  if (made.result.finished) {
    report.after = measure(made.model, validation, o.team, r.batch_size);
    [[maybe_unused]] const auto settings = [&](const auto& s) {
      const std::string name = s.name();
      return r.stages.contains(name) ? r.stages.at(name) : nlohmann::ordered_json();
    };
    (report.sections.push_back(stages.run(made.model, text, settings(stages), o.team)), ...);
    if (!o.folder.empty()) report.write(o.folder);
  }
  return outcome<decltype(made.model)>{std::move(made.model), made.result, std::move(report)};
}

}  // namespace quipu::prosparse
