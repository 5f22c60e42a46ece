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
    return {cache.keys(layer, kv_head, block), cache.values(layer, kv_head, block),
            kv_row_values<Kv>(cache.shape().d_head), block_keys};
  }

 private:
  std::span<kv_cache<Kv>* const> caches_;
};

/// Rows of a batch cut into tiles of neighbouring queries; made once for all layers, in memory that is used again.
class attention_plan {
 public:
  static constexpr std::size_t tile_rows = 16;
  static constexpr std::size_t part_keys = 512;  ///< that are worked on in one go
  struct tile {
    const row_segment* segment;
    std::size_t first;  ///< within the segment
    std::size_t n_row;
  };

  attention_plan() = default;
  /// @param segments  must outlive the plan
  explicit attention_plan(std::span<const row_segment> segments) { plan(segments); }

  /// Makes it the plan of another batch.
  /// @param segments  must outlive the plan
  void plan(std::span<const row_segment> segments) {
    tiles_.clear();
    single_rows_ = true;
    n_visible_ = 0;
    for (const row_segment& s : segments) {
      for (std::size_t i = 0; i < s.n_row; i += tile_rows) tiles_.push_back({&s, i, std::min(tile_rows, s.n_row - i)});
      single_rows_ = single_rows_ && s.n_row == 1;
      n_visible_ = std::max(n_visible_, s.position + s.n_row);
    }
  }
  /// Every tile is one row, as where tokens are generated.
  [[nodiscard]] bool single_rows() const noexcept { return single_rows_; }
  /// Keys of the longest sequence.
  [[nodiscard]] std::size_t n_visible() const noexcept { return n_visible_; }
  [[nodiscard]] const std::vector<tile>& tiles() const noexcept { return tiles_; }

 private:
  std::vector<tile> tiles_;
  bool single_rows_ = true;
  std::size_t n_visible_ = 0;
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

/// Largest score and sum of e^(score - largest) of each query of a tile: what a softmax over further keys goes on from.
template <class Scalar>
struct softmax_state {
  Scalar largest[attention_plan::tile_rows];
  Scalar total[attention_plan::tile_rows];
};

/// A running softmax over the keys first .. end that each query sees. Fills t.mixed with sums that `state.total` has not divided yet.
/// @param keys  keys(b) is the block of number b
/// @pre first is a multiple of block_keys
template <class Scalar, class Kv, std::size_t block_keys, class Keys>
void attend_keys(instruction_set set, std::size_t d, const query_tile<Scalar>& t, std::size_t first, std::size_t end, Keys&& keys,
                 softmax_state<Scalar>& state) noexcept {
  constexpr std::size_t tile_rows = attention_plan::tile_rows;
  const auto& rows = linear::row_kernels_for<Scalar>(set);
  const auto& kv = linear::kv_kernels_for<Scalar, Kv>(set);
  const Scalar scale = Scalar(1) / std::sqrt(static_cast<Scalar>(d));
  alignas(64) Scalar scores[tile_rows * block_keys];  // (tile_rows, block_keys)
  for (std::size_t r = 0; r < t.n_query; ++r) {
    state.largest[r] = -std::numeric_limits<Scalar>::infinity();
    state.total[r] = 0;
    std::fill_n(t.mixed + r * t.mixed_stride, d, Scalar(0));
  }
  for (std::size_t at = first; at < end; at += block_keys) {
    const std::size_t n_key = std::min(block_keys, end - at);
    const auto block = keys(at / block_keys);  // keys and values (n_key, d_head)
    kv.scores(t.queries, t.stride, t.n_query, block.keys, block.stride, n_key, d, scale, scores, block_keys);
    for (std::size_t r = 0; r < t.n_query; ++r) {
      const std::size_t own_end = t.n_visible - (t.n_query - 1 - r) * t.step;
      const std::size_t n_own = own_end > at ? std::min(n_key, own_end - at) : 0;
      Scalar* own = scores + r * block_keys;
      if (n_own > 0) rows.softmax_step(own, n_own, state.largest[r], state.total[r], t.mixed + r * t.mixed_stride, d);
      std::fill(own + n_own, own + n_key, Scalar(0));
    }
    kv.mix(scores, block_keys, t.n_query, block.values, block.stride, n_key, d, t.mixed, t.mixed_stride);
  }
}

/// Adds what one query made of further keys to what it has.
template <class Scalar>
void join_softmax(Scalar& largest, Scalar& total, Scalar* mixed, Scalar more_largest, Scalar more_total, const Scalar* more,
                  std::size_t d) noexcept {
  if (more_total == Scalar(0)) return;  // it sees none of those keys
  const Scalar top = std::max(largest, more_largest);
  const Scalar a = std::exp(largest - top), b = std::exp(more_largest - top);
  largest = top;
  total = total * a + more_total * b;
  for (std::size_t i = 0; i < d; ++i) mixed[i] = mixed[i] * a + more[i] * b;
}

}  // namespace detail

