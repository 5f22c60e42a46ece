// What packed_kernels.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <quipu/core/error.hpp>  // config_error
#include <quipu/linear/packed_kernels.hpp>
#include <quipu/linear/tile_ops_avx2.hpp>
#include <quipu/linear/tile_ops_avx512.hpp>
#include <quipu/linear/tile_ops_avx512_bf16.hpp>
#include <quipu/linear/tile_ops_avx_vnni.hpp>
#include <quipu/linear/tile_ops_portable.hpp>

namespace quipu::linear {

QUIPU_INLINE const packed_kernel_table& packed_kernels_for(instruction_set set) {
  if (!has_instruction_set(set)) {
    fail<config_error>("packed_kernels_for", concat("a processor with ", name_of(set)),
                       concat("one with ", name_of(best_instruction_set())));
  }
#if defined(__x86_64__)
  if (includes(set, instruction_set::avx512_bf16)) return avx512_bf16::packed_table;
  if (includes(set, instruction_set::avx512_vnni)) return avx512::packed_table;
  if (includes(set, instruction_set::avx_vnni)) return avx_vnni::packed_table;
  if (includes(set, instruction_set::avx2)) return avx2::packed_table;
#endif
  return portable::packed_table;
}

}  // namespace quipu::linear
