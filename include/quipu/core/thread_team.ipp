// What thread_team.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>

#include <quipu/core/error.hpp>  // config_error, io_error
#include <quipu/core/thread_team.hpp>

namespace quipu {

QUIPU_INLINE thread_team::thread_team(std::size_t n_thread, thread_pinning pinning)
    : thread_team(n_thread, pinning, [](std::function<void()> run) { return std::thread(std::move(run)); }) {}

QUIPU_INLINE thread_team::thread_team(std::size_t n_thread, thread_pinning pinning, const thread_start& start)
    : state_(std::make_shared<state>(n_thread == 0 ? available() : n_thread, pinning, start)) {}

QUIPU_INLINE std::size_t thread_team::available() noexcept {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  const int count = CPU_COUNT(&set);
  return count < 1 ? 1 : static_cast<std::size_t>(count);
}

QUIPU_INLINE thread_team::state::state(std::size_t n_thread, thread_pinning pinning, const thread_start& start)
    : shares(n_thread > 1024 ? 0 : n_thread) {
  if (n_thread > 1024) fail<config_error>("thread_team", "at most 1024 threads", n_thread);
  workers.reserve(n_thread);
  try {
    for (std::size_t i = 1; i < n_thread; ++i) {
      workers.push_back(start([this, i] { serve(i); }));
      if (pinning == thread_pinning::compact) pin(workers.back(), i);
    }
  } catch (const std::system_error& problem) {
    // A vector of threads that still run would end the process.
    end_workers();
    fail<io_error>(
        "thread_team", concat(n_thread, " threads (programs: --threads, or the limit `ulimit -u`)"),
        concat("that the system starts no more than ", workers.size() + 1, " (", problem.code().message(), ")"));
  } catch (...) {
    end_workers();
    throw;
  }
}

QUIPU_INLINE thread_team::state::~state() { end_workers(); }

QUIPU_INLINE void thread_team::state::end_workers() noexcept {
  stop = true;
  epoch.fetch_add(1, std::memory_order_release);
  epoch.notify_all();
  for (std::thread& worker : workers) worker.join();
}

QUIPU_INLINE void thread_team::state::pin(std::thread& worker, std::size_t index) noexcept {
  cpu_set_t allowed, one;
  CPU_ZERO(&allowed);
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  std::size_t seen = 0;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed) || seen++ != index) continue;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    ::pthread_setaffinity_np(worker.native_handle(), sizeof one, &one);
  }
}

QUIPU_INLINE void thread_team::state::work(std::size_t thread) noexcept {
  for (std::size_t i = 0; i < shares.size(); ++i) {
    share& from = shares[thread + i < shares.size() ? thread + i : thread + i - shares.size()];
    for (std::size_t piece; from.take(i == 0, piece);) {
      const std::size_t begin = piece * grain;
      const std::uint32_t all = n_piece;  // of this loop: after the last piece the caller may begin another
      call(context, begin, begin + grain < n ? begin + grain : n, thread);
      if (n_done.fetch_add(1, std::memory_order_acq_rel) + 1 == all) n_done.notify_one();
    }
  }
}

QUIPU_INLINE void thread_team::state::serve(std::size_t thread) noexcept {
  std::uint32_t seen = 0;
  for (;;) {
    if (!spin([&] { return epoch.load(std::memory_order_acquire) != seen; })) {
      epoch.wait(seen, std::memory_order_acquire);
    }
    const std::uint32_t now = epoch.load(std::memory_order_acquire);
    if (now == seen) continue;
    seen = now;
    if (stop) return;
    work(thread);
  }
}

}  // namespace quipu
