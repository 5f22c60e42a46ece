// What integer_kernels.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <quipu/core/error.hpp>  // config_error
#include <quipu/linear/integer_kernels.hpp>
#include <quipu/linear/integer_ops_avx2.hpp>
#include <quipu/linear/integer_ops_avx512.hpp>
#include <quipu/linear/integer_ops_avx_vnni.hpp>
#include <quipu/linear/integer_ops_portable.hpp>

namespace quipu::linear {

QUIPU_INLINE const integer_kernel_table& integer_kernels_for(instruction_set set) {
  if (!has_instruction_set(set)) {
    fail<config_error>("integer_kernels_for", concat("a processor with ", name_of(set)),
                       concat("one with ", name_of(best_instruction_set())));
  }
#if defined(__x86_64__)
  if (includes(set, instruction_set::avx512_vnni)) return avx512::integer_table;
  if (includes(set, instruction_set::avx_vnni)) return avx_vnni::integer_table;
  if (includes(set, instruction_set::avx2)) return avx2::integer_table;
#endif
  return portable::integer_table;
}

}  // namespace quipu::linear
