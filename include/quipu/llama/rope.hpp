/// @file Rotary position embedding: frequencies, their scalings for long contexts, and the angle table.
// SPDX-License-Identifier: Apache-2.0
#pragma once

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
    const std::size_t half = frequency_.size();
    for (std::size_t position = cosine_.size() / (half == 0 ? 1 : half); position < n_position; ++position) {
      for (const double f : frequency_) {
        const double angle = f * static_cast<double>(position);
        cosine_.push_back(static_cast<Scalar>(std::cos(angle)));
        sine_.push_back(static_cast<Scalar>(std::sin(angle)));
      }
    }
  }
  /// (d_head / 2) each. @pre extend(position + 1) was called
  [[nodiscard]] const Scalar* cosine(std::size_t position) const noexcept {
    return cosine_.data() + position * frequency_.size();
  }
  [[nodiscard]] const Scalar* sine(std::size_t position) const noexcept {
    return sine_.data() + position * frequency_.size();
  }
  [[nodiscard]] std::size_t half() const noexcept { return frequency_.size(); }

 private:
  std::vector<double> frequency_;
  std::vector<Scalar> cosine_;
  std::vector<Scalar> sine_;
};

}  // namespace quipu::llama
