/// @file Causal grouped-query attention over blocks of keys, without a matrix of all scores.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include <quipu/core/matrix_view.hpp>
#include <quipu/io/model_config.hpp>
#include <quipu/linear/row_kernels.hpp>
#include <quipu/linear/workspace.hpp>
#include <quipu/llama/hooks.hpp>     // row_segment
#include <quipu/llama/kv_cache.hpp>

namespace quipu::llama {

/// A run of neighbouring keys and values of one head.
template <class Kv>
struct kv_block {
  const Kv* keys = nullptr;    ///< rows `stride` apart
  const Kv* values = nullptr;
  std::size_t stride = 0;
  std::size_t n_key = 0;
};

/// Keys and values in the caches of sequences: what inference attends to.
template <class Kv>
class cached_context {
 public:
  using kv_type = Kv;
  static constexpr std::size_t block_keys = kv_shape::page_tokens;

  /// @param caches  one for each `row_segment::sequence`
  explicit cached_context(std::span<kv_cache<Kv>* const> caches) : caches_(caches) {}

  /// Takes the keys and values (n_row, n_kv_head * d_head) of new rows. @pre positions are prepared
  template <class Scalar>
  void store(linear::workspace& ws, std::size_t layer, std::span<const row_segment> segments,
             matrix_view<const Scalar> k, matrix_view<const Scalar> v) {
    const auto narrow = linear::kv_kernels_for<Scalar, Kv>(ws.kernels().set).narrow;
    for (const row_segment& s : segments) {
      kv_cache<Kv>& cache = *caches_[s.sequence];
      const std::size_t d = cache.shape().d_head;
      ws.team().parallel_for(s.n_row, 16, [&](std::size_t begin, std::size_t end, std::size_t) {
        for (std::size_t i = begin; i < end; ++i) {
          for (std::size_t head = 0; head < cache.shape().n_kv_head; ++head) {
            narrow(k.row(s.first_row + i) + head * d, d, cache.key(layer, head, s.position + i));
            narrow(v.row(s.first_row + i) + head * d, d, cache.value(layer, head, s.position + i));
          }
        }
      });
    }
  }

  /// Keys block * block_keys .. of the segment's sequence. The caller knows how many of them are filled.
  [[nodiscard]] kv_block<Kv> block(std::size_t layer, const row_segment& s, std::size_t kv_head,
                                   std::size_t block) const noexcept {
    const kv_cache<Kv>& cache = *caches_[s.sequence];
    return {cache.keys(layer, kv_head, block), cache.values(layer, kv_head, block), cache.shape().d_head, block_keys};
  }

 private:
  std::span<kv_cache<Kv>* const> caches_;
};

/// Rows of a batch cut into tiles of neighbouring queries; made once for all layers.
class attention_plan {
 public:
  static constexpr std::size_t tile_rows = 16;
  struct tile {
    const row_segment* segment;
    std::size_t first;  ///< within the segment
    std::size_t n_row;
  };

  /// @param segments  must outlive the plan
  explicit attention_plan(std::span<const row_segment> segments) {
    for (const row_segment& s : segments) {
      for (std::size_t i = 0; i < s.n_row; i += tile_rows) tiles_.push_back({&s, i, std::min(tile_rows, s.n_row - i)});
      single_rows_ = single_rows_ && s.n_row == 1;
    }
  }
  /// Every tile is one row, as where tokens are generated.
  [[nodiscard]] bool single_rows() const noexcept { return single_rows_; }
  [[nodiscard]] const std::vector<tile>& tiles() const noexcept { return tiles_; }

