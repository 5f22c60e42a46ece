/// @file What a gate must reach for its neuron to count: one value, one a layer, or one a neuron.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/hex.hpp>
#include <quipu/ffn/place.hpp>
#include <quipu/ffn/stored_thresholds.hpp>
#include <quipu/io/model_config.hpp>

namespace quipu::ffn {

/// Thresholds of the gates of a model, besides that of the activation: a neuron is skipped if its gate is below either, or not
/// above 0. Empty: those beside the checkpoint's weights (`threshold_tensor_name`), else the activation's alone.
struct thresholds {
  std::vector<double> of_layers = {};                 ///< (n_layer) or empty
  std::vector<std::vector<float>> of_neurons = {};    ///< (n_layer)(d_ffn) or empty
  std::uint64_t content_hash = 0;                     ///< `io::content_hash` of the weights that they were found for; 0: not known

  /// @throws config_error  another number of layers or neurons than the model's; values that are not finite
  void check(const io::model_config& c) const {
    if (!of_layers.empty() && of_layers.size() != c.n_layer)
      fail<config_error>("thresholds of layers", concat(c.n_layer, ", one a layer"), of_layers.size());
    for (std::size_t l = 0; l < of_layers.size(); ++l) finite(of_layers[l], l);
    if (of_neurons.empty()) return;
    if (of_neurons.size() != c.n_layer)
      fail<config_error>("thresholds of neurons", concat(c.n_layer, " layers"), of_neurons.size());
    for (std::size_t l = 0; l < of_neurons.size(); ++l) {
      if (of_neurons[l].size() != c.d_ffn)
        fail<config_error>(concat("thresholds of the neurons of layer ", l), concat("d_ffn = ", c.d_ffn), of_neurons[l].size());
      for (const float t : of_neurons[l]) finite(t, l);
    }
  }

 private:
  static void finite(double value, std::size_t layer) {
    if (!std::isfinite(value)) fail<config_error>(concat("thresholds of layer ", layer), "finite numbers", value);
  }
};

/// The thresholds of one layer, the activation's among them, as one comparison: a neuron is skipped where its gate is below its
/// limit. NaN is not.
struct layer_limits {
  float all = 0;                 ///< that every gate must reach; above 0
  std::vector<float> own = {};   ///< (d_ffn), each at least `all`; or empty

  layer_limits() = default;
  /// @throws config_error  see `thresholds::check`; thresholds of other weights
  template <class Activation>
  layer_limits(const Activation& f, const thresholds& t, const place& at) {
    t.check(at.config);
    if (t.content_hash != 0 && t.content_hash != at.content.hash())
      fail<config_error>("thresholds", concat("those of these weights, whose hash is ", hex_digits(at.content.hash())), hex_digits(t.content_hash));
    double least = f.threshold_value();
    if (!t.of_layers.empty()) least = std::max(least, t.of_layers[at.layer]);
    // What is not above 0 is below the smallest number that is.
    all = std::max(static_cast<float>(least), std::numeric_limits<float>::denorm_min());
    if (!t.of_neurons.empty()) {
      take(t.of_neurons[at.layer]);
    } else if (t.of_layers.empty()) {
      const auto stored = stored_thresholds(at.content, at.config);
      if (stored.empty()) return;
      thresholds{{}, stored}.check(at.config);
      take(stored[at.layer]);
    }
  }

  [[nodiscard]] bool skips(std::size_t i, float gate) const noexcept { return gate < (own.empty() ? all : own[i]); }

 private:
  void take(const std::vector<float>& of_neurons) {
    own.reserve(of_neurons.size());
    for (const float each : of_neurons) own.push_back(std::max(all, each));
  }
};

}  // namespace quipu::ffn
