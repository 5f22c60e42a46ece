/// @file Hand-made GGUF files, right and wrong ones.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quipu::test {

template <class Value>
std::string raw(Value value) {
  std::string bytes(sizeof(Value), '\0');
  std::memcpy(bytes.data(), &value, sizeof(Value));
  return bytes;
}

inline std::string gguf_text(std::string_view text) {
  return raw<std::uint64_t>(text.size()) + std::string(text);
}

struct gguf_tensor {
  std::string name;
  std::vector<std::uint64_t> extents;  ///< contiguous one first
  std::uint32_t type = 0;
  std::string data;
  std::uint64_t offset_error = 0;  ///< added to the right offset
};

/// Collects keys and tensors; `bytes()` is the file.
struct gguf_builder {
  std::uint32_t version = 3;
  std::vector<std::string> keys;
  std::vector<gguf_tensor> tensors;

  gguf_builder& key(std::string_view name, std::uint32_t type, const std::string& value) {
    keys.push_back(gguf_text(name) + raw(type) + value);
    return *this;
  }
  gguf_builder& text(std::string_view name, std::string_view value) { return key(name, 8, gguf_text(value)); }
  gguf_builder& u32(std::string_view name, std::uint32_t value) { return key(name, 4, raw(value)); }
  gguf_builder& f32(std::string_view name, float value) { return key(name, 6, raw(value)); }
  gguf_builder& flag(std::string_view name, bool value) { return key(name, 7, raw<std::uint8_t>(value)); }
  gguf_builder& texts(std::string_view name, const std::vector<std::string>& values) {
    std::string array = raw<std::uint32_t>(8) + raw<std::uint64_t>(values.size());
    for (const std::string& value : values) array += gguf_text(value);
    return key(name, 9, array);
  }
  template <class Value>
  gguf_builder& array(std::string_view name, std::uint32_t type, const std::vector<Value>& values) {
    std::string bytes = raw(type) + raw<std::uint64_t>(values.size());
    for (const Value& value : values) bytes += raw(value);
    return key(name, 9, bytes);
  }
  gguf_builder& tensor(gguf_tensor t) {
    tensors.push_back(std::move(t));
    return *this;
  }
  /// An F32 tensor with a ramp of small numbers.
  gguf_builder& ramp(const std::string& name, const std::vector<std::uint64_t>& extents) {
    std::uint64_t n = 1;
    for (const std::uint64_t extent : extents) n *= extent;
    std::string data;
    for (std::uint64_t i = 0; i < n; ++i) data += raw(static_cast<float>(i % 17) / 16.0f);
    return tensor({name, extents, 0, data});
  }

  [[nodiscard]] std::string bytes() const {
    std::string file = "GGUF" + raw(version) + raw<std::uint64_t>(tensors.size()) + raw<std::uint64_t>(keys.size());
    for (const std::string& k : keys) file += k;
    std::string data;
    for (const gguf_tensor& t : tensors) {
      data.resize((data.size() + 31) / 32 * 32);
      file += gguf_text(t.name) + raw(static_cast<std::uint32_t>(t.extents.size()));
      for (const std::uint64_t extent : t.extents) file += raw(extent);
      file += raw(t.type) + raw<std::uint64_t>(data.size() + t.offset_error);
      data += t.data;
    }
    if (!tensors.empty()) file.resize((file.size() + 31) / 32 * 32);
    return file + data;
  }
};

/// A complete LLaMA: 1 layer, d_model 4, 2 heads, d_ffn 4, 3 tokens, tied head.
inline gguf_builder tiny_gguf() {
  gguf_builder g;
  g.text("general.architecture", "llama").u32("llama.embedding_length", 4).u32("llama.block_count", 1);
  g.u32("llama.feed_forward_length", 4).u32("llama.attention.head_count", 2).u32("llama.context_length", 8);
  g.f32("llama.attention.layer_norm_rms_epsilon", 1e-5f);
  g.text("tokenizer.ggml.model", "llama").texts("tokenizer.ggml.tokens", {"<unk>", "<s>", "</s>"});
  g.array<float>("tokenizer.ggml.scores", 6, {0, -1, -2});
  g.array<std::int32_t>("tokenizer.ggml.token_type", 5, {2, 3, 3});
  g.ramp("token_embd.weight", {4, 3}).ramp("output_norm.weight", {4});
  g.ramp("blk.0.attn_norm.weight", {4}).ramp("blk.0.ffn_norm.weight", {4});
  for (const char* part : {"attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"}) {
    g.ramp(std::string("blk.0.") + part + ".weight", {4, 4});
  }
  return g;
}

}  // namespace quipu::test