 private:
  std::vector<tile> tiles_;
  bool single_rows_ = true;
};

namespace detail {

/// Queries that read the same keys: some rows of one head, or some heads of one row.
template <class Scalar>
struct query_tile {
  const Scalar* queries;  ///< (n_query, d_head)
  std::size_t stride;
  Scalar* mixed;          ///< (n_query, d_head) out
  std::size_t mixed_stride;
  std::size_t n_query;
  std::size_t n_visible;  ///< keys that the last query sees
  std::size_t step;       ///< keys that each sees more than the one before
};

/// Asks for a block that will be read soon.
template <class Kv>
void fetch(const kv_block<Kv>& block, std::size_t d) noexcept {
  constexpr std::size_t line = 64 / sizeof(Kv);
  if (block.stride != d) return;
  for (std::size_t i = 0; i < block.n_key * d; i += line) __builtin_prefetch(block.keys + i);
  for (std::size_t i = 0; i < block.n_key * d; i += line) __builtin_prefetch(block.values + i);
}

/// A running softmax over the blocks of keys up to each query's own.
/// @param keys  keys(b) is the block of number b
template <class Scalar, class Kv, std::size_t block_keys, class Keys>
void attend_tile(instruction_set set, std::size_t d, const query_tile<Scalar>& t, Keys&& keys, Scalar (&largest)[attention_plan::tile_rows],
                 Scalar (&total)[attention_plan::tile_rows]) noexcept {
  constexpr std::size_t tile_rows = attention_plan::tile_rows;
  const auto& rows = linear::row_kernels_for<Scalar>(set);
  const auto& kv = linear::kv_kernels_for<Scalar, Kv>(set);
  const Scalar scale = Scalar(1) / std::sqrt(static_cast<Scalar>(d));
  alignas(64) Scalar scores[tile_rows * block_keys];  // (tile_rows, block_keys)
  for (std::size_t r = 0; r < t.n_query; ++r) {
    largest[r] = -std::numeric_limits<Scalar>::infinity();
    total[r] = 0;
    std::fill_n(t.mixed + r * t.mixed_stride, d, Scalar(0));
  }
  for (std::size_t b = 0; b * block_keys < t.n_visible; ++b) {
    const std::size_t n_key = std::min(block_keys, t.n_visible - b * block_keys);
    const auto block = keys(b);  // keys and values (n_key, d_head)
    // Blocks lie far apart: a processor would only notice a while after the next one has begun.
    if ((b + 1) * block_keys < t.n_visible) fetch(keys(b + 1), d);
    kv.scores(t.queries, t.stride, t.n_query, block.keys, block.stride, n_key, d, scale, scores, block_keys);
    for (std::size_t r = 0; r < t.n_query; ++r) {
      const std::size_t end = t.n_visible - (t.n_query - 1 - r) * t.step;
      const std::size_t n_own = end > b * block_keys ? std::min(n_key, end - b * block_keys) : 0;
      Scalar* own = scores + r * block_keys;
      if (n_own > 0) rows.softmax_step(own, n_own, largest[r], total[r], t.mixed + r * t.mixed_stride, d);
      std::fill(own + n_own, own + n_key, Scalar(0));
    }
    kv.mix(scores, block_keys, t.n_query, block.values, block.stride, n_key, d, t.mixed, t.mixed_stride);
  }
  for (std::size_t r = 0; r < t.n_query; ++r) {
    Scalar* row = t.mixed + r * t.mixed_stride;
    rows.scale_row(row, Scalar(1) / total[r], d, row);
  }
}

}  // namespace detail

/// out_h = sum_j softmax_j(<q_h, k_j> / sqrt(d_head)) v_j over the positions j up to the query's own; query
/// head h reads key head h * n_kv_head / n_head. Source: Vaswani et al. 2017, eq. (1); groups: Ainslie et al.
/// 2023; the running softmax: Milakov, Gimelshein 2018.
///
/// @param q        (n_row, n_head * d_head) rotated
/// @param out      (n_row, n_head * d_head) overwritten
/// @param log_sum  (n_row, n_head) out, log of the softmax's denominator, or null
/// A row's result does not depend on the other rows of the batch nor on the number of threads.
template <class Scalar, class Context>
void attend(linear::workspace& ws, const io::model_config& c, const Context& context, std::size_t layer,
            const attention_plan& plan, matrix_view<const Scalar> q, matrix_view<Scalar> out, Scalar* log_sum) {
  using kv_type = typename Context::kv_type;
  constexpr std::size_t tile_rows = attention_plan::tile_rows;
  const instruction_set set = ws.kernels().set;
  const std::size_t group = c.n_head / c.n_kv_head, d = c.d_head;
  // Where single rows are decoded, the heads that share keys are a tile's queries: keys are read once for all of them.
  const bool decodes = group <= tile_rows && plan.single_rows();
  const std::size_t n_head = decodes ? group : 1, n_task = c.n_head / n_head;  // heads of a task, tasks of a tile
  ws.team().parallel_for(plan.tiles().size() * n_task, 1, [&](std::size_t task, std::size_t, std::size_t) {
    const attention_plan::tile& t = plan.tiles()[task / n_task];
    const std::size_t head = task % n_task * n_head;
    const std::size_t row = t.segment->first_row + t.first, n_visible = t.segment->position + t.first + t.n_row;
    const Scalar* queries = q.row(row) + head * d;  // (n_query, d_head)
    Scalar* mixed = out.row(row) + head * d;        // (n_query, d_head)
    const detail::query_tile<Scalar> tile =
        decodes ? detail::query_tile<Scalar>{queries, d, mixed, d, n_head, n_visible, 0}
                : detail::query_tile<Scalar>{queries, q.stride(), mixed, out.stride(), t.n_row, n_visible, 1};
    Scalar largest[tile_rows], total[tile_rows];
    detail::attend_tile<Scalar, kv_type, Context::block_keys>(
        set, d, tile, [&](std::size_t b) { return context.block(layer, *t.segment, head / group, b); }, largest, total);
    for (std::size_t r = 0; log_sum != nullptr && r < tile.n_query; ++r) {
      const std::size_t at = decodes ? row * c.n_head + head + r : (row + r) * c.n_head + head;
      log_sum[at] = largest[r] + std::log(total[r]);
    }
  });
}

}  // namespace quipu::llama
