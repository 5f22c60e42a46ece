/// @file Cached keys and values of one sequence, in pages that sequences can share.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include <quipu/core/buffer.hpp>
#include <quipu/core/config.hpp>  // QUIPU_ASSERT

namespace quipu::llama {

/// Values that a row of d_head takes: whole numbers are followed by their scale, a float.
template <class Kv>
[[nodiscard]] constexpr std::size_t kv_row_values(std::size_t d_head) noexcept {
  return std::is_same_v<Kv, std::int8_t> ? d_head + sizeof(float) : d_head;
}

/// Sizes of a page: what one sequence holds for `page_tokens` positions in all layers.
struct kv_shape {
  std::size_t n_layer = 0;
  std::size_t n_kv_head = 0;
  std::size_t d_head = 0;

  static constexpr std::size_t page_tokens = 32;

  template <class Kv>
  [[nodiscard]] std::size_t head_values() const noexcept {
    return page_tokens * kv_row_values<Kv>(d_head);
  }
  template <class Kv>
  [[nodiscard]] std::size_t page_values() const noexcept {
    return n_layer * 2 * n_kv_head * head_values<Kv>();
  }
};

/// Keys and values of one sequence. Copying shares all pages; a page is copied when one of several owners
/// writes into it. Pages that are made together lie in one piece of memory, in the order (layer, key or value, head, page, position,
/// d_head): attention reads a head's keys in long runs, of which a processor fetches ahead. Such a piece is all that a sequence
/// allocates as it grows.
template <class Kv>
class kv_cache {
 public:
  kv_cache() = default;
  explicit kv_cache(kv_shape shape) : shape_(shape) {}

  /// Positions that are filled in all layers.
  [[nodiscard]] std::size_t length() const noexcept { return length_; }
  [[nodiscard]] const kv_shape& shape() const noexcept { return shape_; }
  [[nodiscard]] std::size_t n_byte() const noexcept { return pages_.size() * shape_.template page_values<Kv>() * sizeof(Kv); }

  /// Makes positions length() .. n - 1 writable: new pages, and an own copy of a shared last page.
  void prepare(std::size_t n) {
    const std::size_t first_page = length_ / kv_shape::page_tokens;
    if (n > length_ && first_page < pages_.size() && pages_[first_page].is_shared()) {
      pages_[first_page] = copy_of(pages_[first_page]);
    }
    const std::size_t n_page = (n + kv_shape::page_tokens - 1) / kv_shape::page_tokens;
    if (n_page <= pages_.size()) return;
    // A quarter more where a sequence grows token by token.
    const std::size_t wanted = std::max(n_page, pages_.size() + std::min(pages_.size() / 4, most_together));
    if (wanted > pages_.capacity()) pages_.reserve(std::max<std::size_t>({wanted, 2 * pages_.capacity(), 32}));
    while (pages_.size() < wanted) {
      const std::size_t together = std::min(wanted - pages_.size(), most_together);
      const auto memory = std::make_shared<piece>(together, shape_);
      for (std::size_t i = 0; i < together; ++i) pages_.emplace_back(memory, i);
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
    pages_.erase(pages_.begin() + static_cast<std::ptrdiff_t>((n + kv_shape::page_tokens - 1) / kv_shape::page_tokens), pages_.end());
  }

  /// Key or value rows of one head in one page: (page_tokens, d_head).
  [[nodiscard]] const Kv* keys(std::size_t layer, std::size_t head, std::size_t page) const noexcept {
    return head_of(pages_[page], layer, 0, head);
  }
  [[nodiscard]] const Kv* values(std::size_t layer, std::size_t head, std::size_t page) const noexcept {
    return head_of(pages_[page], layer, 1, head);
  }
  /// Row of one position, to be written. @pre the position was prepared
  [[nodiscard]] Kv* key(std::size_t layer, std::size_t head, std::size_t position) noexcept {
    return row(layer, 0, head, position);
  }
  [[nodiscard]] Kv* value(std::size_t layer, std::size_t head, std::size_t position) noexcept {
    return row(layer, 1, head, position);
  }

 private:
  static constexpr std::size_t most_together = 64;

  // Pages that were made together.
  struct piece {
    piece(std::size_t n, const kv_shape& shape) : memory(n * shape.template page_values<Kv>()), n_page(n) {}
    buffer<Kv> memory;
    std::size_t n_page;
    std::array<std::atomic<std::uint32_t>, most_together> n_owner{};  // caches that have each of them
  };

  // A page of this cache, which others may have too.
  class page_place {
   public:
    page_place(std::shared_ptr<piece> from, std::size_t index) noexcept : from_(std::move(from)), index_(index) { take(); }
    page_place(const page_place& other) noexcept : from_(other.from_), index_(other.index_) { take(); }
    page_place(page_place&& other) noexcept : from_(std::move(other.from_)), index_(other.index_) {}
    page_place& operator=(page_place other) noexcept {
      std::swap(from_, other.from_);
      std::swap(index_, other.index_);
      return *this;
    }
    ~page_place() {
      if (from_ != nullptr) n_owner().fetch_sub(1, std::memory_order_release);
    }
    [[nodiscard]] bool is_shared() const noexcept { return n_owner().load(std::memory_order_acquire) > 1; }
    /// The page's part of a run of n_page parts.
    [[nodiscard]] Kv* part(std::size_t run, std::size_t n_value) const noexcept {
      return from_->memory.data() + (run * from_->n_page + index_) * n_value;
    }

   private:
    [[nodiscard]] std::atomic<std::uint32_t>& n_owner() const noexcept { return from_->n_owner[index_]; }
    void take() noexcept { n_owner().fetch_add(1, std::memory_order_relaxed); }

    std::shared_ptr<piece> from_;
    std::size_t index_;
  };

  /// (page_tokens, d_head)
  [[nodiscard]] Kv* head_of(const page_place& p, std::size_t layer, std::size_t which, std::size_t head) const noexcept {
    return p.part((layer * 2 + which) * shape_.n_kv_head + head, shape_.template head_values<Kv>());
  }
  [[nodiscard]] Kv* row(std::size_t layer, std::size_t which, std::size_t head, std::size_t position) noexcept {
    return head_of(pages_[position / kv_shape::page_tokens], layer, which, head) +
           position % kv_shape::page_tokens * kv_row_values<Kv>(shape_.d_head);
  }
  [[nodiscard]] page_place copy_of(const page_place& from) const {
    page_place own(std::make_shared<piece>(1, shape_), 0);
    for (std::size_t layer = 0; layer < shape_.n_layer; ++layer) {
      for (std::size_t which = 0; which < 2; ++which) {
        for (std::size_t head = 0; head < shape_.n_kv_head; ++head)
          std::copy_n(head_of(from, layer, which, head), shape_.template head_values<Kv>(), head_of(own, layer, which, head));
      }
    }
    return own;
  }

  kv_shape shape_;
  std::size_t length_ = 0;
  std::vector<page_place> pages_;
};

}  // namespace quipu::llama
