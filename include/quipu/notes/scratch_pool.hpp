/// @file Work space that queries of several threads borrow one after the other.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <quipu/core/requirements.hpp>  // C++20, exceptions

namespace quipu::notes {

/// Keeps as many objects as were ever in use at a time. Movable while none is lent.
template <class Scratch>
class scratch_pool {
  struct shared {
    std::mutex mutex;
    std::vector<std::unique_ptr<Scratch>> free;
  };

 public:
  scratch_pool() : shared_(std::make_unique<shared>()) {}

  /// One object, given back when the scope ends.
  class lease {
   public:
    explicit lease(const scratch_pool& pool) : from_(*pool.shared_) {
      const std::lock_guard lock(from_.mutex);
      if (from_.free.empty()) {
        mine_ = std::make_unique<Scratch>();
      } else {
        mine_ = std::move(from_.free.back());
        from_.free.pop_back();
      }
    }
    lease(const lease&) = delete;
    lease& operator=(const lease&) = delete;
    ~lease() {
      const std::lock_guard lock(from_.mutex);
      from_.free.push_back(std::move(mine_));
    }
    Scratch& operator*() const noexcept { return *mine_; }
    Scratch* operator->() const noexcept { return mine_.get(); }

   private:
    shared& from_;
    std::unique_ptr<Scratch> mine_;
  };

 private:
  std::unique_ptr<shared> shared_;
};

}  // namespace quipu::notes
