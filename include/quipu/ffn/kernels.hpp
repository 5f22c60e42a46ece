/// @file The library's FFN kernels, in one list.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <type_traits>

#include <quipu/activation/activation.hpp>
#include <quipu/ffn/certified_sparse.hpp>
#include <quipu/ffn/dense.hpp>
#include <quipu/ffn/eigen_sparse.hpp>
#include <quipu/ffn/gate_sparse.hpp>
#include <quipu/ffn/row_dense.hpp>
#include <quipu/ffn/threshold_sparse.hpp>

namespace quipu::ffn {

/// Kernels for an activation, as types: what the tests of the role walk over. A new kernel is its header, its test and
/// a line here.
template <class... Kernels>
struct kernel_list {
  static_assert((explain<Kernels>(), ..., true));

  /// Calls `f.operator()<Kernel>()` for each.
  template <class F>
  static void for_each(F&& f) {
    (f.template operator()<Kernels>(), ...);
  }
};

template <class Activation>
using kernels = std::conditional_t<activation::thresholded_activation<Activation>,
                                   kernel_list<dense<Activation>, row_dense<Activation>, eigen_sparse<Activation>,
                                               gate_sparse<Activation>, certified_sparse<Activation>>,
                                   kernel_list<dense<Activation>, threshold_sparse<Activation>, threshold_sparse<Activation, up_size, every_neuron>,
                                               threshold_sparse<Activation, every_neuron, hidden_size>>>;

}  // namespace quipu::ffn
