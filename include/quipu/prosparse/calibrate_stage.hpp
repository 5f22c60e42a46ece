/// @file Calibration as the last stage of a run.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/activation/activation.hpp>
#include <quipu/core/compiled.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/core/thread_team.hpp>
#include <quipu/ffn/dense.hpp>
#include <quipu/io/model_config.hpp>
#include <quipu/llama/model.hpp>
#include <quipu/prosparse/calibrate.hpp>
#include <quipu/prosparse/corpus.hpp>
#include <quipu/prosparse/recipe.hpp>
#include <quipu/prosparse/report.hpp>

namespace quipu::prosparse {

/// How thresholds are found after training.
enum class gate_search : std::uint8_t {
  fatrelu,  ///< `sparsity::fatrelu_scan`
  cett,     ///< `sparsity::cett_bisection`: the same error in every layer, thresholds of neurons
  global,   ///< `sparsity::global_budget`: one error for the model, thresholds of neurons
};
inline constexpr std::string_view gate_search_names[] = {"fatrelu", "cett", "global"};

/// Settings of the stage: the value of "calibrate" in `recipe::stages`.
struct calibrate_settings {
  gate_search search = gate_search::fatrelu;
  std::vector<double> thresholds = {0.005, 0.01, 0.02, 0.03};  ///< that a scan tries
  double most_loss = 0;          ///< that a scan allows, relative, of perplexity on the calibration text
  double budget = 0.05;          ///< CETT, of the other searches
  bool predictor = true;
  std::size_t rank = 0;          ///< 0: an eighth of d_model
  double recall = 0.99;
  std::size_t n_token = 4096;    ///< of the training text that are calibrated with, and of the validation text that costs are measured on
  std::size_t window = 256;

  [[nodiscard]] nlohmann::ordered_json json() const;

  friend bool operator==(const calibrate_settings&, const calibrate_settings&) = default;
};

/// Settings from JSON; what is left out keeps its default, null is all of them.
/// @throws format_error  no object, a field of another type
/// @throws config_error  an unknown field, or numbers that make no calibration
[[nodiscard]] calibrate_settings read_calibrate_settings(const nlohmann::ordered_json& json);

/// Models `stage`: calibrates what was trained on the training text, measures costs on the validation text, and keeps what it found. Of a
/// model with another activation than relu, fatrelu and drelu it finds nothing, and says so.
///
///     prosparse::calibrate_stage calibration;
///     const auto made = prosparse::run(model, corpus, recipe, {.folder = "sparse"}, calibration);
///     prosparse::write("sparse/model", made.model, *calibration.found);
struct calibrate_stage {
  std::optional<calibrated> found = {};  ///< of the last run

  [[nodiscard]] static std::string name() { return "calibrate"; }
  static void check(const nlohmann::ordered_json& settings) { static_cast<void>(read_calibrate_settings(settings)); }
  /// @throws config_error  a recipe that asks for a calibration under an activation whose gates have no thresholds of this kind, or for a
  ///                       predictor of more rank than the model has columns
  static void check_run(const recipe& r, const io::model_config& c);

  template <class Policies>
  report_section run(const llama::basic_model<Policies>& m, const corpus& text, const nlohmann::ordered_json& settings, const thread_team& team) {
    const calibrate_settings s = read_calibrate_settings(settings);
    const auto with = [&]<class Activation>(Activation f) {
      const auto dense = llama::with_ffn(m, ffn::dense<Activation>{std::move(f)}, {.team = team});
      const auto first = [&](const std::vector<token_id>& ids) { return std::span(ids).first(std::min(ids.size(), s.n_token)); };
      const calibrate_options o{.predictor = s.predictor,
                                .rank = s.rank,
                                .recall = s.recall,
                                .cost_text = first(text.validation),
                                .record = {.window = s.window, .team = team}};
      const auto training = first(text.training);
      switch (s.search) {
        case gate_search::fatrelu: found = calibrate(dense, training, sparsity::fatrelu_scan{s.thresholds, s.most_loss}, o); break;
        case gate_search::cett: found = calibrate(dense, training, sparsity::cett_bisection<>(s.budget), o); break;
        case gate_search::global: found = calibrate(dense, training, sparsity::global_budget<>(s.budget), o); break;
      }
    };
    // A ReLU is a FATReLU without a threshold: one instance of all that follows for both.
    if (activation::computes<activation::fat_relu>(m.config().hidden_act)) {
      with(activation::fat_relu{m.config().activation_threshold});
    } else if (activation::computes<activation::drelu>(m.config().hidden_act)) {
      with(activation::drelu{});
    } else {
      found.reset();
      return {"Calibration", concat("None: gates of ", printable(m.config().hidden_act), " have no thresholds.\n"), nullptr};
    }
    return found->section();
  }
};

}  // namespace quipu::prosparse

#if !defined(QUIPU_COMPILED)
#include <quipu/prosparse/calibrate_stage.ipp>
#endif
