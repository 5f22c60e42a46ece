// What calibrate_stage.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <string_view>

#include <quipu/core/error.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/prosparse/calibrate_stage.hpp>
#include <quipu/prosparse/recipe_fields.hpp>

namespace quipu::prosparse {

namespace detail {

/// Name by name, the settings that are plain values.
template <class Settings, class Visit>
void visit_calibrate_settings(Settings& s, Visit&& visit) {
  visit("thresholds", s.thresholds);
  visit("most_loss", s.most_loss);
  visit("budget", s.budget);
  visit("predictor", s.predictor);
  visit("rank", s.rank);
  visit("recall", s.recall);
  visit("tokens", s.n_token);
  visit("window", s.window);
}

}  // namespace detail

QUIPU_INLINE nlohmann::ordered_json calibrate_settings::json() const {
  nlohmann::ordered_json out = {{"search", gate_search_names[static_cast<std::size_t>(search)]}};
  detail::visit_calibrate_settings(*this, [&](const char* name, const auto& value) { out[name] = value; });
  return out;
}

QUIPU_INLINE calibrate_settings read_calibrate_settings(const nlohmann::ordered_json& json) {
  calibrate_settings s;
  if (json.is_null()) return s;
  detail::recipe_fields fields(json, "stages: calibrate");
  fields.take_name("search", gate_search_names, s.search);
  detail::visit_calibrate_settings(s, [&](const char* name, auto& value) { fields.take(name, value); });
  fields.end();
  const auto need = [](bool holds, const char* name, std::string_view expected, auto found) {
    if (!holds) fail<config_error>(concat("stages: calibrate: ", name), expected, found);
  };
  need(!s.thresholds.empty(), "thresholds", "at least one", "none");
  for (const double t : s.thresholds) need(t >= 0 && std::isfinite(t), "thresholds", "finite numbers of at least 0", t);
  need(s.most_loss >= 0 && std::isfinite(s.most_loss), "most_loss", "a finite number of at least 0", s.most_loss);
  need(s.budget >= 0 && s.budget < 1, "budget", "0 up to 1", s.budget);
  need(s.recall > 0 && s.recall <= 1, "recall", "above 0, at most 1", s.recall);
  need(s.n_token >= 8, "tokens", "at least 8", s.n_token);
  need(s.window >= 2, "window", "at least 2", s.window);
  return s;
}

QUIPU_INLINE void calibrate_stage::check_run(const recipe& r, const io::model_config& c) {
  const auto asked = r.stages.find(name());
  if (asked == r.stages.end()) return;
  if (!activation::computes<activation::fat_relu>(r.activation) && !activation::computes<activation::drelu>(r.activation))
    fail<config_error>("stages: calibrate: activation", "relu, fatrelu or drelu, whose gates have thresholds", printable(r.activation));
  const std::size_t rank = read_calibrate_settings(*asked).rank;
  if (rank > c.d_model) fail<config_error>("stages: calibrate: rank", concat("at most the model's d_model = ", c.d_model), rank);
}

}  // namespace quipu::prosparse
