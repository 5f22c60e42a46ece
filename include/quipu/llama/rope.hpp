/// @file Rotary position embedding: frequencies, their scalings for long contexts, and the angle table.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <vector>

#include <quipu/io/model_config.hpp>

namespace quipu::llama {

/// Angular frequency of each rotary pair, in radians a position: theta^(-2i / d_head), scaled.
/// Source: Su et al. 2021, section 3.2.2; linear scaling: Chen et al. 2023, eq. (4); llama3: the rule that
/// Meta published with Llama 3.1 (long wavelengths divided, short ones kept, a blend between).
/// @return (d_head / 2)
[[nodiscard]] inline std::vector<double> rope_frequencies(const io::model_config& c) {
  std::vector<double> frequency(c.d_head / 2);
  for (std::size_t i = 0; i < frequency.size(); ++i) {
    double f = std::pow(c.rope_theta, -2.0 * static_cast<double>(i) / static_cast<double>(c.d_head));
    const io::rope_scaling& s = c.scaling;
    if (s.type == io::rope_scaling::kind::linear) f /= s.factor;
    if (s.type == io::rope_scaling::kind::llama3) {
      const double wavelength = 2.0 * std::numbers::pi / f;
      const double longest_kept = s.original_n_ctx / s.high_freq_factor;
      const double shortest_divided = s.original_n_ctx / s.low_freq_factor;
      if (wavelength > shortest_divided) {
        f /= s.factor;
      } else if (wavelength >= longest_kept) {
        const double keep =
            (s.original_n_ctx / wavelength - s.low_freq_factor) / (s.high_freq_factor - s.low_freq_factor);
        f = (1.0 - keep) * f / s.factor + keep * f;
      }
    }
    if (i < c.rope_factors.size()) f /= static_cast<double>(c.rope_factors[i]);
    frequency[i] = f;
  }
  return frequency;
}

/// Cosines and sines of the positions 0 .. n - 1, extended as sequences grow.
template <class Scalar>
class rope_table {
 public:
  explicit rope_table(const io::model_config& c) : frequency_(rope_frequencies(c)) {}

  /// Makes the rows of positions below `n_position` available. Not safe beside concurrent readers.
  void extend(std::size_t n_position) {
    // Twice the memory where it does not suffice, in whole pages of keys: while tokens are generated it seldom grows.
    constexpr std::size_t least = 256;
    const std::size_t row = 2 * half();
    if (n_position * row > angles_.capacity()) angles_.reserve(std::max({n_position * row, 2 * angles_.capacity(), least * row}));
    for (; n_position_ < n_position; ++n_position_) {
      for (const double f : frequency_) angles_.push_back(static_cast<Scalar>(std::cos(f * static_cast<double>(n_position_))));
      for (const double f : frequency_) angles_.push_back(static_cast<Scalar>(std::sin(f * static_cast<double>(n_position_))));
    }
  }
  /// (d_head / 2) each. @pre extend(position + 1) was called
  [[nodiscard]] const Scalar* cosine(std::size_t position) const noexcept {
    return angles_.data() + position * 2 * half();
  }
  [[nodiscard]] const Scalar* sine(std::size_t position) const noexcept {
    return cosine(position) + half();
  }
  [[nodiscard]] std::size_t half() const noexcept { return frequency_.size(); }

 private:
  std::vector<double> frequency_;
  std::vector<Scalar> angles_;  // (n_position, 2, d_head / 2) cosines and sines
  std::size_t n_position_ = 0;
};

}  // namespace quipu::llama
