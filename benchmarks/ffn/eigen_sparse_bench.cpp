// The oracle in plain Eigen, which reads its gate in 32 bits.
// SPDX-License-Identifier: Apache-2.0
#include <quipu/activation/activation.hpp>
#include <quipu/ffn/eigen_sparse.hpp>

#include "ffn/one_layer.hpp"

namespace eigen_sparse_bench {

const bool added = ffn_bench::add(
    "eigen_sparse", [](const ffn_bench::layer_source& s) { return quipu::ffn::eigen_sparse<quipu::activation::fat_relu>(s.thresholds); }, ffn_bench::gate_and_active_rows, {quipu::tensor_type::q8_0}, {107});

}  // namespace eigen_sparse_bench
