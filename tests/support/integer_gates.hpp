/// @file What tests of gates in whole numbers share.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <quipu/core/isa.hpp>
#include <quipu/linear/integer_gate.hpp>
#include <quipu/linear/integer_product.hpp>
#include <quipu/linear/integer_rows.hpp>
#include <quipu/linear/kernels.hpp>
#include <quipu/linear/workspace.hpp>

namespace quipu::test {

using linear::activation_bits;

template <class Check>
void in_every_set(Check&& check) {
  for (const instruction_set set : instruction_sets) {
    if (!has_instruction_set(set)) {
      WARN("no " << name_of(set) << " here: its kernels were not run");
      continue;
    }
    INFO(name_of(set));
    check(set);
  }
}

inline linear::workspace workspace_of(instruction_set set, std::size_t n_thread) {
  return linear::workspace(thread_team(n_thread), linear::kernels_for(set), linear::packed_kernels_for(set));
}
inline linear::workspace best_workspace(std::size_t n_thread = 2) { return linear::workspace(thread_team(n_thread)); }

/// A gate's integers, row by row.
struct integers {
  std::vector<std::int8_t> q;
  std::vector<std::uint8_t> multiplier;
  std::vector<float> scale;
  std::size_t n_group;

  template <class Form>
  explicit integers(const Form& form)
      : q(form.n_neuron * form.form().n_group * 64),
        multiplier(form.n_neuron * form.form().n_group),
        scale(form.n_neuron),
        n_group(form.form().n_group) {
    for (std::size_t i = 0; i < form.n_neuron; ++i) {
      linear::integer_weights one{
          {q.data() + i * n_group * 64, n_group * 64}, {multiplier.data() + i * n_group, n_group}, 0};
      form.read(i, one);
      scale[i] = one.scale;
    }
  }
  [[nodiscard]] std::int64_t sum(std::size_t i, const linear::integer_rows& x) const {
    std::int64_t z = 0;
    for (std::size_t j = 0; j < n_group * 64; ++j) {
      const int value = x.bits == activation_bits::eight ? x.high[j] : 256 * x.high[j] + x.low[j];
      z += std::int64_t{multiplier[i * n_group + j / 64]} * q[i * n_group * 64 + j] * value;
    }
    return z;
  }
  [[nodiscard]] float gate(std::size_t i, const linear::integer_rows& x) const {
    return static_cast<float>(static_cast<double>(sum(i, x)) * (double{scale[i]} * double{*x.scale}));
  }
};

inline std::vector<float> product(linear::workspace& ws, const linear::gate_bytes& gate,
                                  const linear::integer_rows& x) {
  std::vector<float> y(x.n_row * gate.n_neuron, -1.0f);
  linear::multiply(ws, gate, x, {y.data(), x.n_row, gate.n_neuron});
  return y;
}

/// The value that a share of all lies below.
inline float quantile(std::vector<float> values, double share) {
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size()));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

}  // namespace quipu::test
