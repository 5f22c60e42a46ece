/// @file A team of threads for many small parallel steps a second.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/core/config.hpp>  // QUIPU_ASSERT

namespace quipu {

/// Whether the team's own threads are tied to processors. The caller's thread is never touched.
enum class thread_pinning : std::uint8_t { none, compact };

/// Handle on a fixed set of threads that run one loop at a time. The calling thread works too, so a team
/// of one starts no thread. Between loops the threads spin for some microseconds and then sleep on a
/// futex. Copies share the team; callers on different threads take turns.
///
/// Each thread has a share of a loop, of neighbouring parts which it takes in order; who is done takes the last part of another's
/// share. So a thread that the system holds up, or that still sleeps, delays a loop by the part that it is in, if any.
/// What a loop computes must not depend on which thread runs which part.
class thread_team {
 public:
  /// Starts a thread that runs a function. @throws std::system_error  the system has no thread left
  using thread_start = std::function<std::thread(std::function<void()>)>;

  /// @param n_thread  0 means one for each processor that the process may use
  /// @throws config_error  more than 1024 threads
  /// @throws io_error      the system does not start that many; those that had started have ended then
  explicit thread_team(std::size_t n_thread = 0, thread_pinning pinning = thread_pinning::none);
  /// The same with threads that `start` makes; tests let it fail.
  thread_team(std::size_t n_thread, thread_pinning pinning, const thread_start& start);

  [[nodiscard]] std::size_t size() const noexcept { return state_->workers.size() + 1; }

  /// Processors that the calling process may run on.
  [[nodiscard]] static std::size_t available() noexcept;

  /// Calls `body(begin, end, thread)` for pieces of `grain` indices (the last may be shorter) that cover
  /// 0 .. n - 1 once; returns when all are done. `thread` is below size() and names a private workspace.
  ///
  /// @param body  must not throw; must not start another loop on the same team
  template <class Body>
  void parallel_for(std::size_t n, std::size_t grain, Body&& body) const {
    QUIPU_ASSERT(grain > 0);
    if (n == 0) return;
    const std::size_t n_piece = (n + grain - 1) / grain;
    QUIPU_ASSERT(n_piece <= std::numeric_limits<std::uint32_t>::max());
    state& team = *state_;
    if (n_piece == 1 || team.workers.empty()) {
      for (std::size_t begin = 0; begin < n; begin += grain) {
        body(begin, begin + grain < n ? begin + grain : n, std::size_t{0});
      }
      return;
    }
    const std::lock_guard turn(team.turn);
    using function = std::remove_reference_t<Body>;
    team.call = [](void* f, std::size_t begin, std::size_t end, std::size_t thread) noexcept {
      (*static_cast<function*>(f))(begin, end, thread);
    };
    team.context = const_cast<void*>(static_cast<const void*>(std::addressof(body)));
    team.n = n;
    team.grain = grain;
    team.n_piece = static_cast<std::uint32_t>(n_piece);
    team.n_done.store(0, std::memory_order_relaxed);
    const std::size_t n_thread = size();
    for (std::size_t i = 0; i < n_thread; ++i) team.shares[i].set(n_piece * i / n_thread, n_piece * (i + 1) / n_thread);
    team.epoch.fetch_add(1, std::memory_order_release);
    team.epoch.notify_all();
    team.work(0);
    for (std::uint32_t done; (done = team.n_done.load(std::memory_order_acquire)) != n_piece;) {
      if (!spin([&] { return team.n_done.load(std::memory_order_acquire) == n_piece; })) {
        team.n_done.wait(done, std::memory_order_acquire);
      }
    }
  }

 private:
  static void pause() noexcept {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }

  // Long enough for the gap between two layers, short enough not to starve a busy machine.
  template <class Done>
  static bool spin(Done&& done) noexcept {
    for (int i = 0; i < 3000; ++i) {
      if (done()) return true;
      pause();
    }
    return false;
  }

  // Pieces of one thread that nobody has taken yet: the first in the lower half, the end in the upper. A thread that is late from
  // the loop before may take some of this loop's: what it runs is read after that.
  class alignas(64) share {
   public:
    void set(std::size_t first, std::size_t end) noexcept {
      left_.store(static_cast<std::uint64_t>(end) << 32 | first, std::memory_order_release);
    }
    /// The first piece for the owner, the last for others. @return false if none is left
    [[nodiscard]] bool take(bool owns, std::size_t& piece) noexcept {
      for (std::uint64_t left = left_.load(std::memory_order_relaxed);;) {
        const std::uint64_t first = left & 0xffffffffu, end = left >> 32;
        if (first >= end) return false;
        piece = owns ? first : end - 1;
        const std::uint64_t after = owns ? left + 1 : left - (std::uint64_t{1} << 32);
        if (left_.compare_exchange_weak(left, after, std::memory_order_acquire, std::memory_order_relaxed)) return true;
      }
    }

   private:
    std::atomic<std::uint64_t> left_{0};
  };

  struct state {
    state(std::size_t n_thread, thread_pinning pinning, const thread_start& start);
    ~state();
    void end_workers() noexcept;
    static void pin(std::thread& worker, std::size_t index) noexcept;
    void work(std::size_t thread) noexcept;
    void serve(std::size_t thread) noexcept;

    std::mutex turn;
    void (*call)(void*, std::size_t, std::size_t, std::size_t) noexcept = nullptr;
    void* context = nullptr;
    std::size_t n = 0;
    std::size_t grain = 1;
    std::uint32_t n_piece = 0;
    std::atomic<bool> stop{false};
    alignas(64) std::atomic<std::uint32_t> epoch{0};
    alignas(64) std::atomic<std::uint32_t> n_done{0};  // pieces
    std::vector<share> shares;                         // of each thread
    std::vector<std::thread> workers;  // last: starts when all else is there
  };

  std::shared_ptr<state> state_;
};

}  // namespace quipu

#if !defined(QUIPU_COMPILED)
#include <quipu/core/thread_team.ipp>
#endif
