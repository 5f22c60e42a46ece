// What update_kernels.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>

#include <quipu/core/config.hpp>  // QUIPU_TARGET_BEGIN
#include <quipu/core/isa.hpp>
#include <quipu/core/simd_avx2.hpp>
#include <quipu/core/simd_portable.hpp>
#include <quipu/optim/update_kernels.hpp>

namespace quipu::optim {

#define QUIPU_BODY <quipu/optim/update_kernel_body.ipp>
#include <quipu/core/each_instruction_set.ipp>

template <class Scalar>
const update_kernel_table<Scalar>& update_kernels_for([[maybe_unused]] instruction_set set) noexcept {
  if constexpr (sizeof(Scalar) == 8) {
    return portable::table<portable::f64x>;
  } else {
#if defined(__x86_64__)
    if (includes(set, instruction_set::avx2)) return avx2::table<avx2::f32x>;
#endif
    return portable::table<portable::f32x>;
  }
}

#if defined(QUIPU_COMPILED)
template const update_kernel_table<float>& update_kernels_for<float>(instruction_set) noexcept;
template const update_kernel_table<double>& update_kernels_for<double>(instruction_set) noexcept;
#endif

}  // namespace quipu::optim
