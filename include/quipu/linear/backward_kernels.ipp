// What backward_kernels.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include <quipu/core/config.hpp>  // QUIPU_TARGET_BEGIN
#include <quipu/core/isa.hpp>
#include <quipu/core/simd_avx2.hpp>
#include <quipu/core/simd_portable.hpp>
#include <quipu/linear/backward_kernels.hpp>

namespace quipu::linear {

namespace backward {
#define QUIPU_BODY <quipu/linear/backward_kernel_body.ipp>
#include <quipu/core/each_instruction_set.ipp>
}  // namespace backward

template <class Scalar>
const backward_kernel_table<Scalar>& backward_kernels_for([[maybe_unused]] instruction_set set) noexcept {
  if constexpr (sizeof(Scalar) == 8) {
    return backward::portable::table<backward::portable::f64x>;
  } else {
#if defined(__x86_64__)
    if (includes(set, instruction_set::avx2)) return backward::avx2::table<backward::avx2::f32x>;
#endif
    return backward::portable::table<backward::portable::f32x>;
  }
}

#if defined(QUIPU_COMPILED)
template const backward_kernel_table<float>& backward_kernels_for<float>(instruction_set) noexcept;
template const backward_kernel_table<double>& backward_kernels_for<double>(instruction_set) noexcept;
#endif

}  // namespace quipu::linear
