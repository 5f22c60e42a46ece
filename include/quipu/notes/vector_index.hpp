/// @file Nearest vectors by inner product: what an index offers, and the exact one.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include <quipu/core/buffer.hpp>
#include <quipu/core/error.hpp>
#include <quipu/linear/kernels.hpp>
#include <quipu/notes/note_retriever.hpp>  // scored_note

namespace quipu::notes {

/// Vectors by note id; `search` returns the k of largest inner product in the order of `ranks_before`.
template <class Index>
concept vector_index = std::movable<Index> && std::constructible_from<Index, std::size_t> &&
    requires(Index& index, const Index& constant, note_id id, std::span<const float> vector, std::size_t k) {
  index.add(id, vector);
  { index.erase(id) } -> std::same_as<bool>;
  index.clear();
  { constant.search(vector, k) } -> std::same_as<std::vector<scored_note>>;
  { constant.size() } -> std::same_as<std::size_t>;
  { constant.dimension() } -> std::same_as<std::size_t>;
};

/// @throws shape_error    another number of values than the index has
/// @throws numeric_error  a value is not finite
inline void check_vector(std::span<const float> vector, std::size_t dimension) {
  if (vector.size() != dimension)
    fail<shape_error>("vector index: vector", concat(dimension, " values"), vector.size());
  for (const float value : vector) {
    if (!std::isfinite(value)) fail<numeric_error>("vector index: vector", "finite values", value);
  }
}

/// Compares a query with every vector.
/// Cost: a query reads all vectors once. Threads: `search` side by side, edits alone.
class exact_index {
 public:
  /// @throws config_error  no dimension
  explicit exact_index(std::size_t dimension) : dimension_(dimension) {
    if (dimension == 0) fail<config_error>("exact_index: dimension", "at least 1", dimension);
  }
  /// @throws config_error  `id` is there already or not positive
  void add(note_id id, std::span<const float> vector) {
    check_vector(vector, dimension_);
    if (id <= no_note || place_of_.count(id) != 0) fail<config_error>("exact_index: note id", "a new positive one", id);
    const std::size_t used = ids_.size() * dimension_;
    if (used == values_.size()) {
      buffer<float> larger(std::max(2 * used, 16 * dimension_));
      std::copy_n(values_.data(), used, larger.data());
      values_ = std::move(larger);
    }
    std::copy(vector.begin(), vector.end(), values_.data() + used);
    place_of_.emplace(id, ids_.size());
    ids_.push_back(id);
  }
  bool erase(note_id id) {
    const auto found = place_of_.find(id);
    if (found == place_of_.end()) return false;
    // The last vector takes the place; results do not depend on places.
    const std::size_t place = found->second, last = ids_.size() - 1;
    std::copy_n(row(last), dimension_, values_.data() + place * dimension_);
    ids_[place] = ids_[last];
    place_of_[ids_[place]] = place;
    place_of_.erase(id);
    ids_.pop_back();
    return true;
  }
  void clear() {
    ids_.clear();
    values_ = {};
    place_of_.clear();
  }
  [[nodiscard]] std::size_t size() const noexcept { return ids_.size(); }
  [[nodiscard]] std::size_t dimension() const noexcept { return dimension_; }

  [[nodiscard]] std::vector<scored_note> search(std::span<const float> query, std::size_t k) const {
    check_vector(query, dimension_);
    top_notes best(k);
    // One vector after the other: the memory delivers a single stream nearly twice as fast as four rows side by side.
    const auto dot = linear::best_kernels().dot;
    for (std::size_t i = 0; i < ids_.size(); ++i) {
      best.offer(ids_[i], static_cast<double>(dot(row(i), query.data(), dimension_)));
    }
    return best.take();
  }

 private:
  [[nodiscard]] const float* row(std::size_t place) const noexcept { return values_.data() + place * dimension_; }

  std::size_t dimension_;
  std::vector<note_id> ids_;
  buffer<float> values_;  // (capacity, dimension), in huge pages once it is large: 40 % off a search
  std::unordered_map<note_id, std::size_t> place_of_;
};

static_assert(vector_index<exact_index>);

}  // namespace quipu::notes
