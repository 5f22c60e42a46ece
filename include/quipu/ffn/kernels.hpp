/// @file The library's FFN kernels, in one list.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <quipu/ffn/dense.hpp>

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
using kernels = kernel_list<dense<Activation>>;

}  // namespace quipu::ffn
