// The FFN that reads half of the gate, and the rest of what that does not prove inactive.
// SPDX-License-Identifier: Apache-2.0
#include <quipu/activation/activation.hpp>
#include <quipu/ffn/certified_sparse.hpp>

#include "ffn/one_layer.hpp"

namespace certified_sparse_bench {

// The upper halves of the gate and rows of active neurons: lower halves of neurons that no bound rules out come on top.
double least(double density) { return 0.5 * (1 + density) + 2 * density; }

const bool added = ffn_bench::add(
    "certified_sparse", [](const ffn_bench::layer_source& s) { return quipu::ffn::certified_sparse<quipu::activation::fat_relu>(s.thresholds); },
    least, {quipu::tensor_type::q8_0, quipu::tensor_type::bf16});

}  // namespace certified_sparse_bench
