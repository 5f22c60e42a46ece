/// @file The order of a task's examples: any order behind one type, and new ones with repeated old ones.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include <quipu/core/error.hpp>
#include <quipu/train/batch_order.hpp>

namespace quipu::conpet {

/// Any batch order, so that methods that differ in it share one trainer. Models `train::batch_order`.
class task_order {
 public:
  template <class Order>
    requires(!std::is_same_v<Order, task_order>) && train::batch_order<Order>
  task_order(Order order)  // NOLINT(google-explicit-constructor): every order is one
      : identity_(order.identity()),
        fill_([order = std::move(order)](const train::order_place& place, std::span<train::ordered_example> examples) mutable {
          order.fill(place, examples);
        }) {}

  [[nodiscard]] const std::string& identity() const noexcept { return identity_; }
  void fill(const train::order_place& place, std::span<train::ordered_example> examples) { fill_(place, examples); }

 private:
  std::string identity_;
  std::function<void(const train::order_place&, std::span<train::ordered_example>)> fill_;
};

static_assert(train::batch_order<task_order>);

/// Epochs of all new examples once and all old ones several times. A source has the new ones first. Models `train::batch_order`.
/// Source: ConPET's official code, train_cycle.py (replay frequency).
class repeated_old_order {
 public:
  repeated_old_order(std::size_t n_new, std::size_t n_old, std::size_t n_repeat) : n_new_(n_new), n_old_(n_old), n_repeat_(n_repeat) {}

  [[nodiscard]] std::string identity() const { return concat(n_new_, " new, ", n_repeat_, " times ", n_old_, " old"); }
  /// @throws config_error  a source of another size
  void fill(const train::order_place& place, std::span<train::ordered_example> examples) {
    if (place.n_example != n_new_ + n_old_) fail<config_error>("repeated_old_order: examples of the source", n_new_ + n_old_, place.n_example);
    train::order_place all = place;
    all.n_example = n_new_ + n_repeat_ * n_old_;
    epochs_.fill(all, examples);
    for (train::ordered_example& e : examples) {
      if (e.example >= n_new_) e.example = n_new_ + (e.example - n_new_) % n_old_;
    }
  }

 private:
  std::size_t n_new_, n_old_, n_repeat_;
  train::epochs epochs_;
};

static_assert(train::batch_order<repeated_old_order>);

}  // namespace quipu::conpet
