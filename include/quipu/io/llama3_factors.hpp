/// @file Llama 3's scaling of the rotary frequencies as the table of divisors that GGUF files store.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
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

/// Puts the scaling in place of the table that it gives, for files that state the one and have no place for the other
/// (config.json); a table of ones goes. A table that no usual scaling gives stays: those tried have the last divisor as
/// their factor, bands of 1 to 8, and contexts of a power of two.
inline void state_llama3_scaling(model_config& config) {
  if (config.rope_factors.empty() || config.scaling.type != rope_scaling::kind::none) return;
  if (std::all_of(config.rope_factors.begin(), config.rope_factors.end(), [](float f) { return f == 1; })) {
    config.rope_factors.clear();
    return;
  }
  model_config tried = config;
  tried.scaling.type = rope_scaling::kind::llama3;
  tried.scaling.factor = static_cast<double>(config.rope_factors.back());
  const auto same = [&] {
    const std::vector<float> made = llama3_factors(tried);
    if (made.size() != config.rope_factors.size()) return false;
    for (std::size_t i = 0; i < made.size(); ++i) {  // converters compute the table in float
      if (!(std::fabs(made[i] - config.rope_factors[i]) <= 1e-5f * made[i])) return false;
    }
    return true;
  };
  for (double n_ctx = 16; n_ctx <= 1048576; n_ctx *= 2) {
    for (const auto& [low, high] : {std::pair{1.0, 4.0}, {1.0, 2.0}, {1.0, 8.0}, {2.0, 4.0}, {2.0, 8.0}, {4.0, 8.0}}) {
      tried.scaling.original_n_ctx = n_ctx;
      tried.scaling.low_freq_factor = low;
      tried.scaling.high_freq_factor = high;
      if (!same()) continue;
      config.scaling = tried.scaling;
      config.rope_factors.clear();
      return;
    }
  }
}

}  // namespace quipu::io
