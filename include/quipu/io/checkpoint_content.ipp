// What checkpoint_content.hpp declares.
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
#include <utility>

#include <quipu/io/checkpoint.hpp>
#include <quipu/io/checkpoint_content.hpp>

namespace quipu::io {

QUIPU_INLINE std::uint64_t content_hash(const checkpoint& source) noexcept {
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

QUIPU_INLINE std::shared_ptr<const checkpoint_content> checkpoint_content::with(
    const std::shared_ptr<const checkpoint_content>& old, const model_config& config,
    const std::map<std::string, tensor_view, std::less<>>& changed, std::shared_ptr<const void> memory) {
  checkpoint source = old->source_;
  source.config = config;
  for (const auto& [name, tensor] : changed) source.tensors[name] = tensor;
  using both = std::pair<std::shared_ptr<const checkpoint_content>, std::shared_ptr<const void>>;
  return std::make_shared<const checkpoint_content>(std::move(source),
                                                    std::make_shared<const both>(old, std::move(memory)));
}

QUIPU_INLINE std::uint64_t checkpoint_content::hash() const {
  std::call_once(hashed_, [this] { hash_ = content_hash(source_); });
  return hash_;
}

}  // namespace quipu::io
