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
    }
  }
  [[nodiscard]] const std::vector<tile>& tiles() const noexcept { return tiles_; }

 private:
  std::vector<tile> tiles_;
};

namespace detail {

/// One head of one tile of queries: a running softmax over the blocks of keys up to each query's own.
template <class Scalar, class Context>
void attend_tile(instruction_set set, const io::model_config& c, const Context& context, std::size_t layer,
                 const attention_plan::tile& t, std::size_t head, matrix_view<const Scalar> q,
                 matrix_view<Scalar> out, Scalar* log_sum) noexcept {
  constexpr std::size_t tile_rows = attention_plan::tile_rows, block_keys = Context::block_keys;
  const auto& rows = linear::row_kernels_for<Scalar>(set);
  const auto& kv = linear::kv_kernels_for<Scalar, typename Context::kv_type>(set);
  const Scalar scale = Scalar(1) / std::sqrt(static_cast<Scalar>(c.d_head));
  const std::size_t d = c.d_head, kv_head = head / (c.n_head / c.n_kv_head);
  const std::size_t first_row = t.segment->first_row + t.first;
  const std::size_t first_position = t.segment->position + t.first;
  const Scalar* queries = q.row(first_row) + head * d;  // (t.n_row, d_head), rows apart by q.stride()
  Scalar* mixed = out.row(first_row) + head * d;        // (t.n_row, d_head), rows apart by out.stride()
  alignas(64) Scalar scores[tile_rows * block_keys];    // (tile_rows, block_keys)
  Scalar largest[tile_rows], total[tile_rows];
  for (std::size_t r = 0; r < t.n_row; ++r) {
    largest[r] = -std::numeric_limits<Scalar>::infinity();
    total[r] = 0;
    std::fill_n(mixed + r * out.stride(), d, Scalar(0));
  }
  const std::size_t n_visible = first_position + t.n_row;  // to the tile's last query
  for (std::size_t b = 0; b * block_keys < n_visible; ++b) {
    const std::size_t n_key = std::min(block_keys, n_visible - b * block_keys);
    const auto block = context.block(layer, *t.segment, kv_head, b);  // keys and values (n_key, d_head)
    kv.scores(queries, q.stride(), t.n_row, block.keys, block.stride, n_key, d, scale, scores, block_keys);
    for (std::size_t r = 0; r < t.n_row; ++r) {
      const std::size_t end = first_position + r + 1;
      const std::size_t n_own = end > b * block_keys ? std::min(n_key, end - b * block_keys) : 0;
      Scalar* own = scores + r * block_keys;
      if (n_own > 0) rows.softmax_step(own, n_own, largest[r], total[r], mixed + r * out.stride(), d);
      std::fill(own + n_own, own + n_key, Scalar(0));
    }
    kv.mix(scores, block_keys, t.n_row, block.values, block.stride, n_key, d, mixed, out.stride());
  }
  for (std::size_t r = 0; r < t.n_row; ++r) {
    Scalar* row = mixed + r * out.stride();
    rows.scale_row(row, Scalar(1) / total[r], d, row);
    if (log_sum != nullptr) log_sum[(first_row + r) * c.n_head + head] = largest[r] + std::log(total[r]);
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
  const instruction_set set = ws.kernels().set;
  ws.team().parallel_for(plan.tiles().size() * c.n_head, 1, [&](std::size_t task, std::size_t, std::size_t) {
    detail::attend_tile<Scalar>(set, c, context, layer, plan.tiles()[task / c.n_head], task % c.n_head, q, out,
                                log_sum);
  });
}

}  // namespace quipu::llama
