/// @file Which examples a training step sees, and with which weight: the role `batch_order`, and epochs.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include <quipu/train/data_order.hpp>

namespace quipu::train {

/// An example of a source in a step. Its weight is a factor of the weight that the source gives it.
struct ordered_example {
  std::size_t example = 0;
  double weight = 1;  ///< above 0
};

/// The step that an order is asked for.
struct order_place {
  std::uint64_t seed = 0;
  bool shuffle = true;        ///< `trainer_options::shuffle`
  std::size_t n_example = 0;  ///< of the source
  std::size_t step = 0;       ///< from 0
};

template <class O>
concept has_fill = requires(O& o, const order_place& place, std::span<ordered_example> examples) {
  o.fill(place, examples);
};

/// Role `batch_order`: copyable; `fill(place, examples)` writes the examples of a step, batch after batch, and is a
/// pure function of the place, so that a resumed run sees what an uninterrupted one does (it may remember what it has
/// worked out); `identity()` says what a resumed run must share, nothing if that is empty.
template <class O>
concept batch_order = std::copyable<O> && has_fill<O> && requires(const O& o) {
  { o.identity() } -> std::convertible_to<std::string>;
};

/// Says in one sentence what a type lacks to be an order.
template <class O>
consteval void explain_batch_order() {
  if constexpr (!std::copyable<O>) {
    static_assert(std::copyable<O>, "batch_order: it must be copyable");
  } else if constexpr (!has_fill<O>) {
    static_assert(batch_order<O>,
                  "batch_order: declare 'fill(const order_place& place, std::span<ordered_example> examples)'");
  } else {
    static_assert(batch_order<O>, "batch_order: declare 'std::string identity() const'");
  }
}

/// All examples, epoch after epoch, each in a permutation of its own.
class epochs {
 public:
  [[nodiscard]] static std::string identity() { return {}; }
  /// @throws config_error  as `data_order`
  void fill(const order_place& place, std::span<ordered_example> examples) {
    if (!order_ || place.seed != at_.seed || place.shuffle != at_.shuffle || place.n_example != at_.n_example) {
      order_.emplace(place.seed, place.n_example, place.shuffle);
    }
    at_ = place;
    std::size_t next = place.step * examples.size();
    for (ordered_example& e : examples) e = {order_->at(next++)};
  }

 private:
  std::optional<data_order> order_;  // for `at_`
  order_place at_;
};

static_assert(batch_order<epochs>);

}  // namespace quipu::train
