/// @file The loops of the optimisers for each instruction set.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include <quipu/core/compiled.hpp>
#include <quipu/core/isa.hpp>

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

/// Loops for `set`; double always runs the portable ones.
template <class Scalar>
[[nodiscard]] const update_kernel_table<Scalar>& update_kernels_for(instruction_set set) noexcept;

}  // namespace quipu::optim

#if !defined(QUIPU_COMPILED)
#include <quipu/optim/update_kernels.ipp>
#endif
