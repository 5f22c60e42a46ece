/// @file Chooses the loops over listed neurons for an instruction set.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <quipu/core/compiled.hpp>
#include <quipu/core/isa.hpp>
#include <quipu/linear/neuron_kernel_table.hpp>

namespace quipu::linear {

/// The best table of those that a processor with `set` runs; double always runs the portable one.
/// @tparam Scalar  float or double
/// @throws config_error  the processor does not have `set`
template <class Scalar>
[[nodiscard]] const neuron_kernel_table<Scalar>& neuron_kernels_for(instruction_set set);

}  // namespace quipu::linear

#if !defined(QUIPU_COMPILED)
#include <quipu/linear/neuron_kernels.ipp>
#endif
