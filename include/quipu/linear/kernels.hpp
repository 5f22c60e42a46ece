/// @file Chooses the kernel table for the processor or for a wanted instruction set.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <quipu/core/error.hpp>  // config_error
#include <quipu/core/isa.hpp>
#include <quipu/linear/kernel_table.hpp>
#include <quipu/linear/kernels_avx2.hpp>
#include <quipu/linear/kernels_avx512.hpp>
#include <quipu/linear/kernels_portable.hpp>

namespace quipu::linear {

/// The table of `wanted`, or the best of those that kernels were written for and that a processor with `wanted` runs.
/// @throws config_error  the processor does not have `wanted`
[[nodiscard]] inline const kernel_table& kernels_for(instruction_set wanted) {
  if (!has_instruction_set(wanted)) {
    fail<config_error>("kernels_for", concat("a processor with ", name_of(wanted)),
                       concat("one with ", name_of(best_instruction_set())));
  }
#if defined(__x86_64__)
  if (includes(wanted, instruction_set::avx512_bf16)) return avx512::table;
  if (includes(wanted, instruction_set::avx2)) return avx2::table;
#endif
  return portable::table;
}

/// The best table for this processor.
[[nodiscard]] inline const kernel_table& best_kernels() {
  static const kernel_table& best = kernels_for(best_instruction_set());
  return best;
}

}  // namespace quipu::linear
