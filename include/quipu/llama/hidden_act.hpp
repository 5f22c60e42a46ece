/// @file Whether an activation is the one that a checkpoint states.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include <quipu/activation/activation.hpp>
#include <quipu/activation/as_stated.hpp>  // type_for
#include <quipu/core/error.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/io/model_config.hpp>

namespace quipu::llama {

/// Checks that an activation computes what a config states and lets it take over what it left unsaid (a threshold, or
/// everything).
/// @throws config_error  it does not; names the activation that does, if the library has one
template <class Activation>
void settle_activation(Activation& f, const io::model_config& c, std::string_view place) {
  if (!activation::computes<Activation>(c.hidden_act)) {
    const std::string_view right = activation::type_for(c.hidden_act);
    fail<config_error>(concat(place, ": hidden_act"),
                       concat("'", Activation::name, "', the activation that the FFN policy was compiled with"),
                       concat("'", printable(c.hidden_act), "' (",
                              right.empty() ? std::string("an activation that quipu does not know")
                                            : concat("choose ", right, " or quipu::activation::as_stated"),
                              ")"));
  }
  if constexpr (activation::stated_activation<Activation>) f.take_stated(c.hidden_act, c.activation_threshold);
  if constexpr (activation::tagged_activation<Activation>) {
    f.visit([&](auto own) { settle_activation(own, c, place); });
  }
}

/// Writes an activation into a config.
template <class Activation>
void state_activation(const Activation& f, io::model_config& c) {
  if constexpr (activation::tagged_activation<Activation>) {
    f.visit([&](const auto& own) { state_activation(own, c); });
  } else {
    c.hidden_act = std::string(Activation::name);
    c.activation_threshold = 0;
    if constexpr (activation::thresholded_activation<Activation>) {
      if (f.threshold_value() > 0) c.activation_threshold = f.threshold_value();
    }
  }
}

}  // namespace quipu::llama
