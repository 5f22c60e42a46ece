/// @file Sets of neurons as bits.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <quipu/core/error.hpp>

namespace quipu::sparsity {

/// The neurons of a layer that are active for a token, one bit each.
class neuron_mask {
 public:
  neuron_mask() = default;
  explicit neuron_mask(std::size_t n_neuron) : n_neuron_(n_neuron), words_((n_neuron + 63) / 64, 0) {}
  /// Neurons whose value is not 0; NaN is not 0, -0 is.
  template <class Scalar>
  [[nodiscard]] static neuron_mask nonzero(std::span<const Scalar> values) {
    return where(values.size(), [&](std::size_t i) { return values[i] != 0; });
  }
  /// Neurons for which active(neuron) holds.
  template <class Active>
  [[nodiscard]] static neuron_mask where(std::size_t n_neuron, Active&& active) {
    neuron_mask m(n_neuron);
    for (std::size_t i = 0; i < n_neuron; ++i) m.words_[i / 64] |= std::uint64_t{active(i)} << i % 64;
    return m;
  }

  [[nodiscard]] std::size_t n_neuron() const noexcept { return n_neuron_; }
  [[nodiscard]] bool operator[](std::size_t i) const noexcept { return (words_[i / 64] >> i % 64 & 1) != 0; }
  void set(std::size_t i) noexcept { words_[i / 64] |= std::uint64_t{1} << i % 64; }
  /// How many are active.
  [[nodiscard]] std::size_t count() const noexcept {
    std::size_t n = 0;
    for (const std::uint64_t word : words_) n += static_cast<std::size_t>(std::popcount(word));
    return n;
  }
  /// How many are active in both. @pre masks of one length
  [[nodiscard]] std::size_t n_common(const neuron_mask& other) const noexcept {
    std::size_t n = 0;
    for (std::size_t i = 0; i < words_.size(); ++i) n += static_cast<std::size_t>(std::popcount(words_[i] & other.words_[i]));
    return n;
  }
  /// Calls f(neuron) for each active one, ascending.
  template <class F>
  void for_each(F&& f) const {
    for (std::size_t w = 0; w < words_.size(); ++w) {
      for (std::uint64_t word = words_[w]; word != 0; word &= word - 1) f(w * 64 + static_cast<std::size_t>(std::countr_zero(word)));
    }
  }
  /// @pre masks of one length
  neuron_mask& operator|=(const neuron_mask& other) noexcept {
    for (std::size_t i = 0; i < words_.size(); ++i) words_[i] |= other.words_[i];
    return *this;
  }
  void clear() noexcept { std::fill(words_.begin(), words_.end(), 0); }
  friend bool operator==(const neuron_mask&, const neuron_mask&) = default;

 private:
  std::size_t n_neuron_ = 0;
  std::vector<std::uint64_t> words_;  // bits behind the last neuron are 0
};

}  // namespace quipu::sparsity
