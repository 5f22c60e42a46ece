/// @file The loops of the optimisers for each instruction set.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>

#include <quipu/core/config.hpp>  // QUIPU_TARGET_BEGIN
#include <quipu/core/isa.hpp>
#include <quipu/core/simd_avx2.hpp>
#include <quipu/core/simd_portable.hpp>

namespace quipu::optim {

/// The numbers of one update, the same for all values of a tensor; each loop says which it reads and how.
template <class Scalar>
struct update_numbers {
  Scalar gradient_scale = 1;  ///< factor of every gradient: clipping
  Scalar beta1 = 0, beta2 = 0;
  Scalar rest1 = 0, rest2 = 0;  ///< 1 - beta, formed in double
  Scalar keep = 1;              ///< 1 - learning rate * weight decay
  Scalar step = 0;              ///< learning rate, corrected
  Scalar root = 1;              ///< sqrt(1 - beta2^t)
  Scalar eps = 0;
};

template <class Scalar>
struct update_kernel_table {
  using loop = void (*)(const update_numbers<Scalar>&, Scalar* value, const Scalar* gradient, Scalar* const* moments,
                        std::size_t n) noexcept;
  loop adamw;
  loop sgd;
  loop lion;
  double (*square_sum)(const Scalar* x, std::size_t n) noexcept;
};

#define QUIPU_BODY <quipu/optim/update_kernel_body.ipp>
#include <quipu/core/each_instruction_set.ipp>

/// Loops for `set`; double always runs the portable ones.
template <class Scalar>
[[nodiscard]] const update_kernel_table<Scalar>& update_kernels_for([[maybe_unused]] instruction_set set) noexcept {
  if constexpr (sizeof(Scalar) == 8) {
    return portable::table<portable::f64x>;
  } else {
#if defined(__x86_64__)
    if (includes(set, instruction_set::avx2)) return avx2::table<avx2::f32x>;
#endif
    return portable::table<portable::f32x>;
  }
}

}  // namespace quipu::optim
