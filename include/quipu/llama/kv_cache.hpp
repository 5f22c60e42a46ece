/// @file Cached keys and values of one sequence, in pages that sequences can share.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <vector>

#include <quipu/core/buffer.hpp>
#include <quipu/core/config.hpp>  // QUIPU_ASSERT

namespace quipu::llama {

/// Sizes of a page: what one sequence holds for `page_tokens` positions in all layers.
struct kv_shape {
  std::size_t n_layer = 0;
  std::size_t n_kv_head = 0;
  std::size_t d_head = 0;

  static constexpr std::size_t page_tokens = 32;

  [[nodiscard]] std::size_t head_values() const noexcept { return page_tokens * d_head; }
  [[nodiscard]] std::size_t page_values() const noexcept { return n_layer * 2 * n_kv_head * head_values(); }
};

/// Keys and values of one sequence. Copying shares all pages; a page is copied when one of several owners
/// writes into it. Within a page the order is (layer, key or value, head, position, d_head).
template <class Kv>
class kv_cache {
 public:
  kv_cache() = default;
  explicit kv_cache(kv_shape shape) : shape_(shape) {}

  /// Positions that are filled in all layers.
  [[nodiscard]] std::size_t length() const noexcept { return length_; }
  [[nodiscard]] const kv_shape& shape() const noexcept { return shape_; }
  [[nodiscard]] std::size_t n_byte() const noexcept { return pages_.size() * shape_.page_values() * sizeof(Kv); }

  /// Makes positions length() .. n - 1 writable: new pages, and an own copy of a shared last page.
  void prepare(std::size_t n) {
    const std::size_t first_page = length_ / kv_shape::page_tokens;
    if (n > length_ && first_page < pages_.size() && pages_[first_page].use_count() > 1) {
      auto own = std::make_shared<buffer<Kv>>(shape_.page_values());
      std::copy_n(pages_[first_page]->data(), shape_.page_values(), own->data());
      pages_[first_page] = std::move(own);
    }
    while (pages_.size() * kv_shape::page_tokens < n) {
      pages_.push_back(std::make_shared<buffer<Kv>>(shape_.page_values()));
    }
  }
  /// Declares positions below `n` filled. @pre prepare(n) was called and they were written
  void commit(std::size_t n) noexcept {
    QUIPU_ASSERT(n <= pages_.size() * kv_shape::page_tokens);
    length_ = n;
  }
  /// Forgets positions from `n` on. @pre n <= length()
  void truncate(std::size_t n) {
    QUIPU_ASSERT(n <= length_);
    length_ = n;
    pages_.resize((n + kv_shape::page_tokens - 1) / kv_shape::page_tokens);
  }

  /// Key or value rows of one head in one page: (page_tokens, d_head).
  [[nodiscard]] const Kv* keys(std::size_t layer, std::size_t head, std::size_t page) const noexcept {
    return pages_[page]->data() + offset(layer, 0, head);
  }
  [[nodiscard]] const Kv* values(std::size_t layer, std::size_t head, std::size_t page) const noexcept {
    return pages_[page]->data() + offset(layer, 1, head);
  }
  /// Row of one position, to be written. @pre the position was prepared
  [[nodiscard]] Kv* key(std::size_t layer, std::size_t head, std::size_t position) noexcept {
    return row(offset(layer, 0, head), position);
  }
  [[nodiscard]] Kv* value(std::size_t layer, std::size_t head, std::size_t position) noexcept {
    return row(offset(layer, 1, head), position);
  }

 private:
  [[nodiscard]] std::size_t offset(std::size_t layer, std::size_t which, std::size_t head) const noexcept {
    return ((layer * 2 + which) * shape_.n_kv_head + head) * shape_.head_values();
  }
  [[nodiscard]] Kv* row(std::size_t base, std::size_t position) noexcept {
    return pages_[position / kv_shape::page_tokens]->data() + base +
           position % kv_shape::page_tokens * shape_.d_head;
  }

  kv_shape shape_;
  std::size_t length_ = 0;
  std::vector<std::shared_ptr<buffer<Kv>>> pages_;
};

}  // namespace quipu::llama
