/// @file One block of 32 weights brought into the form of a neuron's row.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <quipu/core/compiled.hpp>
#include <quipu/core/scalar.hpp>
#include <quipu/linear/neuron_view.hpp>

namespace quipu::linear {

/// What became of weights.
enum class narrowing : std::uint8_t {
  done,
  not_finite,  ///< a weight or a scale is infinite or NaN
  too_large,   ///< for the form's numbers or scales
};

/// Sums over weights w that are held as w'.
struct squared_error {
  double error = 0;  ///< sum (w - w')^2
  double total = 0;  ///< sum w^2

  squared_error& operator+=(const squared_error& other) noexcept {
    error += other.error;
    total += other.total;
    return *this;
  }
  [[nodiscard]] double relative() const noexcept { return total > 0 ? std::sqrt(error / total) : 0; }
};

/// Writes a block: values to the nearest, codes of q8 with d the least binary16 near max |w| / 127 at which no code leaves
/// -127 .. 127, codes of q4 as Q4_0 has them.
/// @tparam Wide   float or double
/// @param  w      (32)
/// @param  codes  (block_bytes(form)) out
/// @param  scale  (2 bytes) out if the form has scales
/// @param  sums   added to, unless every number is held as it is
template <class Wide>
[[nodiscard]] narrowing narrow_block(row_form form, const Wide* w, std::byte* codes, std::byte* scale,
                                     squared_error& sums) noexcept;

}  // namespace quipu::linear

#if !defined(QUIPU_COMPILED)
#include <quipu/linear/neuron_block.ipp>
#endif
