/// @file The keys and values of a training batch: its own rows, after learned prefixes if there are any.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include <quipu/core/buffer.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/matrix_view.hpp>
#include <quipu/io/model_config.hpp>
#include <quipu/linear/workspace.hpp>
#include <quipu/llama/attention.hpp>       // kv_block
#include <quipu/llama/training_hooks.hpp>  // kv_prefix

namespace quipu::llama {

/// Context of a forward pass over whole sequences, without caches. One set of views serves all layers in turn.
template <class Scalar>
class batch_context {
 public:
  using kv_type = Scalar;
  static constexpr std::size_t block_keys = 256;  // 16 rows of scores fill half of a first-level cache

  /// @param segments  whole sequences; must outlive the context
  /// @param prefixes  one for each segment, or none at all; a segment's position is its prefix' length
  /// @throws config_error  a position that is not the prefix' length
  batch_context(const io::model_config& c, std::span<const row_segment> segments,
                std::span<const kv_prefix<Scalar>> prefixes = {})
      : d_head_(c.d_head), d_kv_(c.d_kv()), n_layer_(c.n_layer), segments_(segments), prefixes_(prefixes) {
    std::size_t n = 0;
    for (std::size_t i = 0; i < segments.size(); ++i) {
      const std::size_t before = prefixes.empty() ? 0 : prefixes[i].n_row;
      if (segments[i].position != before) {
        fail<config_error>("batch_context: position of a sequence", concat("its prefix' length ", before),
                           segments[i].position);
      }
      if (segments[i].sequence != i)
        fail<config_error>("batch_context: sequence of a segment", i, segments[i].sequence);
      any_prefix_ = any_prefix_ || before > 0;
      first_.push_back(n);
      n += before + segments[i].n_row;
    }
    n_joined_ = n;
  }

  template <class Value>
  void store(linear::workspace&, std::size_t layer, std::span<const row_segment>, matrix_view<const Value> k,
             matrix_view<const Value> v) {
    keys_ = k;
    values_ = v;
    if (!any_prefix_) return;
    joined_k_.reserve_discarding(n_joined_ * d_kv_);
    joined_v_.reserve_discarding(n_joined_ * d_kv_);
    for (std::size_t i = 0; i < segments_.size(); ++i) {
      const row_segment& s = segments_[i];
      std::size_t to = first_[i] * d_kv_;
      for (std::size_t r = 0; r < s.position; ++r, to += d_kv_) {
        const Scalar* row = prefixes_[i].values + r * n_layer_ * 2 * d_kv_ + layer * 2 * d_kv_;
        std::copy_n(row, d_kv_, joined_k_.data() + to);
        std::copy_n(row + d_kv_, d_kv_, joined_v_.data() + to);
      }
      for (std::size_t r = 0; r < s.n_row; ++r, to += d_kv_) {
        std::copy_n(k.row(s.first_row + r), d_kv_, joined_k_.data() + to);
        std::copy_n(v.row(s.first_row + r), d_kv_, joined_v_.data() + to);
      }
    }
    keys_ = joined_k_.matrix(n_joined_, d_kv_);
    values_ = joined_v_.matrix(n_joined_, d_kv_);
  }

  [[nodiscard]] kv_block<Scalar> block(std::size_t, const row_segment& s, std::size_t kv_head,
                                       std::size_t b) const noexcept {
    const std::size_t row = first_[s.sequence] + b * block_keys;
    return {keys_.row(row) + kv_head * d_head_, values_.row(row) + kv_head * d_head_, keys_.stride(), block_keys};
  }

  /// Rows of all sequences with their prefixes, one sequence after the other.
  [[nodiscard]] std::size_t n_joined() const noexcept { return n_joined_; }
  [[nodiscard]] bool any_prefix() const noexcept { return any_prefix_; }
  /// First joined row of a segment.
  [[nodiscard]] std::size_t first(const row_segment& s) const noexcept { return first_[s.sequence]; }
  [[nodiscard]] matrix_view<const Scalar> keys() const noexcept { return keys_; }      ///< (n_joined, d_kv)
  [[nodiscard]] matrix_view<const Scalar> values() const noexcept { return values_; }  ///< (n_joined, d_kv)
  [[nodiscard]] std::span<const row_segment> segments() const noexcept { return segments_; }

  /// Adds the prefix rows of dk and dv (n_joined, d_kv) to the prefixes' gradients, sequence by sequence.
  void add_prefix_gradients(std::size_t layer, matrix_view<const Scalar> dk, matrix_view<const Scalar> dv) const {
    if (!any_prefix_) return;
    for (std::size_t i = 0; i < segments_.size(); ++i) {
      if (prefixes_[i].gradient == nullptr) continue;
      for (std::size_t r = 0; r < prefixes_[i].n_row; ++r) {
        Scalar* to = prefixes_[i].gradient + r * n_layer_ * 2 * d_kv_ + layer * 2 * d_kv_;
        for (std::size_t j = 0; j < d_kv_; ++j) {
          to[j] += dk(first_[i] + r, j);
          to[d_kv_ + j] += dv(first_[i] + r, j);
        }
      }
    }
  }

 private:
  std::size_t d_head_, d_kv_, n_layer_;
  std::span<const row_segment> segments_;
  std::span<const kv_prefix<Scalar>> prefixes_;
  std::vector<std::size_t> first_;
  std::size_t n_joined_ = 0;
  bool any_prefix_ = false;
  buffer<Scalar> joined_k_, joined_v_;
  matrix_view<const Scalar> keys_, values_;
};

}  // namespace quipu::llama
