/// @file Planes of certified gates that were made before.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/hex.hpp>
#include <quipu/ffn/place.hpp>
#include <quipu/linear/integer_gate.hpp>

namespace quipu::ffn {

struct plane_layer {
  std::shared_ptr<const linear::gate_planes> planes = {};  ///< null: this layer has none, and they are made from its weights
  double relative_error = 0;                               ///< see `linear::integer_gate`
};

/// The gates of a model's layers in planes of four bits, for `certified_sparse`.
struct plane_data {
  std::vector<plane_layer> layers = {};  ///< (n_layer)
  std::uint64_t dither_seed = 0;         ///< that they were made with
  std::uint64_t content_hash = 0;        ///< `io::content_hash` of their weights

  /// @throws config_error  planes of other weights, of another number of layers, or under another dither than `seed`'s
  void check(const place& at, std::uint64_t seed) const {
    if (content_hash != at.content.hash())
      fail<config_error>("planes of gates", concat("those of these weights, whose hash is ", hex_digits(at.content.hash())), hex_digits(content_hash));
    if (layers.size() != at.config.n_layer) fail<config_error>("planes of gates: layers", at.config.n_layer, layers.size());
    if (dither_seed != seed) fail<config_error>("planes of gates: dither_seed", hex_digits(seed), hex_digits(dither_seed));
  }
};

}  // namespace quipu::ffn
