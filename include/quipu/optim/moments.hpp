/// @file The state of optimisers that work value by value: full or 8-bit moments.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <quipu/core/buffer.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/thread_team.hpp>
#include <quipu/optim/parameter.hpp>
#include <quipu/optim/update_kernels.hpp>

namespace quipu::optim {

/// How moments are kept between steps.
enum class moment_storage : std::uint8_t {
  full,   ///< in the parameters' own type
  bits8,  ///< one byte a value and one scale for 256 of them: a quarter of the memory
};

/// Bytes of an optimiser's state under a name, for checkpoints.
struct state_array {
  std::string name;
  std::span<std::byte> bytes;
};

namespace detail {

inline constexpr std::size_t moment_block = 256;

// Codes are powers of evenly spaced numbers, so that small entries beside large ones keep their size:
// signed moments |m| / largest = (c / 127)^2, squares v / largest = (c / 255)^4, rounded up from 0 because
// v divides. Source of block-wise 8-bit states: Dettmers et al. 2021; the code is simpler than theirs.
template <class Scalar>
void widen_moments(const std::uint8_t* codes, Scalar largest, bool is_signed, std::size_t n, Scalar* out) noexcept {
  for (std::size_t i = 0; i < n; ++i) {
    if (is_signed) {
      const Scalar c = static_cast<Scalar>(static_cast<int>(codes[i]) - 128) / Scalar(127);
      out[i] = largest * c * std::abs(c);
    } else {
      const Scalar c = static_cast<Scalar>(codes[i]) / Scalar(255);
      out[i] = largest * (c * c) * (c * c);
    }
  }
}

template <class Scalar>
void narrow_moments(const Scalar* in, bool is_signed, std::size_t n, std::uint8_t* codes, Scalar& largest) noexcept {
  largest = 0;
  for (std::size_t i = 0; i < n; ++i) largest = std::max(largest, std::abs(in[i]));
  for (std::size_t i = 0; i < n; ++i) {
    const Scalar share = largest > Scalar(0) ? std::abs(in[i]) / largest : Scalar(0);
    if (is_signed) {
      const int c = static_cast<int>(std::lround(Scalar(127) * std::sqrt(share)));
      codes[i] = static_cast<std::uint8_t>(128 + (in[i] < Scalar(0) ? -c : c));
    } else {
      const int c = static_cast<int>(std::lround(Scalar(255) * std::sqrt(std::sqrt(share))));
      codes[i] = static_cast<std::uint8_t>(share > Scalar(0) ? std::max(c, 1) : 0);
    }
  }
}

}  // namespace detail

/// Moments of all tensors of a parameter set. A fresh one is zero.
///
/// @tparam N  moments for each value; the first is signed, the second a square
template <class Scalar, std::size_t N>
class moments {
 public:
  moments(std::span<const parameter<Scalar>> parameters, moment_storage storage) : storage_(storage) {
    std::size_t n = 0;
    for (const auto& p : parameters) {
      first_.push_back(n);
      n += (p.size() + detail::moment_block - 1) / detail::moment_block * detail::moment_block;
    }
    for (std::size_t m = 0; m < N; ++m) {
      if (storage == moment_storage::full) {
        full_[m] = buffer<Scalar>(n);
      } else {
        codes_[m] = buffer<std::uint8_t>(n);
        if (m == 0) std::fill_n(codes_[m].data(), n, std::uint8_t{128});
        largest_[m] = buffer<Scalar>(n / detail::moment_block);
      }
    }
  }

  /// Runs `loop` over all tensors; `numbers(tensor)` gives the numbers of each.
  template <class Numbers>
  void update(const thread_team& team, std::span<const parameter<Scalar>> parameters,
              typename update_kernel_table<Scalar>::loop loop, Numbers&& numbers) {
    for_each_piece<Scalar>(team, parameters, [&](std::size_t tensor, std::size_t begin, std::size_t end, std::size_t) {
      const parameter<Scalar>& p = parameters[tensor];
      const update_numbers<Scalar> c = numbers(tensor);
      const std::size_t base = first_[tensor];
      std::array<Scalar*, N == 0 ? 1 : N> at{};
      if (storage_ == moment_storage::full) {
        for (std::size_t m = 0; m < N; ++m) at[m] = full_[m].data() + base + begin;
        loop(c, p.value + begin, p.gradient + begin, at.data(), end - begin);
        return;
      }
      Scalar wide[N == 0 ? 1 : N][detail::moment_block];
      for (std::size_t i = begin; i < end; i += detail::moment_block) {
        const std::size_t n = std::min(detail::moment_block, end - i), block = (base + i) / detail::moment_block;
        for (std::size_t m = 0; m < N; ++m) {
          detail::widen_moments(codes_[m].data() + base + i, largest_[m][block], m == 0, n, wide[m]);
          at[m] = wide[m];
        }
        loop(c, p.value + i, p.gradient + i, at.data(), n);
        for (std::size_t m = 0; m < N; ++m) {
          detail::narrow_moments(wide[m], m == 0, n, codes_[m].data() + base + i, largest_[m][block]);
        }
      }
    });
  }

  /// Everything that a checkpoint must keep.
  [[nodiscard]] std::vector<state_array> arrays() {
    std::vector<state_array> all;
    for (std::size_t m = 0; m < N; ++m) {
      const std::string name = concat("moment", m + 1);
      if (storage_ == moment_storage::full) {
        all.push_back({name, std::as_writable_bytes(full_[m].span())});
      } else {
        all.push_back({name + ".codes", std::as_writable_bytes(codes_[m].span())});
        all.push_back({name + ".largest", std::as_writable_bytes(largest_[m].span())});
      }
    }
    return all;
  }
  [[nodiscard]] std::size_t n_byte() const noexcept {
    std::size_t n = 0;
    for (std::size_t m = 0; m < N; ++m) n += full_[m].n_byte() + codes_[m].n_byte() + largest_[m].n_byte();
    return n;
  }

 private:
  moment_storage storage_;
  std::vector<std::size_t> first_;  // of each tensor, in whole blocks
  std::array<buffer<Scalar>, N> full_;
  std::array<buffer<std::uint8_t>, N> codes_;
  std::array<buffer<Scalar>, N> largest_;
};

}  // namespace quipu::optim
