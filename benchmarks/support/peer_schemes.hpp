/// @file How others skip neurons, over our own loops: one row at a time, and by a predictor that misses some.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <quipu/core/buffer.hpp>
#include <quipu/core/matrix_view.hpp>
#include <quipu/core/random.hpp>
#include <quipu/ffn/kernel.hpp>
#include <quipu/ffn/sparse_forms.hpp>
#include <quipu/linear/integer_gate.hpp>
#include <quipu/linear/integer_product.hpp>
#include <quipu/linear/neuron_kernels.hpp>
#include <quipu/linear/project.hpp>
#include <quipu/linear/workspace.hpp>

#include "support/sparse_layers.hpp"

namespace quipu::bench {

/// y += sums over listed neurons, the list cut in one piece for each thread, every row read on its own.
/// @param gate_of  gate_of(i, neuron) gives the i-th neuron's gate
template <class Gate>
void walk_single_rows(const linear::neuron_rows& rows, linear::workspace& ws, std::span<const std::uint32_t> ids, matrix_view<const float> x,
                      matrix_view<float> y, Gate&& gate_of) {
  const auto& kernels = linear::neuron_kernels_for<float>(ws.kernels().set);
  const std::size_t n_thread = ws.team().size(), d = rows.up().cols, share = (ids.size() + n_thread - 1) / n_thread;
  if (ids.empty()) return;
  float* const sums = ws.shared<float>(n_thread * d);
  std::fill_n(sums, n_thread * d, 0.0f);
  ws.team().parallel_for(ids.size(), share, [&](std::size_t begin, std::size_t end, std::size_t) {
    for (std::size_t i = begin; i < end; ++i) {
      float up;
      const float gate = gate_of(ids[i]);
      kernels.dot(rows.up(), &ids[i], 1, x.row(0), &up);
      const float hidden = gate * up;
      if (gate > 0) kernels.add(rows.down(), &ids[i], 1, &hidden, 0, d, sums + begin / share * d);
    }
  });
  for (std::size_t piece = 0; piece < n_thread; ++piece) {
    for (std::size_t j = 0; j < d; ++j) y(0, j) += sums[piece * d + j];
  }
}

/// The exact scheme as a loop over rows: the gate, then for each active neuron its row of up and its row of down.
inline void one_row_at_a_time(const ffn::sparse_state<float>& s, const ffn::ffn_weights<float>& w, linear::workspace& ws,
                              linear::projector<float>& projector, matrix_view<const float> x, ffn::ffn_buffers<float> b, matrix_view<float> y) {
  ffn::project_gate<float>(s, w, ws, projector, x, b.gate);
  std::vector<std::uint32_t> ids;
  ids.reserve(b.gate.cols());
  for (std::size_t i = 0; i < b.gate.cols(); ++i) {
    if (!s.limits.skips(i, b.gate(0, i))) ids.push_back(static_cast<std::uint32_t>(i));
  }
  walk_single_rows(*s.rows, ws, ids, x, y, [&](std::uint32_t i) { return b.gate(0, i); });
}

/// PowerInfer's predictor, fc2 relu(fc1 x) of rank 1,024 in 8 bits, and the gate as rows. Source: Song et al. 2023, "PowerInfer".
struct predicted_state {
  static constexpr std::size_t rank = 1024;
  std::shared_ptr<const linear::gate_bytes> fc1, fc2;
  std::unique_ptr<linear::neuron_rows> gate;  ///< its rows as `up`; rows of down lie between them

  predicted_state(const ffn::ffn_weights<float>& w, const ffn::sparse_state<float>&, const thread_team& team) {
    const random_matrix first(w.gate.type, rank, w.gate.cols, 11), second(w.gate.type, w.gate.rows, rank, 12);
    fc1 = linear::integer_gate(first.matrix()).bytes(team);
    fc2 = linear::integer_gate(second.matrix()).bytes(team);
    gate = std::make_unique<linear::neuron_rows>(w.gate, w.down, team);
  }
};

/// Active neurons, and those that a predictor takes for active: 92 % of these, and others up to 21 % of all.
struct predicted_lists {
  std::vector<std::uint32_t> active, predicted;

  predicted_lists(std::span<const float> gate, const ffn::layer_limits& limits, random_stream& stream) {
    const double n = static_cast<double>(gate.size());
    for (std::size_t i = 0; i < gate.size(); ++i) {
      if (!limits.skips(i, gate[i])) active.push_back(static_cast<std::uint32_t>(i));
    }
    const double others = std::max(0.0, 0.21 * n - 0.92 * static_cast<double>(active.size())) / (n - static_cast<double>(active.size()));
    for (std::size_t i = 0; i < gate.size(); ++i) {
      if (stream.uniform() < (limits.skips(i, gate[i]) ? others : 0.92)) predicted.push_back(static_cast<std::uint32_t>(i));
    }
  }
};

/// The predictor's products, then gate and up for every predicted neuron, and down where the gate is above 0; one row at a time.
inline void predicted_forward(const predicted_state& p, const ffn::sparse_state<float>& s, const predicted_lists& lists, linear::workspace& ws,
                              matrix_view<const float> x, matrix_view<float> y) {
  std::vector<float> inner(predicted_state::rank), logits(s.rows->up().rows);
  const matrix_view<float> middle(inner.data(), 1, inner.size());
  linear::multiply(ws, *p.fc1, ws.kept<linear::integer_row_buffer>().round(ws, x, linear::activation_bits::eight), middle);
  for (float& v : inner) v = std::max(v, 0.0f);
  linear::multiply(ws, *p.fc2, ws.kept<linear::integer_row_buffer>().round(ws, matrix_view<const float>(inner.data(), 1, inner.size()), linear::activation_bits::eight),
                   {logits.data(), 1, logits.size()});
  std::vector<std::uint32_t> unused(logits.size() + 16);
  static_cast<void>(ws.kernels().list_active(logits.data(), logits.size(), 0, unused.data()));
  const auto& kernels = linear::neuron_kernels_for<float>(ws.kernels().set);
  walk_single_rows(*s.rows, ws, lists.predicted, x, y, [&](std::uint32_t i) {
    float gate;
    kernels.dot(p.gate->up(), &i, 1, x.row(0), &gate);
    return s.limits.skips(i, gate) ? 0.0f : gate;
  });
}

}  // namespace quipu::bench
