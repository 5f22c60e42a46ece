/// @file What a checkpoint says besides being a LLaMA, and a hash that files made for its weights are keyed by.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <quipu/io/checkpoint.hpp>

namespace quipu::io {

/// Hash of names, types, shapes and bytes of all tensors of a LLaMA, in the order of their names; further tensors do
/// not count. Files of different formats have one hash if they hold the same numbers in the same types.
/// @pre `source` is in `rope_layout::halves`
[[nodiscard]] inline std::uint64_t content_hash(const checkpoint& source) noexcept {
  constexpr std::uint64_t prime = 0x9e3779b97f4a7c15u;
  // Four lanes, so that the products of one do not wait for those of another: hashing runs at the speed of memory.
  std::uint64_t lanes[4] = {1, 2, 3, 4};
  const auto mix = [](std::uint64_t a, std::uint64_t b) { return std::rotl((a ^ b) * prime, 29); };
  const auto add = [&](std::span<const std::byte> bytes) {
    const std::byte* at = bytes.data();
    std::size_t left = bytes.size();
    for (; left >= 32; left -= 32, at += 32) {
      std::uint64_t words[4];
      std::memcpy(words, at, 32);
      for (std::size_t i = 0; i < 4; ++i) lanes[i] = mix(lanes[i], words[i]);
    }
    std::uint64_t words[4] = {0, 0, 0, left + 1};
    if (left > 0) std::memcpy(words, at, left);
    for (std::size_t i = 0; i < 4; ++i) lanes[i] = mix(lanes[i], words[i]);
  };
  for (const auto& [name, tensor] : source.tensors) {
    add(std::as_bytes(std::span(name)));
    const auto type = static_cast<std::uint64_t>(tensor.type);
    add(std::as_bytes(std::span(&type, 1)));
    add(std::as_bytes(std::span(tensor.shape)));
    add(tensor.bytes);
  }
  std::uint64_t hash = 0;
  for (const std::uint64_t lane : lanes) hash = mix(hash, lane);
  return hash ^ hash >> 32;
}

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
      const std::map<std::string, tensor_view, std::less<>>& changed, std::shared_ptr<const void> memory) {
    checkpoint source = old->source_;
    source.config = config;
    for (const auto& [name, tensor] : changed) source.tensors[name] = tensor;
    using both = std::pair<std::shared_ptr<const checkpoint_content>, std::shared_ptr<const void>>;
    return std::make_shared<const checkpoint_content>(std::move(source),
                                                      std::make_shared<const both>(old, std::move(memory)));
  }
  /// `content_hash` of the checkpoint.
  [[nodiscard]] std::uint64_t hash() const {
    std::call_once(hashed_, [this] { hash_ = content_hash(source_); });
    return hash_;
  }

 private:
  checkpoint source_;
  std::shared_ptr<const void> memory_;
  mutable std::once_flag hashed_;
  mutable std::uint64_t hash_ = 0;
};

}  // namespace quipu::io
