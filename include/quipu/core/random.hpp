/// @file Counter-based random numbers: the same stream on every platform, any position in O(1).
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>

#include <quipu/core/requirements.hpp>  // C++20, exceptions

namespace quipu {

/// Philox4x32-10: ten rounds that turn a 128-bit counter and a 64-bit key into 128 random bits.
/// Source: Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3", section 3.3.
[[nodiscard]] constexpr std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                                                std::array<std::uint32_t, 2> key) noexcept {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = std::uint64_t{0xD2511F53u} * counter[0];
    const std::uint64_t product1 = std::uint64_t{0xCD9E8D57u} * counter[2];
    counter = {static_cast<std::uint32_t>(product1 >> 32) ^ counter[1] ^ key[0],
               static_cast<std::uint32_t>(product1),
               static_cast<std::uint32_t>(product0 >> 32) ^ counter[3] ^ key[1],
               static_cast<std::uint32_t>(product0)};
    key[0] += 0x9E3779B9u;  // golden ratio
    key[1] += 0xBB67AE85u;  // sqrt(3) - 1
  }
  return counter;
}

/// A stream of random numbers named by (seed, stream). Its whole state is the position, so it can be
/// saved and resumed, and streams never overlap. Models std::uniform_random_bit_generator.
class random_stream {
 public:
  using result_type = std::uint32_t;

  constexpr explicit random_stream(std::uint64_t seed, std::uint64_t stream = 0) noexcept
      : seed_(seed), stream_(stream) {}

  static constexpr result_type min() noexcept { return 0; }
  static constexpr result_type max() noexcept { return std::numeric_limits<result_type>::max(); }

  /// Next 32 random bits.
  constexpr result_type operator()() noexcept {
    const std::uint64_t block = position_ / 4;
    if (block != cached_block_) {
      cache_ = philox4x32({static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32),
                           static_cast<std::uint32_t>(stream_), static_cast<std::uint32_t>(stream_ >> 32)},
                          {static_cast<std::uint32_t>(seed_), static_cast<std::uint32_t>(seed_ >> 32)});
      cached_block_ = block;
    }
    return cache_[position_++ % 4];
  }

  /// Uniform in [0, 1), a multiple of 2^-24.
  constexpr float uniform() noexcept { return static_cast<float>((*this)() >> 8) * 0x1p-24f; }
  /// Uniform in [0, 1), a multiple of 2^-53; takes two numbers of the stream.
  constexpr double uniform_double() noexcept {
    const std::uint64_t high = (*this)() >> 5;
    const std::uint64_t low = (*this)() >> 6;
    return static_cast<double>((high << 26) | low) * 0x1p-53;
  }
  /// Uniform in 0 .. n - 1, without bias. @pre n > 0
  constexpr std::uint32_t below(std::uint32_t n) noexcept {
    std::uint64_t product = std::uint64_t{(*this)()} * n;  // Lemire 2019, "Fast random integer generation"
    if (static_cast<std::uint32_t>(product) < n) {
      const std::uint32_t threshold = (0u - n) % n;
      while (static_cast<std::uint32_t>(product) < threshold) product = std::uint64_t{(*this)()} * n;
    }
    return static_cast<std::uint32_t>(product >> 32);
  }
  /// Standard normal by Box and Muller; takes four numbers of the stream. Equal between platforms up to
  /// their log and cos.
  double normal() noexcept {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform_double()));
    return radius * std::cos(2.0 * std::numbers::pi * uniform_double());
  }

  /// How many 32-bit numbers were drawn.
  [[nodiscard]] constexpr std::uint64_t position() const noexcept { return position_; }
  constexpr void seek(std::uint64_t position) noexcept { position_ = position; }
  [[nodiscard]] constexpr std::uint64_t seed() const noexcept { return seed_; }
  [[nodiscard]] constexpr std::uint64_t stream() const noexcept { return stream_; }

 private:
  std::uint64_t seed_;
  std::uint64_t stream_;
  std::uint64_t position_ = 0;
  std::uint64_t cached_block_ = std::numeric_limits<std::uint64_t>::max();
  std::array<std::uint32_t, 4> cache_{};
};

/// Known answer of the reference implementation (Random123's kat_vectors, counter and key zero).
static_assert(philox4x32({0, 0, 0, 0}, {0, 0})[0] == 0x6627e8d5u);

}  // namespace quipu
