// What row_kernels.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include <quipu/core/config.hpp>  // QUIPU_TARGET_BEGIN
#include <quipu/core/isa.hpp>
#include <quipu/core/scalar.hpp>  // f16
#include <quipu/core/simd_avx2.hpp>
#include <quipu/core/simd_portable.hpp>
#include <quipu/linear/row_kernels.hpp>
#include <quipu/linear/smallest_rounded.hpp>

namespace quipu::linear {

#define QUIPU_BODY <quipu/linear/row_kernel_body.ipp>
#include <quipu/core/each_instruction_set.ipp>

template <class Scalar>
const row_kernel_table<Scalar>& row_kernels_for([[maybe_unused]] instruction_set set) noexcept {
  if constexpr (sizeof(Scalar) == 8) {
    return portable::row_table<portable::f64x>;
  } else {
#if defined(__x86_64__)
    if (includes(set, instruction_set::avx2)) return avx2::row_table<avx2::f32x>;
#endif
    return portable::row_table<portable::f32x>;
  }
}

template <class Scalar, class Kv>
const kv_kernel_table<Scalar, Kv>& kv_kernels_for([[maybe_unused]] instruction_set set) noexcept {
  if constexpr (sizeof(Scalar) == 8) {
    return portable::kv_table<portable::f64x, Kv>;
  } else {
#if defined(__x86_64__)
    if (includes(set, instruction_set::avx2)) return avx2::kv_table<avx2::f32x, Kv>;
#endif
    return portable::kv_table<portable::f32x, Kv>;
  }
}

#if defined(QUIPU_COMPILED)
template const row_kernel_table<float>& row_kernels_for<float>(instruction_set) noexcept;
template const row_kernel_table<double>& row_kernels_for<double>(instruction_set) noexcept;
template const kv_kernel_table<float, f16>& kv_kernels_for<float, f16>(instruction_set) noexcept;
template const kv_kernel_table<float, float>& kv_kernels_for<float, float>(instruction_set) noexcept;
template const kv_kernel_table<float, bf16>& kv_kernels_for<float, bf16>(instruction_set) noexcept;
template const kv_kernel_table<float, std::int8_t>& kv_kernels_for<float, std::int8_t>(instruction_set) noexcept;
template const kv_kernel_table<double, f16>& kv_kernels_for<double, f16>(instruction_set) noexcept;
template const kv_kernel_table<double, double>& kv_kernels_for<double, double>(instruction_set) noexcept;
template const kv_kernel_table<double, bf16>& kv_kernels_for<double, bf16>(instruction_set) noexcept;
template const kv_kernel_table<double, std::int8_t>& kv_kernels_for<double, std::int8_t>(instruction_set) noexcept;
#endif

}  // namespace quipu::linear
