/// @file A tensor that trains: its name, values and gradient.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <quipu/core/thread_team.hpp>

namespace quipu::optim {

/// A tensor in somebody else's memory. `gradient` is null where the tensor is frozen.
template <class Scalar>
struct parameter {
  std::string name;                ///< as checkpoints and PEFT folders call it
  std::vector<std::size_t> shape;  ///< (rows, cols) or (n)
  Scalar* value = nullptr;
  Scalar* gradient = nullptr;

  [[nodiscard]] std::size_t size() const noexcept {
    std::size_t n = 1;
    for (const std::size_t extent : shape) n *= extent;
    return n;
  }
  [[nodiscard]] std::size_t rows() const noexcept { return shape.size() < 2 ? 1 : shape[0]; }
  [[nodiscard]] std::size_t cols() const noexcept { return shape.empty() ? 1 : shape.back(); }
  [[nodiscard]] bool trains() const noexcept { return gradient != nullptr; }
};

/// Tensors in a fixed order, which is also the order of an optimiser's state.
template <class Scalar>
using parameter_set = std::vector<parameter<Scalar>>;

/// Those that train.
template <class Scalar>
[[nodiscard]] parameter_set<Scalar> trained(std::span<const parameter<Scalar>> all) {
  parameter_set<Scalar> chosen;
  std::copy_if(all.begin(), all.end(), std::back_inserter(chosen), [](const auto& p) { return p.trains(); });
  return chosen;
}

template <class Scalar>
[[nodiscard]] const parameter<Scalar>* find(std::span<const parameter<Scalar>> all, std::string_view name) noexcept {
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& p) { return p.name == name; });
  return found == all.end() ? nullptr : &*found;
}

template <class Scalar>
[[nodiscard]] std::size_t n_value(std::span<const parameter<Scalar>> all) noexcept {
  std::size_t n = 0;
  for (const auto& p : all) n += p.size();
  return n;
}

/// Pieces of tensors for parallel loops, cut at fixed places: calls body(tensor, first, last, piece number).
template <class Scalar, class Body>
void for_each_piece(const thread_team& team, std::span<const parameter<Scalar>> all, Body&& body) {
  constexpr std::size_t piece = std::size_t{1} << 16;
  std::vector<std::size_t> first_piece{0};
  for (const auto& p : all) first_piece.push_back(first_piece.back() + (p.size() + piece - 1) / piece);
  team.parallel_for(first_piece.back(), 1, [&](std::size_t i, std::size_t, std::size_t) {
    const auto tensor =
        static_cast<std::size_t>(std::upper_bound(first_piece.begin(), first_piece.end(), i) - first_piece.begin()) - 1;
    const std::size_t begin = (i - first_piece[tensor]) * piece;
    body(tensor, begin, std::min(begin + piece, all[tensor].size()), i);
  });
}

/// Number of pieces that `for_each_piece` makes.
template <class Scalar>
[[nodiscard]] std::size_t n_piece(std::span<const parameter<Scalar>> all) noexcept {
  constexpr std::size_t piece = std::size_t{1} << 16;
  std::size_t n = 0;
  for (const auto& p : all) n += (p.size() + piece - 1) / piece;
  return n;
}

template <class Scalar>
void zero_gradients(const thread_team& team, std::span<const parameter<Scalar>> all) {
  for_each_piece<Scalar>(team, all, [&](std::size_t tensor, std::size_t begin, std::size_t end, std::size_t) {
    if (all[tensor].trains()) std::fill(all[tensor].gradient + begin, all[tensor].gradient + end, Scalar(0));
  });
}

}  // namespace quipu::optim
