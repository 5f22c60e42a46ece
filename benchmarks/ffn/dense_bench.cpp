// The dense FFN on weights in tiles.
// SPDX-License-Identifier: Apache-2.0
#include <quipu/activation/activation.hpp>
#include <quipu/ffn/dense.hpp>

#include "ffn/one_layer.hpp"

namespace dense_bench {

const bool added = ffn_bench::add(
    "dense", [](const ffn_bench::layer_source&) { return quipu::ffn::dense<quipu::activation::silu>(); }, ffn_bench::all_matrices,
    {quipu::tensor_type::q8_0, quipu::tensor_type::q4_0, quipu::tensor_type::bf16, quipu::tensor_type::f32}, {1000});

}  // namespace dense_bench
