// What gguf_key_writer.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/token.hpp>
#include <quipu/io/gguf_config.hpp>      // the keys of our own
#include <quipu/io/gguf_key_writer.hpp>
#include <quipu/io/gguf_types.hpp>
#include <quipu/io/gguf_vocabulary.hpp>  // is_llama3_pre_tokenizer
#include <quipu/io/model_config.hpp>
#include <quipu/text/vocabulary.hpp>

namespace quipu::io {

QUIPU_INLINE void gguf_key_writer::text(std::string_view key, std::string_view value) {
  begin(key, gguf_type::string);
  append_text(bytes_, value);
}

QUIPU_INLINE void gguf_key_writer::size(std::string_view key, std::size_t value) {
  if (value > UINT32_MAX) fail<config_error>(concat("GGUF key ", key), "32 bits", value);
  scalar(key, gguf_type::u32, static_cast<std::uint32_t>(value));
}

QUIPU_INLINE void gguf_key_writer::number(std::string_view key, double value) {
  scalar(key, gguf_type::f32, static_cast<float>(value));
}

QUIPU_INLINE void gguf_key_writer::exact_number(std::string_view key, double value) {
  scalar(key, gguf_type::f64, value);
}

QUIPU_INLINE void gguf_key_writer::flag(std::string_view key, bool value) {
  scalar(key, gguf_type::boolean, static_cast<std::uint8_t>(value));
}

QUIPU_INLINE void gguf_key_writer::token(std::string_view key, token_id id) {
  if (id != no_token) scalar(key, gguf_type::u32, static_cast<std::uint32_t>(id));
}

QUIPU_INLINE void gguf_key_writer::texts(std::string_view key, std::span<const std::string> values) {
  begin_array(key, gguf_type::string, values.size());
  for (const std::string& value : values) append_text(bytes_, value);
}

QUIPU_INLINE void gguf_key_writer::floats(std::string_view key, std::span<const float> values) {
  begin_array(key, gguf_type::f32, values.size());
  for (const float value : values) append(bytes_, value);
}

QUIPU_INLINE void gguf_key_writer::integers(std::string_view key, std::span<const std::int32_t> values) {
  begin_array(key, gguf_type::i32, values.size());
  for (const std::int32_t value : values) append(bytes_, value);
}

QUIPU_INLINE void gguf_key_writer::append_text(std::string& bytes, std::string_view value) {
  append(bytes, static_cast<std::uint64_t>(value.size()));
  bytes.append(value);
}

QUIPU_INLINE void gguf_key_writer::begin(std::string_view key, gguf_type type) {
  append_text(bytes_, key);
  append(bytes_, static_cast<std::uint32_t>(type));
  ++count_;
}

QUIPU_INLINE void gguf_key_writer::begin_array(std::string_view key, gguf_type element, std::size_t n) {
  begin(key, gguf_type::array);
  append(bytes_, static_cast<std::uint32_t>(element));
  append(bytes_, static_cast<std::uint64_t>(n));
}

QUIPU_INLINE void add_gguf_config(gguf_key_writer& keys, const model_config& config) {
  keys.text("general.architecture", config.hidden_act == "silu" ? gguf_architecture : gguf_own_architecture);
  keys.text("general.name", config.name);
  keys.size("llama.vocab_size", config.n_vocab);
  keys.size("llama.context_length", config.n_ctx);
  keys.size("llama.embedding_length", config.d_model);
  keys.size("llama.block_count", config.n_layer);
  keys.size("llama.feed_forward_length", config.d_ffn);
  keys.size("llama.attention.head_count", config.n_head);
  keys.size("llama.attention.head_count_kv", config.n_kv_head);
  keys.size("llama.attention.key_length", config.d_head);
  keys.size("llama.attention.value_length", config.d_head);
  keys.size("llama.rope.dimension_count", config.d_head);
  keys.number("llama.attention.layer_norm_rms_epsilon", config.rms_norm_eps);
  keys.number("llama.rope.freq_base", config.rope_theta);
  if (config.scaling.type == rope_scaling::kind::linear) {
    keys.text("llama.rope.scaling.type", "linear");
    keys.number("llama.rope.scaling.factor", config.scaling.factor);
  }
  if (config.hidden_act != "silu") {
    keys.text(gguf_hidden_act_key, config.hidden_act);
    keys.exact_number(gguf_activation_threshold_key, config.activation_threshold);
  }
}

QUIPU_INLINE void check_gguf_can_say(const text::vocabulary& vocabulary) {
  const auto refuse = [](const char* what) {
    fail<config_error>("GGUF vocabulary", concat("no ", what, ", for which GGUF has no key"),
                       "one (keep the model's own tokenizer file)");
  };
  for (const text::added_token& one : vocabulary.added) {
    if (one.lstrip || one.rstrip || one.single_word) refuse("added tokens with lstrip, rstrip or single_word");
  }
  for (const text::normalizer_step& step : vocabulary.normalizers) {
    const bool prefix = step.kind == text::normalizer_kind::prepend && vocabulary.add_space_prefix;
    const bool blanks = step.kind == text::normalizer_kind::replace && step.pattern == " ";
    // Files of Qwen2's form ask for NFC, and their GGUF files do without it.
    if (!prefix && !blanks && step.kind != text::normalizer_kind::nfc) refuse("normalizer but NFC");
  }
  if (!vocabulary.charsmap.empty()) refuse("normalisation rule (precompiled_charsmap)");
  if (vocabulary.remove_extra_whitespaces) refuse("remove_extra_whitespaces");
}

QUIPU_INLINE void add_gguf_vocabulary(gguf_key_writer& keys, const text::vocabulary& vocabulary,
                                      const model_config& config) {
  const bool none = vocabulary.kind == text::tokenizer_kind::none;
  const bool sentencepiece = vocabulary.kind == text::tokenizer_kind::sentencepiece;
  keys.text("tokenizer.ggml.model", none ? "none" : sentencepiece ? "llama" : "gpt2");
  keys.token("tokenizer.ggml.bos_token_id", none ? config.bos : vocabulary.bos);
  keys.token("tokenizer.ggml.eos_token_id", none ? config.eos : vocabulary.eos);
  if (config.end_tokens.size() > 1) {
    keys.token("tokenizer.ggml.eot_token_id", config.end_tokens[1]);
    keys.integers(gguf_end_tokens_key, config.end_tokens);
  }
  if (!vocabulary.chat_template.empty()) keys.text("tokenizer.chat_template", vocabulary.chat_template);
  if (none) return;
  check_gguf_can_say(vocabulary);
  if (!sentencepiece) {
    if (vocabulary.pre_tokenizer.empty()) {
      fail<config_error>("GGUF vocabulary: pre-tokenizer", "one that GGUF has a name for",
                         "another (keep the model's own tokenizer file)");
    }
    if (vocabulary.ignore_merges != keeps_words_whole(vocabulary.pre_tokenizer)) {
      fail<config_error>("GGUF vocabulary: ignore_merges", "what the pre-tokenizer implies",
                         concat("the opposite for ", vocabulary.pre_tokenizer));
    }
    keys.text("tokenizer.ggml.pre", vocabulary.pre_tokenizer);
    std::vector<std::string> merges;
    for (const auto& [left, right] : vocabulary.merges) merges.push_back(concat(left, " ", right));
    keys.texts("tokenizer.ggml.merges", merges);
  } else {
    keys.floats("tokenizer.ggml.scores", vocabulary.scores);
  }
  keys.texts("tokenizer.ggml.tokens", vocabulary.tokens);
  std::vector<std::int32_t> kinds;
  for (const text::token_kind kind : vocabulary.kinds) kinds.push_back(static_cast<std::int32_t>(kind));
  keys.integers("tokenizer.ggml.token_type", kinds);
  keys.token("tokenizer.ggml.unknown_token_id", vocabulary.unk);
  keys.token("tokenizer.ggml.padding_token_id", vocabulary.pad);
  keys.flag("tokenizer.ggml.add_bos_token", vocabulary.add_bos);
  keys.flag("tokenizer.ggml.add_eos_token", vocabulary.add_eos);
  keys.flag("tokenizer.ggml.add_space_prefix", vocabulary.add_space_prefix);
}

}  // namespace quipu::io
