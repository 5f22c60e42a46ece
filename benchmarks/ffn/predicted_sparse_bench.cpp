// The FFN that reads the rows of predicted neurons alone, by the signs of the gate's weights.
// SPDX-License-Identifier: Apache-2.0
#include <quipu/activation/activation.hpp>
#include <quipu/ffn/predicted_sparse.hpp>
#include <quipu/ffn/predictors.hpp>

#include "ffn/one_layer.hpp"

namespace predicted_sparse_bench {

// The predictor's bits, and of the gate as many rows as are active at least: how many are predicted is the predictor's affair.
double least(double density) { return 3 * density; }

const bool added = ffn_bench::add(
    "predicted_sparse, sign bits",
    [](const ffn_bench::layer_source& s) {
      return quipu::ffn::predicted_sparse<quipu::ffn::sign_bits, quipu::activation::fat_relu>({1.05}, {}, s.thresholds);
    },
    least, {quipu::tensor_type::q8_0}, {107});

}  // namespace predicted_sparse_bench
