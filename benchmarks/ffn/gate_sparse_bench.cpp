// The FFN that reads the gate and the rows of active neurons.
// SPDX-License-Identifier: Apache-2.0
#include <quipu/activation/activation.hpp>
#include <quipu/ffn/gate_sparse.hpp>

#include "ffn/one_layer.hpp"

namespace gate_sparse_bench {

const bool added = ffn_bench::add(
    "gate_sparse", [](const ffn_bench::layer_source& s) { return quipu::ffn::gate_sparse<quipu::activation::fat_relu>(s.thresholds); }, ffn_bench::gate_and_active_rows);

}  // namespace gate_sparse_bench
