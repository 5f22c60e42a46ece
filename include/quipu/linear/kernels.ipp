// What kernels.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <quipu/core/error.hpp>  // config_error
#include <quipu/linear/kernels.hpp>
#include <quipu/linear/kernels_avx2.hpp>
#include <quipu/linear/kernels_avx512.hpp>
#include <quipu/linear/kernels_portable.hpp>

namespace quipu::linear {

QUIPU_INLINE const kernel_table& kernels_for(instruction_set wanted) {
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

QUIPU_INLINE const kernel_table& best_kernels() {
  static const kernel_table& best = kernels_for(best_instruction_set());
  return best;
}

}  // namespace quipu::linear
