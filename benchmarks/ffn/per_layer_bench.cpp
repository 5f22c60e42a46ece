// A kernel chosen by the layer's density: what the choice costs is nothing that can be seen beside the kernel itself.
// SPDX-License-Identifier: Apache-2.0
#include <quipu/activation/activation.hpp>
#include <quipu/ffn/dense.hpp>
#include <quipu/ffn/gate_sparse.hpp>
#include <quipu/ffn/certified_sparse.hpp>
#include <quipu/ffn/per_layer.hpp>

#include "ffn/one_layer.hpp"

namespace per_layer_bench {

using fat_relu = quipu::activation::fat_relu;
using kernels = quipu::ffn::per_layer<quipu::ffn::dense<fat_relu>, quipu::ffn::gate_sparse<fat_relu>>;

const bool added = ffn_bench::add(
    "per_layer",
    [](const ffn_bench::layer_source& s) {
      return kernels({s.density}, quipu::ffn::dense<fat_relu>(), quipu::ffn::gate_sparse<fat_relu>(s.thresholds));
    },
    [](double density) { return density < quipu::ffn::gate_sparse<fat_relu>::pays_below ? 1 + 2 * density : 3; },
    {quipu::tensor_type::q8_0}, {107, 1000});

}  // namespace per_layer_bench
