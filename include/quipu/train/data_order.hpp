/// @file The order in which examples are seen: a new permutation every epoch, known for any position.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/random.hpp>

namespace quipu::train {

/// at(k) is the example seen k-th, counted over all epochs: a pure function of (seed, size, k).
class data_order {
 public:
  /// @throws config_error  no examples, or more than 2^32 - 1
  data_order(std::uint64_t seed, std::size_t n_example, bool shuffle = true)
      : seed_(seed), n_(n_example), shuffle_(shuffle) {
    if (n_example == 0 || n_example > std::numeric_limits<std::uint32_t>::max()) {
      fail<config_error>("data_order: examples", "1 .. 4294967295", n_example);
    }
  }

  [[nodiscard]] std::size_t at(std::size_t k) {
    if (!shuffle_) return k % n_;
    const std::size_t epoch = k / n_;
    if (order_.empty() || epoch != epoch_) {
      order_.resize(n_);
      std::iota(order_.begin(), order_.end(), std::uint32_t{0});
      random_stream random(seed_, epoch);
      for (std::size_t i = n_ - 1; i > 0; --i)
        std::swap(order_[i], order_[random.below(static_cast<std::uint32_t>(i + 1))]);
      epoch_ = epoch;
    }
    return order_[k % n_];
  }

 private:
  std::uint64_t seed_;
  std::size_t n_;
  bool shuffle_;
  std::size_t epoch_ = 0;
  std::vector<std::uint32_t> order_;
};

}  // namespace quipu::train
