/// @file The FFN's values of a text, layer by layer, in as many passes as memory asks for.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/matrix_view.hpp>
#include <quipu/core/progress.hpp>
#include <quipu/core/thread_team.hpp>
#include <quipu/core/token.hpp>
#include <quipu/ffn/dense.hpp>
#include <quipu/ffn/weights.hpp>
#include <quipu/llama/hooks.hpp>
#include <quipu/llama/model.hpp>
#include <quipu/llama/sequence_input.hpp>
#include <quipu/llama/session.hpp>

namespace quipu::sparsity {

/// What a text made of one layer's FFN. Valid during the call that it is handed to.
struct layer_record {
  std::size_t layer = 0;
  matrix_view<const float> x;     ///< (n_token, d_model) normalised input
  matrix_view<const float> gate;  ///< (n_token, d_ffn) before the activation
  matrix_view<const float> up;    ///< (n_token, d_ffn)
  const ffn::ffn_weights<float>* weights = nullptr;
};

struct record_options {
  std::size_t window = 1024;                 ///< tokens that are read together; at most the model's context
  std::size_t memory = std::size_t{1} << 29;  ///< bytes that records may take; one layer is held in any case
  thread_team team = thread_team();
  progress_callback progress = {};
};

namespace detail {

/// Copies inputs, gates and up of some layers.
struct layer_recorder : llama::no_hooks {
  std::size_t first = 0;
  struct layer_values {
    std::vector<float> x, gate, up;
  };
  std::vector<layer_values>* layers;

  void projected(llama::projection_site site, std::size_t layer, std::span<const llama::row_segment>, matrix_view<const float> x,
                 matrix_view<float> y) const {
    if (layer < first || layer - first >= layers->size()) return;
    layer_values& own = (*layers)[layer - first];
    if (site == llama::projection_site::gate) {
      append(x, own.x);
      append(y, own.gate);
    } else if (site == llama::projection_site::up) {
      append(y, own.up);
    }
  }

 private:
  static void append(matrix_view<const float> rows, std::vector<float>& to) {
    for (std::size_t t = 0; t < rows.rows(); ++t) to.insert(to.end(), rows.row(t), rows.row(t) + rows.cols());
  }
};

/// Reads a text for what hooks see, in windows that do not know of each other; no logits are worked out.
/// @param state_of  state_of(n_read) tells how far reading is
/// @throws cancelled  the progress said so
template <class Model, class Hooks, class StateOf>
void read_in_windows(const Model& m, std::span<const token_id> text, std::size_t window, const record_options& options, Hooks& hooks, StateOf&& state_of) {
  auto session = open_session(m, options.team);
  for (std::size_t begin = 0; begin < text.size(); begin += window) {
    const auto sequence = session.create();
    llama::sequence_input<float> in{sequence, text.subspan(begin, std::min(window, text.size() - begin))};
    in.want = llama::logits_of::none;
    session.run({&in, 1}, [](std::size_t, std::size_t, std::span<const float>) {}, hooks);
    session.erase(sequence);
    const progress_state state = state_of(begin);
    if (!report_progress(options.progress, state)) throw cancelled(concat(state.stage, " was cancelled"));
  }
}

}  // namespace detail

/// Calls f(const layer_record&) for every layer in order, with the values of a text under the model with its FFN dense. The text is
/// read once for as many layers as fit into `memory`.
/// @param m     a model in float
/// @param text  cut into windows that do not know of each other
/// @throws config_error  no tokens; a window longer than the context
/// @throws cancelled     the progress said so
template <class Policies, class F>
void for_each_layer(const llama::basic_model<Policies>& m, std::span<const token_id> text, const record_options& options, F&& f) {
  using activation_type = typename llama::basic_model<Policies>::ffn_type::activation_type;
  const auto& c = m.config();
  if (text.empty()) fail<config_error>("for_each_layer: text", "at least one token", "none");
  const std::size_t window = std::min(options.window, text.size());
  if (window == 0 || window > c.n_ctx) fail<config_error>("for_each_layer: window", concat("1 .. ", c.n_ctx), options.window);
  const auto dense = llama::with_ffn(m, ffn::dense<activation_type>{m.ffn().activation});
  const std::size_t layer_bytes = text.size() * (c.d_model + 2 * c.d_ffn) * sizeof(float);
  const std::size_t at_once = std::clamp<std::size_t>(options.memory / layer_bytes, 1, c.n_layer);
  for (std::size_t first = 0; first < c.n_layer; first += at_once) {
    std::vector<detail::layer_recorder::layer_values> values(std::min(at_once, c.n_layer - first));
    detail::layer_recorder recorder;
    recorder.first = first, recorder.layers = &values;
    for (auto& v : values) {
      v.x.reserve(text.size() * c.d_model);
      v.gate.reserve(text.size() * c.d_ffn);
      v.up.reserve(text.size() * c.d_ffn);
    }
    detail::read_in_windows(dense, text, window, options, recorder, [&](std::size_t n_read) {
      return progress_state{"recording layers", first * text.size() + n_read * values.size(), c.n_layer * text.size()};
    });
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto view = [&](const std::vector<float>& v, std::size_t cols) { return matrix_view<const float>(v.data(), text.size(), cols); };
      f(layer_record{first + i, view(values[i].x, c.d_model), view(values[i].gate, c.d_ffn), view(values[i].up, c.d_ffn),
                     &m.weights().blocks[first + i].ffn});
    }
  }
}

}  // namespace quipu::sparsity
