/// @file What neurons must reach under a criterion to count for a token, layer by layer, and what they weigh.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/hex.hpp>
#include <quipu/ffn/place.hpp>
#include <quipu/io/model_config.hpp>

namespace quipu::ffn {

/// How large the values of a layer's neurons are over a calibration text.
struct neuron_sizes {
  std::vector<float> gate = {};  ///< (d_ffn) mean of |f(gate)|
  std::vector<float> up = {};    ///< (d_ffn) mean of |up|
  std::vector<float> down = {};  ///< (d_ffn) norms of the columns of down
};

/// Levels of a model for kernels with two criteria; `sparsity::search` finds them. An empty list leaves nothing out; if both are empty
/// a kernel takes those beside the checkpoint's weights, if there are any.
struct sparse_levels {
  std::vector<double> first = {};          ///< (n_layer) of the criterion on gate or up
  std::vector<double> product = {};        ///< (n_layer) of the criterion on hidden
  std::vector<neuron_sizes> sizes = {};    ///< (n_layer) for criteria that weigh; else may be empty
  std::uint64_t content_hash = 0;          ///< `io::content_hash` of the weights that they were found for; 0: not known

  [[nodiscard]] bool empty() const noexcept { return first.empty() && product.empty(); }

  /// @throws config_error  another number of layers or neurons than the model's; levels or sizes that are negative or not finite;
  ///                       levels of other weights
  void check(const io::model_config& c, const io::checkpoint_content& content) const {
    if (content_hash != 0 && content_hash != content.hash())
      fail<config_error>("sparse levels", concat("those of these weights, whose hash is ", hex_digits(content.hash())), hex_digits(content_hash));
    check_list("sparse levels of the first criterion", first, c.n_layer);
    check_list("sparse levels of the product", product, c.n_layer);
    if (sizes.empty()) return;
    if (sizes.size() != c.n_layer) fail<config_error>("sizes of neurons", concat(c.n_layer, ", one a layer"), sizes.size());
    for (const neuron_sizes& each : sizes) {
      check_list("sizes of gates", each.gate, c.d_ffn);
      check_list("sizes of up", each.up, c.d_ffn);
      check_list("norms of down", each.down, c.d_ffn);
    }
  }

 private:
  template <class Value>
  static void check_list(std::string_view what, const std::vector<Value>& list, std::size_t n) {
    if (!list.empty() && list.size() != n) fail<config_error>(what, n, list.size());
    for (const Value v : list) {
      if (!std::isfinite(v) || v < 0) fail<config_error>(what, "finite numbers that are not negative", v);
    }
  }
};

/// What values of a layer's neurons must reach in size: a neuron is left out where its is below its limit. NaN is not.
struct size_limits {
  float all = 0;
  std::vector<float> own = {};  ///< (d_ffn), or empty: `all`

  [[nodiscard]] float of(std::size_t i) const noexcept { return own.empty() ? all : own[i]; }
  [[nodiscard]] bool skips(std::size_t i, float value) const noexcept { return std::abs(value) < of(i); }
};

}  // namespace quipu::ffn
