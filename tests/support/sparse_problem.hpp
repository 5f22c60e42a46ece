/// @file A random FFN of any type and shape, run through kernels that skip neurons.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

#include <quipu/core/isa.hpp>
#include <quipu/ffn/form_cache.hpp>
#include <quipu/ffn/kernel.hpp>
#include <quipu/linear/kernels.hpp>
#include <quipu/linear/project.hpp>
#include <quipu/linear/workspace.hpp>

#include "support/random_weights.hpp"

namespace quipu::test {

struct sparse_problem {
  std::size_t d_ffn, d_model, n_row;
  random_weights<float> gate, up, down;
  std::vector<float> gate_bias, up_bias, down_bias, x;
  bool with_bias = false;
  io::model_config config;
  io::checkpoint_content content;
  progress_callback progress;
  ffn::form_cache forms;

  sparse_problem(tensor_type type, std::size_t ffn_size, std::size_t model_size, std::size_t rows = 1)
      : d_ffn(ffn_size),
        d_model(model_size),
        n_row(rows),
        gate(type, ffn_size, model_size, 1),
        up(type, ffn_size, model_size, 2),
        down(down_type(type, ffn_size), model_size, ffn_size, 3),
        gate_bias(random_values(ffn_size, 4)),
        up_bias(random_values(ffn_size, 5)),
        down_bias(random_values(model_size, 6)),
        x(random_values(rows * model_size, 7)) {
    config.d_model = d_model, config.d_ffn = d_ffn, config.n_layer = 1;
  }

  /// The threshold that a share of the gates reaches.
  [[nodiscard]] double threshold_for(double density) const {
    std::vector<float> all;
    for (std::size_t i = 0; i < d_ffn; ++i) {
      float sum = 0;
      for (std::size_t k = 0; k < d_model; ++k) sum += gate.wide[i * d_model + k] * x[k];
      all.push_back(sum);
    }
    std::sort(all.begin(), all.end());
    return std::max(0.0, static_cast<double>(all[static_cast<std::size_t>(static_cast<double>(d_ffn - 1) * (1 - density))]));
  }

  [[nodiscard]] ffn::ffn_weights<float> weights() const {
    ffn::ffn_weights<float> w{gate.w, up.w, down.w};
    if (with_bias) w.gate_bias = gate_bias.data(), w.up_bias = up_bias.data(), w.down_bias = down_bias.data();
    return w;
  }
  template <class Kernel>
  [[nodiscard]] typename Kernel::template state<float> state_of(const Kernel& kernel, std::size_t n_thread = 2) {
    const thread_team team(n_thread);
    return {kernel, weights(), ffn::place{0, config, content, team, progress, &forms}};
  }

  struct run_options {
    std::size_t first = 0;
    std::optional<std::size_t> rows = {};
    std::size_t n_prompt = 0;  ///< the last of them; the others are decoded
    std::size_t n_thread = 1;
    instruction_set set = best_instruction_set();
  };
  struct result {
    std::vector<float> y, gate, up, hidden;  ///< (rows, ...)
  };
  /// y = 1 + the FFN of some rows.
  template <class Kernel, class State, class Observer>
  [[nodiscard]] result run(const Kernel& kernel, const State& state, Observer&& observer, const run_options& o) const {
    const std::size_t rows = o.rows.value_or(n_row - o.first);
    linear::workspace ws(thread_team(o.n_thread), linear::kernels_for(o.set));
    linear::projector<float> projector(ws, linear::activation_rounding::none);
    projector.set_decode_rows(rows - o.n_prompt);
    result r{std::vector<float>(rows * d_model, 1.0f), std::vector<float>(rows * d_ffn), std::vector<float>(rows * d_ffn),
             std::vector<float>(rows * d_ffn)};
    kernel.forward(state, weights(), ws, projector, matrix_view<const float>(x.data() + o.first * d_model, rows, d_model),
                   ffn::ffn_buffers<float>{{r.gate.data(), rows, d_ffn}, {r.up.data(), rows, d_ffn}, {r.hidden.data(), rows, d_ffn}},
                   matrix_view<float>(r.y.data(), rows, d_model), observer);
    return r;
  }
  /// The same for a kernel alone; nobody observes.
  template <class Kernel>
  [[nodiscard]] std::vector<float> run(const Kernel& kernel) {
    return run(kernel, state_of(kernel), ffn::no_observer{}, {}).y;
  }

 private:
  // Blocks of a down matrix lie along d_ffn: where they do not fit, files have another type.
  [[nodiscard]] static tensor_type down_type(tensor_type type, std::size_t ffn_size) {
    return ffn_size % block_of(type).elements == 0 ? type : tensor_type::f16;
  }
};

/// An observer that changes nothing and yet wants to see everything.
struct watching_observer : ffn::no_observer {
  static constexpr bool is_idle = false;
};

[[nodiscard]] inline bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

/// Largest difference over the largest value.
[[nodiscard]] inline double far(const std::vector<float>& a, const std::vector<float>& b) {
  double worst = 0, largest = 1e-30;
  for (std::size_t i = 0; i < b.size(); ++i) {
    worst = std::max(worst, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
    largest = std::max(largest, std::abs(static_cast<double>(b[i])));
  }
  return a.size() == b.size() ? worst / largest : 1e30;
}

}  // namespace quipu::test
