// What recipe.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/activation/as_stated.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/json_text.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/prosparse/recipe.hpp>
#include <quipu/prosparse/recipe_fields.hpp>

namespace quipu::prosparse {

namespace detail {

/// The numbers of a lambda that count for its kind. @throws config_error  another kind
template <class Visit>
void visit_lambda(const std::string& kind, auto& l, Visit&& visit) {
  const bool stages = kind == "stages" || kind == "stages_then_constant";
  if (stages) {
    visit("ends", l.ends);
    visit("factors", l.factors);
  }
  if (kind == "linear" || kind == "sine" || kind == "constant" || kind == "seeking") visit("start", l.start);
  if (kind == "linear" || kind == "sine" || kind == "stages_then_constant") visit("end", l.end);
  if (kind == "linear" || kind == "sine" || kind == "constant" || kind == "stages_then_constant") {
    visit("factor", l.factor);
  } else if (kind == "seeking") {
    visit("target", l.target);
    visit("first", l.first);
    visit("growth", l.growth);
    visit("every", l.every);
  } else if (!stages && kind != "prosparse_7b" && kind != "prosparse_13b" && kind != "prosparse_1b") {
    fail<config_error>("lambda: kind", "constant, linear, sine, stages, stages_then_constant, seeking, prosparse_7b, prosparse_13b or prosparse_1b",
                       printable(kind));
  }
}

/// Name by name, the fields of a recipe that are plain values.
template <class Recipe, class Visit>
void visit_recipe(Recipe& r, Visit&& visit) {
  visit("steps", r.n_step);
  visit("window", r.n_token);
  visit("batch", r.batch_size);
  visit("passes", r.n_accumulate);
  visit("learning_rate", r.learning_rate);
  visit("warm_up", r.n_warm_up);
  visit("last_rate", r.last_rate);
  visit("beta1", r.beta1);
  visit("beta2", r.beta2);
  visit("eps", r.eps);
  visit("weight_decay", r.weight_decay);
  visit("clip", r.max_gradient_norm);
  visit("shuffle", r.shuffle);
  visit("seed", r.seed);
  visit("bf16", r.bf16);
  visit("recompute", r.recompute);
  visit("validate_every", r.validate_every);
  visit("save_every", r.save_every);
  visit("dead_after", r.dead_after);
}

}  // namespace detail

QUIPU_INLINE schedule::any_lambda lambda_recipe::make() const {
  detail::visit_lambda(kind, *this, [](auto&&...) {});
  if (kind == "constant") return schedule::constant_lambda(factor, start);
  if (kind == "linear") return schedule::linear_lambda(start, end, factor);
  if (kind == "sine") return schedule::sine_lambda(start, end, factor);
  if (kind == "stages") return schedule::stages_of(ends, factors);
  if (kind == "stages_then_constant") {
    if (!ends.empty() && end < ends.back()) fail<config_error>("lambda: end of the stages", concat("at least ", ends.back()), end);
    return schedule::stages_then_constant{schedule::stages_of(ends, factors), end,
                                          schedule::detail::checked_factor("lambda: factor after the stages", factor)};
  }
  if (kind == "seeking") return schedule::seeking_lambda({.target = target, .first = first, .growth = growth, .every = every, .start = start});
  if (kind == "prosparse_7b") return schedule::prosparse_7b();
  if (kind == "prosparse_13b") return schedule::prosparse_13b();
  return schedule::prosparse_1b();
}

QUIPU_INLINE nlohmann::ordered_json lambda_recipe::json() const {
  nlohmann::ordered_json out = {{"kind", kind}};
  detail::visit_lambda(kind, *this, [&](const char* name, const auto& value) { out[name] = value; });
  return out;
}

QUIPU_INLINE void recipe::check() const {
  const auto at_least_one = [](const char* name, std::size_t value) {
    if (value == 0) fail<config_error>(concat("recipe: ", name), "at least 1", 0);
  };
  at_least_one("steps", n_step);
  at_least_one("window", n_token);
  at_least_one("batch", batch_size);
  at_least_one("passes", n_accumulate);
  at_least_one("dead_after", dead_after);
  const auto in = [](const char* name, double value, double low, double high) {
    if (!(value >= low && value <= high)) fail<config_error>(concat("recipe: ", name), concat(low, " .. ", high), value);
  };
  in("learning_rate", learning_rate, 0, 1e3);
  in("last_rate", last_rate, 0, 1);
  in("beta1", beta1, 0, 1);
  in("beta2", beta2, 0, 1);
  in("eps", eps, 0, 1);
  in("weight_decay", weight_decay, 0, 1e3);
  if (!(max_gradient_norm > 0)) fail<config_error>("recipe: clip", "above 0", max_gradient_norm);
  if (activation::type_for(activation).empty())
    fail<config_error>("recipe: activation", "one that quipu has, such as relu, fatrelu or drelu", printable(activation));
  if (!(threshold >= 0 && std::isfinite(threshold))) fail<config_error>("recipe: threshold", "a finite number of at least 0", threshold);
  if (!(text.validation >= 0 && text.validation < 1)) fail<config_error>("recipe: validation", "a share of 0 up to below 1", text.validation);
  static_cast<void>(lambda.make());
  static_cast<void>(sparsity::regulariser_named(regulariser, reduction, n_chunk));
}

QUIPU_INLINE nlohmann::ordered_json recipe::json() const {
  nlohmann::ordered_json out = {
      {"activation", activation},
      {"threshold", threshold},
      {"text",
       {{"split", document_split_names[static_cast<std::size_t>(text.split)]}, {"ascii_only", text.ascii_only}, {"validation", text.validation}}},
      {"regulariser", {{"kind", regulariser}, {"reduction", sparsity::name_of(reduction)}, {"chunk", n_chunk}}},
      {"lambda", lambda.json()}};
  detail::visit_recipe(*this, [&](const char* name, const auto& value) { out[name] = value; });
  out["stages"] = stages;
  return out;
}

QUIPU_INLINE recipe read_recipe(std::string_view text, const std::string& place) {
  const nlohmann::json json = parse_json(text, place);
  recipe r;
  detail::recipe_fields fields(json, place);
  fields.take("activation", r.activation);
  fields.take("threshold", r.threshold);
  if (const auto* found = fields.find("text")) {
    detail::recipe_fields own(*found, concat(place, ": text"));
    own.take_name("split", document_split_names, r.text.split);
    own.take("ascii_only", r.text.ascii_only);
    own.take("validation", r.text.validation);
    own.end();
  }
  if (const auto* found = fields.find("regulariser")) {
    detail::recipe_fields own(*found, concat(place, ": regulariser"));
    own.take("kind", r.regulariser);
    own.take_name("reduction", sparsity::reduction_names, r.reduction);
    own.take("chunk", r.n_chunk);
    own.end();
  }
  if (const auto* found = fields.find("lambda")) {
    detail::recipe_fields own(*found, concat(place, ": lambda"));
    own.take("kind", r.lambda.kind);
    detail::visit_lambda(r.lambda.kind, r.lambda, [&](const char* name, auto& value) { own.take(name, value); });
    own.end();
  }
  detail::visit_recipe(r, [&](const char* name, auto& value) { fields.take(name, value); });
  if (const auto* found = fields.find("stages")) {
    if (!found->is_object()) fail<format_error>(concat(place, ": stages"), "an object", found->type_name());
    r.stages = *found;
  }
  fields.end();
  r.check();
  return r;
}

QUIPU_INLINE recipe stories_recipe(double largest) {
  recipe r;
  r.text = {document_split::single_lines, true, 0.1};
  r.lambda.kind = "stages";
  r.lambda.ends = {160, 200, 440, 520, 720, 800};
  for (const double share : {0.0, 0.025, 0.25, 0.25, 1.0, 1.0}) r.lambda.factors.push_back(share * largest);
  return r;
}

}  // namespace quipu::prosparse
