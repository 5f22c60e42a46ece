// What neuron_kernels.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <type_traits>

#include <quipu/core/error.hpp>  // config_error
#include <quipu/linear/neuron_kernels.hpp>
#include <quipu/linear/neuron_ops_avx2.hpp>
#include <quipu/linear/neuron_ops_avx512.hpp>
#include <quipu/linear/neuron_ops_portable.hpp>

namespace quipu::linear {

template <class Scalar>
const neuron_kernel_table<Scalar>& neuron_kernels_for(instruction_set set) {
  static_assert(sizeof(Scalar) == 4 || sizeof(Scalar) == 8, "neuron_kernels_for: the scalar is float or double");
  if (!has_instruction_set(set)) {
    fail<config_error>("neuron_kernels_for", concat("a processor with ", name_of(set)),
                       concat("one with ", name_of(best_instruction_set())));
  }
#if defined(__x86_64__)
  if constexpr (std::is_same_v<Scalar, float>) {
    if (includes(set, instruction_set::avx512_vnni)) return avx512::neuron_table<avx512::neuron_ops>;
    if (includes(set, instruction_set::avx2)) return avx2::neuron_table<avx2::neuron_ops>;
  }
#endif
  return portable::neuron_table<portable::neuron_ops<Scalar>>;
}

#if defined(QUIPU_COMPILED)
template const neuron_kernel_table<float>& neuron_kernels_for<float>(instruction_set);
template const neuron_kernel_table<double>& neuron_kernels_for<double>(instruction_set);
#endif

}  // namespace quipu::linear
