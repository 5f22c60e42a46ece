/// @file What a frozen model gives for texts, computed once: rows before a block, and means of rows.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <quipu/conpet/encoded_set.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/hex.hpp>
#include <quipu/core/isa.hpp>
#include <quipu/core/progress.hpp>
#include <quipu/io/row_cache.hpp>
#include <quipu/llama/row_pool.hpp>
#include <quipu/llama/training_pass.hpp>

namespace quipu::conpet {

/// Rows of a batch that are computed at a time: enough for products to be fast, few enough to stay in the caches.
inline constexpr std::size_t rows_of_pass = 512;

/// What names the numbers that a pass gives: base model, type of the products, instruction set. Other ones have other bits.
template <class Pass>
[[nodiscard]] std::string key_of_pass(Pass& pass) {
  return concat("base ", hex_digits(pass.model().identity()->content->hash()), ", products ",
                pass.products() == linear::product_rounding::none ? "as stored" : "bf16", ", ", name_of(pass.workspace().kernels().set));
}

/// The rows before a block of a model, text by text, from a cache or from a pass over the blocks below. @tparam Pass  a `llama::training_pass`
template <class Pass>
class cached_block_inputs {
 public:
  using scalar_type = typename Pass::scalar_type;
  static_assert(std::is_same_v<scalar_type, float>, "cached_block_inputs: caches hold float");

  /// @param layer  the block; 0 caches nothing
  /// @param path   of the cache; empty: in memory
  /// @throws config_error  a block that the model does not have
  /// @throws io_error      as `io::row_cache`
  cached_block_inputs(Pass& pass, std::size_t layer, const std::string& path = {})
      : pass_(pass),
        layer_(layer),
        cache_(layer == 0 ? std::string() : path, concat("rows before block ", layer, ", ", key_of_pass(pass)), pass.model().config().d_model) {
    if (layer > pass.model().config().n_layer)
      fail<config_error>("cached_block_inputs: block", concat("0 .. ", pass.model().config().n_layer), layer);
  }

  [[nodiscard]] std::size_t layer() const noexcept { return layer_; }
  [[nodiscard]] io::row_cache& cache() noexcept { return cache_; }

  /// Where a pass over these sequences begins; valid until the next call.
  [[nodiscard]] llama::block_start<scalar_type> start(std::span<const encoded_example* const> sequences) {
    if (layer_ == 0) return {};
    fill(sequences);
    std::size_t n_row = 0;
    for (const encoded_example* e : sequences) n_row += e->tokens.size();
    const std::size_t width = cache_.width();
    rows_.resize(n_row * width);
    float* to = rows_.data();
    for (const encoded_example* e : sequences) {
      const auto found = cache_.find(token_key(e->tokens));
      if (!found || found->rows() != e->tokens.size())  // an entry that was damaged between two looks, or two texts of one key
        fail<io_error>("cached rows", concat(e->tokens.size(), " rows of a text"), found ? concat(found->rows(), "") : std::string("none"));
      to = std::copy_n(found->data(), found->rows() * width, to);
    }
    return {layer_, {rows_.data(), n_row, width}};
  }

  /// Computes what is not in the cache yet.
  void fill(std::span<const encoded_example* const> sequences) {
    if (layer_ == 0) return;
    std::vector<const encoded_example*> missing;
    for (const encoded_example* e : sequences) {
      if (!cache_.find(token_key(e->tokens))) missing.push_back(e);
    }
    for (std::size_t first = 0; first < missing.size();) {
      const std::size_t n = examples_within(first, missing.size(), rows_of_pass, [&](std::size_t i) -> const auto& { return *missing[i]; });
      llama::training_batch batch;
      for (std::size_t i = 0; i < n; ++i) batch.add(missing[first + i]->tokens, {});
      llama::no_training_hooks none;
      const auto rows = pass_.rows_before(batch, layer_, none);
      for (std::size_t i = 0; i < n; ++i) {
        const auto& s = batch.segments()[i];
        cache_.add(token_key(missing[first + i]->tokens), rows.middle_rows(s.first_row, s.n_row));
      }
      first += n;
    }
  }

 private:
  Pass& pass_;
  std::size_t layer_;
  io::row_cache cache_;
  std::vector<float> rows_;
};

/// Means over the chosen rows of texts, of the residual stream after `n_block` blocks of the model as it is (after all of them the final norm
/// is applied): what learners without training read.
/// @param cache  of means; keyed by tokens, rows and block
/// @return (texts, d_model) row by row
/// @throws config_error  more blocks than the model has
/// @throws cancelled     `progress` said so
template <class Pass>
[[nodiscard]] std::vector<float> pooled_states(Pass& pass, std::span<const encoded_example> texts, std::size_t n_block, io::row_cache& cache,
                                               const progress_callback& progress = {}) {
  const std::size_t width = pass.model().config().d_model, n_layer = pass.model().config().n_layer;
  if (n_block > n_layer) fail<config_error>("pooled_states: blocks", concat("0 .. ", n_layer), n_block);
  const auto key = [n_block](const encoded_example& e) {
    pet::key_hash hash;
    hash.add_value(static_cast<std::uint64_t>(n_block));
    hash.add_value(token_key(e.tokens));
    hash.add_value(static_cast<std::uint64_t>(e.rows.first));
    hash.add_value(static_cast<std::uint64_t>(e.rows.last));
    return hash.value();
  };
  std::vector<float> out(texts.size() * width);
  std::vector<std::size_t> missing;
  const auto take = [&](std::size_t i) {
    const auto found = cache.find(key(texts[i]));
    if (!found) return false;
    std::copy_n(found->data(), width, out.data() + i * width);
    return true;
  };
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (!take(i)) missing.push_back(i);
  }
  std::vector<float> means;
  for (std::size_t first = 0; first < missing.size();) {
    const std::size_t n = examples_within(first, missing.size(), rows_of_pass, [&](std::size_t i) -> const auto& { return texts[missing[i]]; });
    llama::training_batch batch;
    std::vector<llama::row_range> ranges;
    for (std::size_t i = 0; i < n; ++i) {
      batch.add(texts[missing[first + i]].tokens, {});
      ranges.push_back(texts[missing[first + i]].rows);
    }
    llama::check_ranges(batch.segments(), ranges);
    llama::no_training_hooks none;
    auto rows = pass.rows_before(batch, n_block, none);
    if (n_block == n_layer) rows = pass.final_norm(rows);
    means.resize(n * width);
    llama::pool_rows<float>(rows, batch.segments(), ranges, {means.data(), n, width});
    for (std::size_t i = 0; i < n; ++i) {
      cache.add(key(texts[missing[first + i]]), {means.data() + i * width, 1, width});
      std::copy_n(means.data() + i * width, width, out.data() + missing[first + i] * width);
    }
    first += n;
    if (!report_progress(progress, {"states", first, missing.size()})) throw cancelled("pooled_states: cancelled");
  }
  return out;
}

}  // namespace quipu::conpet
