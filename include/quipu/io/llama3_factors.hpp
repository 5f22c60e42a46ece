/// @file Llama 3's scaling of the rotary frequencies as the table of divisors that GGUF files store.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

#include <quipu/io/model_config.hpp>

namespace quipu::io {

/// One divisor for each pair of a head: 1 for wavelengths that the first training saw often, `factor` for
/// those longer than its context, and a blend between.
///
///   s = (original_n_ctx / wavelength - low) / (high - low),  divisor = 1 / ((1 - s) / factor + s)
///
/// Source: transformers, `_compute_llama3_parameters`; llama.cpp's converter writes the same table.
/// @pre  scaling.type is llama3 and the config is valid
/// @return (d_head / 2)
[[nodiscard]] inline std::vector<float> llama3_factors(const model_config& config) {
  constexpr double two_pi = 6.283185307179586476925286766559;
  const rope_scaling& scaling = config.scaling;
  std::vector<float> factors;
  for (std::size_t i = 0; i < config.d_head / 2; ++i) {
    const double exponent = 2.0 * static_cast<double>(i) / static_cast<double>(config.d_head);
    const double wavelength = two_pi * std::pow(config.rope_theta, exponent);
    double divisor = 1;
    if (wavelength > scaling.original_n_ctx / scaling.low_freq_factor) {
      divisor = scaling.factor;
    } else if (wavelength >= scaling.original_n_ctx / scaling.high_freq_factor) {
      const double s = (scaling.original_n_ctx / wavelength - scaling.low_freq_factor) /
                       (scaling.high_freq_factor - scaling.low_freq_factor);
      divisor = 1 / ((1 - s) / scaling.factor + s);
    }
    factors.push_back(static_cast<float>(divisor));
  }
  return factors;
}

}  // namespace quipu::io
