/// @file What products need besides their operands: threads, kernels and scratch memory.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <typeindex>
#include <utility>
#include <vector>

#include <quipu/core/buffer.hpp>
#include <quipu/core/thread_team.hpp>
#include <quipu/linear/kernel_table.hpp>
#include <quipu/linear/kernels.hpp>  // best_kernels
#include <quipu/linear/packed_kernels.hpp>

namespace quipu::linear {

/// Threads, instruction set and private scratch of each thread. One workspace serves one caller at a
/// time; sessions own theirs.
class workspace {
 public:
  explicit workspace(thread_team team, const kernel_table& kernels = best_kernels())
      : workspace(std::move(team), kernels, packed_kernels_for(kernels.set)) {}
  workspace(thread_team team, const kernel_table& kernels, const packed_kernel_table& packed)
      : team_(std::move(team)), kernels_(&kernels), packed_(&packed), scratch_(team_.size()) {}

  [[nodiscard]] const thread_team& team() const noexcept { return team_; }
  [[nodiscard]] const kernel_table& kernels() const noexcept { return *kernels_; }

  [[nodiscard]] const packed_kernel_table& packed_kernels() const noexcept { return *packed_; }

  /// Makes sure that every thread has `n_byte` of scratch. Called before a parallel loop.
  void reserve(std::size_t n_byte) {
    for (buffer<std::byte>& each : scratch_) each.reserve_discarding(n_byte);
  }
  /// A thread's scratch, aligned to 64 bytes.
  template <class Value>
  [[nodiscard]] Value* scratch(std::size_t thread) noexcept {
    return reinterpret_cast<Value*>(scratch_[thread].data());
  }

  /// An object of a caller's own type, made at the first call and kept as long as the workspace: memory that steps use again without
  /// every user of products paying for its header.
  template <class Kept>
  [[nodiscard]] Kept& kept() {
    for (const auto& [type, object] : kept_) {
      if (type == std::type_index(typeid(Kept))) return *static_cast<Kept*>(object.get());
    }
    kept_.emplace_back(std::type_index(typeid(Kept)), std::make_shared<Kept>());
    return *static_cast<Kept*>(kept_.back().second.get());
  }

  /// Memory for `n` values that all threads of a step share, aligned to 64 bytes. What an earlier call gave is lost.
  template <class Value>
  [[nodiscard]] Value* shared(std::size_t n) {
    shared_.reserve_discarding(n * sizeof(Value));
    return reinterpret_cast<Value*>(shared_.data());
  }

 private:
  thread_team team_;
  const kernel_table* kernels_;
  const packed_kernel_table* packed_;
  std::vector<buffer<std::byte>> scratch_;
  buffer<std::byte> shared_;
  std::vector<std::pair<std::type_index, std::shared_ptr<void>>> kept_;
};

}  // namespace quipu::linear
