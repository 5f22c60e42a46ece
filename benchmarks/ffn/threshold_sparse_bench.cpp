// The FFN of SiLU models that leaves out neurons whose gate is small.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include <quipu/activation/activation.hpp>
#include <quipu/ffn/criteria.hpp>
#include <quipu/ffn/threshold_sparse.hpp>

#include "ffn/one_layer.hpp"

namespace threshold_sparse_bench {

// The level that a share `density` of |silu(z)| reaches, z normal.
double level_of(double density, double deviation) {
  std::vector<double> sizes(20001);
  const double n = static_cast<double>(sizes.size());
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const double z = deviation * quipu::bench::normal_quantile((static_cast<double>(i) + 0.5) / n);
    sizes[i] = std::abs(z / (1 + std::exp(-z)));
  }
  const auto at = sizes.begin() + static_cast<std::ptrdiff_t>((1 - density) * (n - 1));
  std::nth_element(sizes.begin(), at, sizes.end());
  return *at;
}

const bool added = ffn_bench::add(
    "threshold_sparse on the gate",
    [](const ffn_bench::layer_source& s) {
      using kernel = quipu::ffn::threshold_sparse<quipu::activation::silu, quipu::ffn::gate_size, quipu::ffn::every_neuron>;
      return kernel(quipu::ffn::sparse_levels{.first = {level_of(s.density, s.gate_deviation)}});
    },
    ffn_bench::gate_and_active_rows, {quipu::tensor_type::q8_0, quipu::tensor_type::bf16}, {107, 300, 500});

}  // namespace threshold_sparse_bench
