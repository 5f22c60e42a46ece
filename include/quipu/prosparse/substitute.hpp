/// @file The first step of ProSparse: another activation in place of the one that a model was trained with.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <string>
#include <string_view>
#include <utility>

#include <quipu/activation/activation.hpp>
#include <quipu/activation/as_stated.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/io/model_config.hpp>
#include <quipu/llama/model.hpp>

namespace quipu::prosparse {

/// What was put in place of what, as configs state it.
struct substitution {
  std::string before, after;  ///< `hidden_act`
  double threshold = 0;       ///< of the new one, if it has one
  bool shares_weights = true;  ///< no tensor was copied

  [[nodiscard]] std::string text() const {
    return concat(printable(before), " became ", printable(after), threshold > 0 ? concat(" with threshold ", exact_text(threshold)) : "",
                  shares_weights ? ", tensors shared" : ", tensors copied");
  }
};

/// What `substitute` did, from the model that it was given and the one that it made.
template <class Before, class After>
[[nodiscard]] substitution describe_substitution(const llama::basic_model<Before>& before, const llama::basic_model<After>& after) {
  return {before.config().hidden_act, after.config().hidden_act, after.config().activation_threshold,
          before.shared_weights() == after.shared_weights()};
}

/// The same tensors under another activation, which the config of the new model states. The model is worse than before
/// until it was trained on. Source: Song et al. 2024, "ProSparse", the first of its three steps.
/// @return a model that shares all tensors with `m`
template <class Activation, class Policies>
[[nodiscard]] auto substitute(const llama::basic_model<Policies>& m, Activation f = {}) {
  return llama::with_activation<Activation>(m, std::move(f));
}

/// The same for an activation that is known while a program runs; the kernel's becomes `activation::as_stated`.
/// @param name       as configs state it: relu, fatrelu, drelu, relu2, shifted_relu, silu, ...
/// @param threshold  of fatrelu and shifted_relu; 0 for the others
/// @throws config_error  an activation that the library does not have, a threshold that is negative or not finite, or one of
///                       an activation that takes none
template <class Policies>
[[nodiscard]] auto substitute_named(const llama::basic_model<Policies>& m, std::string_view name, double threshold = 0) {
  if (activation::type_for(name).empty())
    fail<config_error>("substitute: activation", "one that quipu has, such as relu, fatrelu or drelu", printable(name));
  if (!(threshold >= 0 && std::isfinite(threshold))) fail<config_error>("substitute: threshold", "a finite number of at least 0", threshold);
  const bool takes_one = activation::computes<activation::fat_relu>(name) || activation::computes<activation::shifted_relu>(name);
  if (threshold > 0 && (!takes_one || name == activation::relu::name))
    fail<config_error>("substitute: threshold", concat("0, as of ", printable(name)), threshold);
  activation::as_stated f;
  f.take_stated(name, threshold);
  return llama::with_activation<activation::as_stated>(m, std::move(f));
}

}  // namespace quipu::prosparse