/// out_h = sum_j softmax_j(<q_h, k_j> / sqrt(d_head)) v_j over the positions j up to the query's own; query
/// head h reads key head h * n_kv_head / n_head. Source: Vaswani et al. 2017, eq. (1); groups: Ainslie et al.
/// 2023; the running softmax: Milakov, Gimelshein 2018; its parts side by side: Dao et al. 2023, Flash-Decoding.
///
/// @param q        (n_row, n_head * d_head) rotated
/// @param out      (n_row, n_head * d_head) overwritten
/// @param log_sum  (n_row, n_head) out, log of the softmax's denominator, or null
/// A row's result does not depend on the other rows of the batch nor on the number of threads: every `attention_plan::part_keys`
/// keys have a softmax of their own, and these are joined in order, whoever computes them.
template <class Scalar, class Context>
void attend(linear::workspace& ws, const io::model_config& c, const Context& context, std::size_t layer,
            const attention_plan& plan, matrix_view<const Scalar> q, matrix_view<Scalar> out, Scalar* log_sum) {
  using kv_type = typename Context::kv_type;
  using state_type = detail::softmax_state<Scalar>;
  constexpr std::size_t tile_rows = attention_plan::tile_rows, part_keys = attention_plan::part_keys;
  static_assert(part_keys % Context::block_keys == 0);
  const instruction_set set = ws.kernels().set;
  const std::size_t group = c.n_head / c.n_kv_head, d = c.d_head;
  // Where single rows are decoded, the heads that share keys are a tile's queries: keys are read once for all of them.
  const bool decodes = group <= tile_rows && plan.single_rows();
  const std::size_t n_head = decodes ? group : 1, n_task = c.n_head / n_head;  // heads of a task, tasks of a tile
  const std::size_t n_part = (plan.n_visible() + part_keys - 1) / part_keys;   // of the longest sequence
  const auto tile_of = [&](const attention_plan::tile& t, std::size_t head) {
    const std::size_t row = t.segment->first_row + t.first, n_visible = t.segment->position + t.first + t.n_row;
    const Scalar* queries = q.row(row) + head * d;  // (n_query, d_head)
    Scalar* mixed = out.row(row) + head * d;        // (n_query, d_head)
    return decodes ? detail::query_tile<Scalar>{queries, d, mixed, d, n_head, n_visible, 0}
                   : detail::query_tile<Scalar>{queries, q.stride(), mixed, out.stride(), t.n_row, n_visible, 1};
  };
  const auto attend_part = [&](const attention_plan::tile& t, const detail::query_tile<Scalar>& tile, std::size_t head, std::size_t part,
                               state_type& state) {
    detail::attend_keys<Scalar, kv_type, Context::block_keys>(
        set, d, tile, part * part_keys, std::min(tile.n_visible, (part + 1) * part_keys),
        [&](std::size_t b) { return context.block(layer, *t.segment, head / group, b); }, state);
  };
  const auto finish = [&](const attention_plan::tile& t, const detail::query_tile<Scalar>& tile, std::size_t head, const state_type& state) {
    const std::size_t row = t.segment->first_row + t.first;
    for (std::size_t r = 0; r < tile.n_query; ++r) {
      Scalar* const mixed = tile.mixed + r * tile.mixed_stride;
      linear::row_kernels_for<Scalar>(set).scale_row(mixed, Scalar(1) / state.total[r], d, mixed);
      if (log_sum == nullptr) continue;
      const std::size_t at = decodes ? row * c.n_head + head + r : (row + r) * c.n_head + head;
      log_sum[at] = state.largest[r] + std::log(state.total[r]);
    }
  };
  const std::size_t n_tile_task = plan.tiles().size() * n_task;
  if (!decodes || n_part <= 1) {
    ws.reserve(tile_rows * d * sizeof(Scalar));
    ws.team().parallel_for(n_tile_task, 1, [&](std::size_t task, std::size_t, std::size_t thread) {
      const attention_plan::tile& t = plan.tiles()[task / n_task];
      const std::size_t head = task % n_task * n_head;
      const detail::query_tile<Scalar> tile = tile_of(t, head);
      state_type state, more;
      attend_part(t, tile, head, 0, state);
      detail::query_tile<Scalar> further = tile;
      further.mixed = ws.scratch<Scalar>(thread);  // (n_query, d_head)
      further.mixed_stride = d;
      for (std::size_t part = 1; part * part_keys < tile.n_visible; ++part) {
        attend_part(t, further, head, part, more);
        for (std::size_t r = 0; r < tile.n_query; ++r)
          detail::join_softmax(state.largest[r], state.total[r], tile.mixed + r * tile.mixed_stride, more.largest[r], more.total[r],
                               further.mixed + r * d, d);
      }
      finish(t, tile, head, state);
    });
    return;
  }
  // A few rows after many keys: parts are shared out, and joined when all are there.
  const std::size_t n_value = n_head * (d + 2);
  Scalar* const parts = ws.shared<Scalar>(n_tile_task * n_part * n_value);  // (n_tile_task, n_part, n_head * (d_head, largest, total))
  ws.team().parallel_for(n_tile_task * n_part, 1, [&](std::size_t i, std::size_t, std::size_t) {
    const attention_plan::tile& t = plan.tiles()[i / n_part / n_task];
    const std::size_t head = i / n_part % n_task * n_head, part = i % n_part;
    detail::query_tile<Scalar> tile = tile_of(t, head);
    if (part * part_keys >= tile.n_visible) return;
    state_type state;
    tile.mixed = parts + i * n_value;
    attend_part(t, tile, head, part, state);
    std::copy_n(state.largest, n_head, tile.mixed + n_head * d);
    std::copy_n(state.total, n_head, tile.mixed + n_head * (d + 1));
  });
  ws.team().parallel_for(n_tile_task, 1, [&](std::size_t task, std::size_t, std::size_t) {
    const attention_plan::tile& t = plan.tiles()[task / n_task];
    const std::size_t head = task % n_task * n_head;
    const detail::query_tile<Scalar> tile = tile_of(t, head);
    const Scalar* more = parts + task * n_part * n_value;
    state_type state;
    std::copy_n(more, n_head * d, tile.mixed);
    std::copy_n(more + n_head * d, n_head, state.largest);
    std::copy_n(more + n_head * (d + 1), n_head, state.total);
    for (std::size_t part = 1; part * part_keys < tile.n_visible; ++part) {
      more += n_value;
      for (std::size_t r = 0; r < n_head; ++r)
        detail::join_softmax(state.largest[r], state.total[r], tile.mixed + r * d, more[n_head * d + r], more[n_head * (d + 1) + r],
                             more + r * d, d);
    }
    finish(t, tile, head, state);
  });
}

}  // namespace quipu::llama
