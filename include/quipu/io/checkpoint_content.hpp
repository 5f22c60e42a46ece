/// @file What a checkpoint says besides being a LLaMA, and a hash that files made for its weights are keyed by.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include <quipu/core/compiled.hpp>
#include <quipu/io/checkpoint.hpp>

namespace quipu::io {

/// Hash of names, types, shapes and bytes of all tensors of a LLaMA, in the order of their names; further tensors do
/// not count. Files of different formats have one hash if they hold the same numbers in the same types.
/// @pre `source` is in `rope_layout::halves`
[[nodiscard]] std::uint64_t content_hash(const checkpoint& source) noexcept;

/// What came with a checkpoint, shared by all models made from it: it keeps the files and bytes alive. The hash is
/// worked out when it is first asked for, since it reads all weights. Safe for several threads.
class checkpoint_content {
 public:
  checkpoint_content() = default;
  /// @param memory  what the source's bytes lie in, if it does not own them itself
  /// @pre as `content_hash`
  explicit checkpoint_content(checkpoint source, std::shared_ptr<const void> memory = {})
      : source_(std::move(source)), memory_(std::move(memory)) {}

  /// A further tensor by its whole name ("quipu.thresholds"), or null.
  [[nodiscard]] const tensor_view* find(std::string_view name) const noexcept {
    const auto found = source_.further.find(name);
    return found == source_.further.end() ? nullptr : &found->second;
  }
  [[nodiscard]] const std::map<std::string, tensor_view, std::less<>>& tensors() const noexcept {
    return source_.further;
  }
  [[nodiscard]] const std::map<std::string, std::string, std::less<>>& metadata() const noexcept {
    return source_.metadata;
  }
  /// The checkpoint itself, without its vocabulary: for writers. Its bytes live as long as this.
  [[nodiscard]] const checkpoint& source() const noexcept { return source_; }
  /// The same with other tensors of the model in place of its own, which `memory` keeps alive.
  [[nodiscard]] static std::shared_ptr<const checkpoint_content> with(
      const std::shared_ptr<const checkpoint_content>& old, const model_config& config,
      const std::map<std::string, tensor_view, std::less<>>& changed, std::shared_ptr<const void> memory);
  /// `content_hash` of the checkpoint.
  [[nodiscard]] std::uint64_t hash() const;

 private:
  checkpoint source_;
  std::shared_ptr<const void> memory_;
  mutable std::once_flag hashed_;
  mutable std::uint64_t hash_ = 0;
};

}  // namespace quipu::io

#if !defined(QUIPU_COMPILED)
#include <quipu/io/checkpoint_content.ipp>
#endif
