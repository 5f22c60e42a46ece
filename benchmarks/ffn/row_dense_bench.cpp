// All rows of the forms that sparse kernels hold: the dense baseline of their comparison.
// SPDX-License-Identifier: Apache-2.0
#include <quipu/activation/activation.hpp>
#include <quipu/ffn/row_dense.hpp>

#include "ffn/one_layer.hpp"

namespace row_dense_bench {

const bool added = ffn_bench::add(
    "row_dense", [](const ffn_bench::layer_source& s) { return quipu::ffn::row_dense<quipu::activation::fat_relu>(s.thresholds); }, ffn_bench::all_matrices,
    {quipu::tensor_type::q8_0, quipu::tensor_type::q4_0, quipu::tensor_type::bf16}, {107});

}  // namespace row_dense_bench
