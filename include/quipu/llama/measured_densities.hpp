/// @file How many neurons of each layer a text makes active.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include <quipu/activation/activation.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/matrix_view.hpp>
#include <quipu/core/thread_team.hpp>
#include <quipu/llama/hooks.hpp>
#include <quipu/llama/model.hpp>
#include <quipu/llama/session.hpp>
#include <quipu/text/tokenizer.hpp>  // encode_document

namespace quipu::llama {

namespace detail {

/// Counts gates that an activation does not make 0.
struct active_counter : no_hooks {
  float threshold;
  std::vector<std::size_t>& n_active;  // (n_layer)

  active_counter(float t, std::vector<std::size_t>& n) : threshold(t), n_active(n) {}
  void projected(projection_site site, std::size_t layer, std::span<const row_segment>, matrix_view<const float>, matrix_view<float> y) const {
    if (site != projection_site::gate) return;
    for (std::size_t t = 0; t < y.rows(); ++t) {
      for (std::size_t i = 0; i < y.cols(); ++i) n_active[layer] += static_cast<std::size_t>(!(y(t, i) < threshold) && !(y(t, i) <= 0));
    }
  }
};

}  // namespace detail

/// Shares of active neurons of each layer over the first tokens of a text: what `ffn::per_layer` chooses kernels by.
/// @param m  a model whose activation models `thresholded_activation`
/// @return (n_layer)
/// @throws config_error  the model has no tokenizer, or the text has no token
template <class Policies>
[[nodiscard]] std::vector<double> measured_densities(const basic_model<Policies>& m, std::string_view text, std::size_t n_token = 256,
                                                     const thread_team& team = thread_team()) {
  using activation_type = typename basic_model<Policies>::ffn_type::activation_type;
  static_assert(activation::thresholded_activation<activation_type>, "measured_densities: the activation makes no gate 0");
  auto ids = text::encode_document(m.tokenizer(), text);
  ids.resize(std::min({ids.size(), n_token, m.config().n_ctx}));
  if (ids.empty()) fail<config_error>("measured_densities: text", "at least one token", "none");
  std::vector<std::size_t> n_active(m.config().n_layer, 0);
  auto s = open_session(m, team);
  sequence_input<float> in{s.create(), ids};
  in.want = logits_of::none;
  s.run({&in, 1}, [](std::size_t, std::size_t, std::span<const float>) {},
        detail::active_counter(static_cast<float>(m.ffn().activation.threshold_value()), n_active));
  std::vector<double> shares;
  shares.reserve(n_active.size());
  for (const std::size_t n : n_active) shares.push_back(static_cast<double>(n) / static_cast<double>(ids.size() * m.config().d_ffn));
  return shares;
}

/// Optional: an FFN kernel that wants shares of active neurons and has a text to measure them on.
template <class Ffn>
concept measuring_ffn = requires(Ffn f) {
  typename Ffn::first_kernel;
  f.text.empty();
  f.densities = std::vector<double>{};
};

}  // namespace quipu::llama
