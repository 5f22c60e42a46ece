/// @file Chooses the kernels of a gate in whole numbers for an instruction set.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <quipu/core/compiled.hpp>
#include <quipu/core/isa.hpp>
#include <quipu/linear/integer_kernel_table.hpp>

namespace quipu::linear {

/// The best table of those that a processor with `set` runs.
/// @throws config_error  the processor does not have `set`
[[nodiscard]] const integer_kernel_table& integer_kernels_for(instruction_set set);

}  // namespace quipu::linear

#if !defined(QUIPU_COMPILED)
#include <quipu/linear/integer_kernels.ipp>
#endif
