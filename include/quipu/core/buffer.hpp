/// @file Owning arrays for weights, caches and workspaces: aligned, zeroed, friendly to huge pages.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

#include <quipu/core/matrix_view.hpp>

namespace quipu {

/// Fixed-size array of trivial values, zero at first, aligned to a cache line. From 4 MiB on it comes
/// straight from the system and asks for huge pages, and pages never touched cost no memory.
template <class Value>
class buffer {
  static_assert(std::is_trivially_copyable_v<Value>, "buffer: the value type must be trivially copyable");

 public:
  static constexpr std::size_t alignment = 64;  // one cache line, one AVX-512 register

  buffer() = default;

  /// @throws std::bad_alloc  out of memory
  explicit buffer(std::size_t size) : size_(size) {
    if (size == 0) return;
    if (size > std::numeric_limits<std::size_t>::max() / sizeof(Value) - alignment) throw std::bad_alloc();
    void* memory = nullptr;
    if (mapped()) {
      memory = ::mmap(nullptr, n_byte(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (memory == MAP_FAILED) throw std::bad_alloc();
      ::madvise(memory, n_byte(), MADV_HUGEPAGE);
    } else {
      memory = aligned_memory(n_byte());
    }
    data_ = static_cast<Value*>(memory);
  }

  buffer(buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  buffer& operator=(buffer&& other) noexcept {
    if (this != &other) {
      release();
      data_ = std::exchange(other.data_, nullptr);
      size_ = std::exchange(other.size_, 0);
    }
    return *this;
  }
  ~buffer() { release(); }

  [[nodiscard]] Value* data() noexcept { return data_; }
  [[nodiscard]] const Value* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t n_byte() const noexcept { return size_ * sizeof(Value); }
  [[nodiscard]] Value& operator[](std::size_t i) noexcept { return data_[i]; }
  [[nodiscard]] const Value& operator[](std::size_t i) const noexcept { return data_[i]; }
  [[nodiscard]] std::span<Value> span() noexcept { return {data_, size_}; }
  [[nodiscard]] std::span<const Value> span() const noexcept { return {data_, size_}; }

  /// Makes room for at least `size` values; what was in the buffer is lost when it has to grow.
  void reserve_discarding(std::size_t size) {
    if (size > size_) *this = buffer(size);
  }

  /// The first rows * cols values as a matrix.
  /// @pre rows * cols <= size()
  [[nodiscard]] matrix_view<Value> matrix(std::size_t rows, std::size_t cols) noexcept {
    QUIPU_ASSERT(rows * cols <= size_);
    return {data_, rows, cols};
  }
  [[nodiscard]] matrix_view<const Value> matrix(std::size_t rows, std::size_t cols) const noexcept {
    QUIPU_ASSERT(rows * cols <= size_);
    return {data_, rows, cols};
  }

 private:
  static constexpr std::size_t mapping_threshold = std::size_t{4} << 20;

  [[nodiscard]] bool mapped() const noexcept { return n_byte() >= mapping_threshold; }
  /// Zeroed, with the address that `free` wants in front. glibc before 2.38 hardly ever reuses what `aligned_alloc`
  /// gave and got back: a server whose caches come and go would grow without end.
  static void* aligned_memory(std::size_t n_byte) {
    void* const whole = std::calloc(n_byte + alignment, 1);
    if (whole == nullptr) throw std::bad_alloc();
    static_assert(alignment >= 2 * alignof(std::max_align_t) && alignof(std::max_align_t) >= sizeof(void*));
    char* const aligned = static_cast<char*>(whole) + alignment - reinterpret_cast<std::uintptr_t>(whole) % alignment;
    std::memcpy(aligned - sizeof(void*), &whole, sizeof(void*));
    return aligned;
  }
  static void free_aligned(void* aligned) noexcept {
    void* whole = nullptr;
    std::memcpy(&whole, static_cast<char*>(aligned) - sizeof(void*), sizeof(void*));
    std::free(whole);
  }
  void release() noexcept {
    if (data_ == nullptr) return;
    if (mapped()) {
      ::munmap(data_, n_byte());
    } else {
      free_aligned(data_);
    }
    data_ = nullptr;
  }

  Value* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace quipu
