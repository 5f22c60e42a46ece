/// @file Nearest vectors by a navigable graph: nearly exact, and quick for very many notes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <exception>
#include <memory>
#include <span>
#include <unordered_set>
#include <utility>
#include <vector>

// hnswlib 0.6.2 defines functions and variables in its headers that are not inline, so a program could
// include them only once; they all belong to its own vector code, which we replace by our products.
#pragma push_macro("NO_MANUAL_VECTORIZATION")
#undef NO_MANUAL_VECTORIZATION
#define NO_MANUAL_VECTORIZATION
#include <hnswlib/hnswlib.h>
#pragma pop_macro("NO_MANUAL_VECTORIZATION")

#include <quipu/core/error.hpp>
#include <quipu/linear/kernels.hpp>
#include <quipu/notes/note_retriever.hpp>
#include <quipu/notes/vector_index.hpp>

namespace quipu::notes {

struct hnsw_options {
  std::size_t n_link = 16;             ///< of a node to others (M)
  std::size_t build_width = 200;       ///< candidates looked at while a node is linked (ef construction)
  std::size_t search_width = 64;       ///< candidates kept while searching (ef), at least k
  std::size_t seed = 100;              ///< of the nodes' levels
};

namespace detail {

/// hnswlib's distance for inner products: 1 - x . y, by the library's kernels.
class product_space final : public hnswlib::SpaceInterface<float> {
 public:
  explicit product_space(std::size_t dimension) : dimension_(dimension) {}
  std::size_t get_data_size() override { return dimension_ * sizeof(float); }
  hnswlib::DISTFUNC<float> get_dist_func() override { return distance; }
  void* get_dist_func_param() override { return &dimension_; }

  static float product(const void* x, const void* y, std::size_t dimension) noexcept {
    return linear::best_kernels().dot(static_cast<const float*>(x), static_cast<const float*>(y), dimension);
  }

 private:
  static float distance(const void* x, const void* y, const void* dimension) {
    return 1 - product(x, y, *static_cast<const std::size_t*>(dimension));
  }
  std::size_t dimension_;
};

}  // namespace detail

/// hnswlib's graph over inner products. Erased vectors stay in the graph, unfound, until they are half of
/// it; then it is rebuilt. Results are approximate and depend on the order of the additions, but their
/// scores are exact. Written for version 0.6.2 (no filtered search, no reuse of deleted places).
///
/// Threads: `search` side by side, edits alone.
class hnsw_index {
 public:
  /// @throws config_error  no dimension, or options out of range
  explicit hnsw_index(std::size_t dimension, const hnsw_options& options = {})
      : options_(options), dimension_(dimension) {
    if (dimension == 0) fail<config_error>("hnsw_index: dimension", "at least 1", dimension);
    if (options.n_link < 2 || options.n_link > 1000)
      fail<config_error>("hnsw_index: n_link", "2 to 1000", options.n_link);
    if (options.build_width < 1 || options.search_width < 1) fail<config_error>("hnsw_index: widths", "at least 1", 0);
    build(initial_capacity);
  }

  /// @throws config_error  `id` is there already or not positive
  void add(note_id id, std::span<const float> vector) {
    check_vector(vector, dimension_);
    if (id <= no_note || live_.count(id) != 0) fail<config_error>("hnsw_index: note id", "a new positive one", id);
    guarded([&] {
      if (erased_.erase(id) == 0 && n_node() == graph_->max_elements_) graph_->resizeIndex(2 * graph_->max_elements_);
      // Brings an erased one back with the new vector
      graph_->addPoint(vector.data(), static_cast<hnswlib::labeltype>(id));
    });
    live_.insert(id);
  }
  bool erase(note_id id) {
    if (live_.erase(id) == 0) return false;
    guarded([&] { graph_->markDelete(static_cast<hnswlib::labeltype>(id)); });
    erased_.insert(id);
    if (erased_.size() > live_.size() + initial_capacity) compact();
    return true;
  }
  void clear() {
    live_.clear();
    erased_.clear();
    build(initial_capacity);
  }
  [[nodiscard]] std::size_t size() const noexcept { return live_.size(); }
  [[nodiscard]] std::size_t dimension() const noexcept { return dimension_; }
  /// Nodes of the graph, erased ones included.
  [[nodiscard]] std::size_t n_node() const noexcept { return live_.size() + erased_.size(); }

  [[nodiscard]] std::vector<scored_note> search(std::span<const float> query, std::size_t k) const {
    check_vector(query, dimension_);
    top_notes best(k);
    if (live_.empty() || k == 0) return best.take();
    guarded([&] {
      // hnswlib keeps max(ef, k) candidates; k stands in for a wider search, so that ef, which all share, stays.
      auto found = graph_->searchKnn(
          query.data(), std::max(std::min(k, live_.size()), std::min(options_.search_width, live_.size())));
      for (; !found.empty(); found.pop()) {
        const auto id = static_cast<note_id>(found.top().second);
        best.offer(id, static_cast<double>(detail::product_space::product(vector_of(id), query.data(), dimension_)));
      }
    });
    return best.take();
  }

  /// Rebuilds the graph without the erased vectors.
  void compact() {
    std::vector<note_id> ids(live_.begin(), live_.end());
    std::sort(ids.begin(), ids.end());
    const std::unique_ptr<hnswlib::HierarchicalNSW<float>> old = std::move(graph_);
    const std::unique_ptr<detail::product_space> old_space = std::move(space_);
    build(std::max(initial_capacity, 2 * ids.size()));
    guarded([&] {
      for (const note_id id : ids) {
        graph_->addPoint(old->getDataByInternalId(old->label_lookup_.at(static_cast<hnswlib::labeltype>(id))),
                         static_cast<hnswlib::labeltype>(id));
      }
    });
    erased_.clear();
  }

 private:
  static constexpr std::size_t initial_capacity = 256;

  void build(std::size_t capacity) {
    guarded([&] {
      auto space = std::make_unique<detail::product_space>(dimension_);
      graph_ = std::make_unique<hnswlib::HierarchicalNSW<float>>(space.get(), capacity, options_.n_link,
                                                                 options_.build_width, options_.seed);
      space_ = std::move(space);
      graph_->setEf(options_.search_width);
    });
  }
  [[nodiscard]] const float* vector_of(note_id id) const {
    return reinterpret_cast<const float*>(
        graph_->getDataByInternalId(graph_->label_lookup_.at(static_cast<hnswlib::labeltype>(id))));
  }
  template <class Call>
  static void guarded(Call&& call) {
    try {
      call();
    } catch (const error&) {
      throw;
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception& problem) {
      throw config_error(concat("hnsw_index: ", problem.what()));
    }
  }

  hnsw_options options_;
  std::size_t dimension_;
  std::unique_ptr<detail::product_space> space_;
  std::unique_ptr<hnswlib::HierarchicalNSW<float>> graph_;
  std::unordered_set<note_id> live_, erased_;
};

static_assert(vector_index<hnsw_index>);

}  // namespace quipu::notes
