/// @file The role of a predictor: what says, before the gate is read, which neurons may be active.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/hex.hpp>
#include <quipu/ffn/place.hpp>
#include <quipu/ffn/weights.hpp>
#include <quipu/linear/workspace.hpp>

namespace quipu::ffn {

template <class P>
concept has_predictor_name = requires {
  { P::name } -> std::convertible_to<std::string_view>;
};
template <class P>
concept has_predictor_state =
    std::constructible_from<typename P::state, const P&, const ffn_weights<float>&, const place&>;
template <class P>
concept has_predict = requires(const P& p, const typename P::state& s, linear::workspace& ws, const float* x, std::vector<std::uint32_t>& ids) {
  p.predict(s, ws, x, ids);
};

/// Role `neuron_predictor`: a small value.
///
/// | member | meaning |
/// |---|---|
/// | `name` | for reports |
/// | `state`, made from (predictor, weights, place) | what it knows of a layer; const afterwards |
/// | `predict(state, workspace, x, ids) const` | ids becomes the neurons that may be active for the input x (d_model), ascending; whatever the number of threads |
template <class P>
concept neuron_predictor = std::copyable<P> && has_predictor_name<P> && has_predictor_state<P> && has_predict<P>;

/// Says in one sentence what a type lacks to be a predictor.
template <class P>
consteval void explain_predictor() {
  if constexpr (!std::copyable<P>) {
    static_assert(std::copyable<P>, "neuron_predictor: the policy must be copyable");
  } else if constexpr (!has_predictor_name<P>) {
    static_assert(has_predictor_name<P>, "neuron_predictor: declare 'static constexpr std::string_view name'");
  } else if constexpr (!has_predictor_state<P>) {
    static_assert(has_predictor_state<P>, "neuron_predictor: declare 'state' with a constructor (const Predictor&, const ffn_weights<float>&, const place&)");
  } else {
    static_assert(has_predict<P>, "neuron_predictor: declare 'predict(state, workspace, x, ids) const'");
  }
}

/// @throws config_error  what was made for other weights
inline void check_predictor_hash(std::string_view name, std::uint64_t of, const place& at) {
  if (of != 0 && of != at.content.hash())
    fail<config_error>(name, concat("a predictor of these weights, whose hash is ", hex_digits(at.content.hash())), hex_digits(of));
}

}  // namespace quipu::ffn
