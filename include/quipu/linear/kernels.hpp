/// @file Chooses the kernel table for the processor or for a wanted instruction set.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <quipu/core/compiled.hpp>
#include <quipu/core/isa.hpp>
#include <quipu/linear/kernel_table.hpp>

namespace quipu::linear {

/// The table of `wanted`, or the best of those that kernels were written for and that a processor with `wanted` runs.
/// @throws config_error  the processor does not have `wanted`
[[nodiscard]] const kernel_table& kernels_for(instruction_set wanted);

/// The best table for this processor.
[[nodiscard]] const kernel_table& best_kernels();

}  // namespace quipu::linear

#if !defined(QUIPU_COMPILED)
#include <quipu/linear/kernels.ipp>
#endif
