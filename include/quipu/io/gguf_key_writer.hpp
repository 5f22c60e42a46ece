/// @file The key-value part of a GGUF file that is to be written.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <quipu/core/compiled.hpp>
#include <quipu/core/token.hpp>
#include <quipu/io/gguf_types.hpp>
#include <quipu/io/model_config.hpp>
#include <quipu/io/unaligned.hpp>
#include <quipu/text/vocabulary.hpp>

namespace quipu::io {

/// Collects keys and values in the file's encoding.
class gguf_key_writer {
 public:
  [[nodiscard]] const std::string& bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }

  void text(std::string_view key, std::string_view value);
  void size(std::string_view key, std::size_t value);
  void number(std::string_view key, double value);
  void exact_number(std::string_view key, double value);
  void flag(std::string_view key, bool value);
  /// Nothing if `id` names no token.
  void token(std::string_view key, token_id id);
  void texts(std::string_view key, std::span<const std::string> values);
  void floats(std::string_view key, std::span<const float> values);
  void integers(std::string_view key, std::span<const std::int32_t> values);

  /// Appends a little-endian value.
  template <class Value>
  static void append(std::string& bytes, Value value) {
    std::byte raw[sizeof(Value)];
    store_unaligned(raw, value);
    bytes.append(reinterpret_cast<const char*>(raw), sizeof(Value));
  }
  static void append_text(std::string& bytes, std::string_view value);

 private:
  void begin(std::string_view key, gguf_type type);
  void begin_array(std::string_view key, gguf_type element, std::size_t n);
  template <class Value>
  void scalar(std::string_view key, gguf_type type, Value value) {
    begin(key, type);
    append(bytes_, value);
  }

  std::string bytes_;
  std::uint64_t count_ = 0;
};

/// Writes the keys of an architecture (`general.*`, `llama.*`, and ours if llama.cpp has none).
void add_gguf_config(gguf_key_writer& keys, const model_config& config);

/// Refuses what GGUF has no key for and llama.cpp would therefore do otherwise.
/// @throws config_error  such a setting, by its name
void check_gguf_can_say(const text::vocabulary& vocabulary);

/// Writes the keys of a vocabulary (those of `tokenizer`).
/// @throws config_error  `check_gguf_can_say`; `ignore_merges` is not what llama.cpp does with this pre-tokenizer
void add_gguf_vocabulary(gguf_key_writer& keys, const text::vocabulary& vocabulary, const model_config& config);

}  // namespace quipu::io

#if !defined(QUIPU_COMPILED)
#include <quipu/io/gguf_key_writer.ipp>
#endif
