// What validate.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/core/tensor_type.hpp>
#include <quipu/io/checked_size.hpp>
#include <quipu/io/checkpoint.hpp>
#include <quipu/io/tensor_names.hpp>
#include <quipu/io/validate.hpp>

namespace quipu::io {

QUIPU_INLINE void validate_config(const model_config& config, const std::string& place) {
  const std::pair<const char*, std::size_t> sizes[] = {
      {"d_model", config.d_model},     {"d_ffn", config.d_ffn},   {"n_layer", config.n_layer},
      {"n_head", config.n_head},       {"n_vocab", config.n_vocab}, {"d_head", config.d_head},
      {"n_kv_head", config.n_kv_head}, {"n_ctx", config.n_ctx}};
  for (const auto& [name, size] : sizes) {
    if (size == 0 || size > largest_extent) {
      fail<format_error>(concat(place, ": ", name), "a size from 1 to 2^31", size);
    }
  }
  if (config.n_head % config.n_kv_head != 0) {
    fail<format_error>(concat(place, ": n_kv_head"), concat("a divisor of n_head = ", config.n_head),
                       config.n_kv_head);
  }
  if (config.d_head % 2 != 0) {
    fail<format_error>(concat(place, ": d_head"), "an even size", config.d_head);
  }
  if (config.d_head > largest_extent / config.n_head) {
    fail<format_error>(concat(place, ": n_head * d_head"), "at most 2^31", "more");
  }
  const auto positive = [&](const char* name, double value) {
    if (!(value > 0) || !std::isfinite(value)) {
      fail<format_error>(concat(place, ": ", name), "a positive finite number", value);
    }
  };
  positive("rms_norm_eps", config.rms_norm_eps);
  positive("rope_theta", config.rope_theta);
  if (config.scaling.type != rope_scaling::kind::none) positive("rope scaling: factor", config.scaling.factor);
  if (config.scaling.type == rope_scaling::kind::llama3) {
    positive("rope scaling: low_freq_factor", config.scaling.low_freq_factor);
    positive("rope scaling: high_freq_factor", config.scaling.high_freq_factor);
    positive("rope scaling: original context", config.scaling.original_n_ctx);
    if (config.scaling.high_freq_factor <= config.scaling.low_freq_factor) {
      fail<format_error>(concat(place, ": rope scaling: high_freq_factor"),
                         concat("more than low_freq_factor = ", config.scaling.low_freq_factor),
                         config.scaling.high_freq_factor);
    }
  }
  if (!config.rope_factors.empty() && config.rope_factors.size() != config.d_head / 2) {
    fail<format_error>(concat(place, ": rope factors"), concat("d_head / 2 = ", config.d_head / 2),
                       config.rope_factors.size());
  }
  for (const float factor : config.rope_factors) positive("rope factors", static_cast<double>(factor));
  if (!std::isfinite(config.activation_threshold)) {
    fail<format_error>(concat(place, ": activation threshold"), "a finite number",
                       config.activation_threshold);
  }
  const auto in_vocabulary = [&](const char* name, token_id id) {
    if (id != no_token && (id < 0 || static_cast<std::size_t>(id) >= config.n_vocab)) {
      fail<format_error>(concat(place, ": ", name), concat("a token id below ", config.n_vocab), id);
    }
  };
  in_vocabulary("bos", config.bos);
  in_vocabulary("eos", config.eos);
  for (const token_id id : config.end_tokens) in_vocabulary("end tokens", id);
}

QUIPU_INLINE void validate_vocabulary(const text::vocabulary& vocabulary, const std::string& place) {
  using text::tokenizer_kind;
  if (vocabulary.kind == tokenizer_kind::none) return;
  const std::size_t n = vocabulary.tokens.size();
  if (n == 0 || n > largest_extent) fail<format_error>(concat(place, ": tokens"), "1 to 2^31 tokens", n);
  if (vocabulary.kinds.size() != n) {
    fail<format_error>(concat(place, ": token types"), concat(n, " entries"), vocabulary.kinds.size());
  }
  if (vocabulary.kind == tokenizer_kind::sentencepiece && vocabulary.scores.size() != n) {
    fail<format_error>(concat(place, ": scores"), concat(n, " entries"), vocabulary.scores.size());
  }
  for (const float score : vocabulary.scores) {
    if (!std::isfinite(score)) fail<format_error>(concat(place, ": scores"), "finite numbers", score);
  }
  const std::pair<const char*, token_id> ids[] = {{"bos", vocabulary.bos},
                                                  {"eos", vocabulary.eos},
                                                  {"unk", vocabulary.unk},
                                                  {"pad", vocabulary.pad}};
  for (const auto& [name, id] : ids) {
    if (id != no_token && (id < 0 || static_cast<std::size_t>(id) >= n)) {
      fail<format_error>(concat(place, ": ", name), concat("a token id below ", n), id);
    }
  }
}

QUIPU_INLINE void validate_vocabulary_size(const checkpoint& opened) {
  const std::string place = concat(opened.path, ": vocabulary");
  validate_vocabulary(opened.vocabulary, place);
  const std::size_t n_token = opened.vocabulary.tokens.size();
  if (opened.vocabulary.kind != text::tokenizer_kind::none && n_token != opened.config.n_vocab) {
    fail<format_error>(place, concat(opened.config.n_vocab, " tokens, one an embedding row"), n_token);
  }
}

namespace detail {

inline void check_tensor(const checkpoint& opened, const expected_tensor& expected) {
  const tensor_view& found = opened.at(expected.name);
  const std::string place = concat(opened.path, ": ", expected.name);
  if (found.shape != expected.shape) {
    fail<format_error>(concat(place, ": shape"), show_shape(expected.shape), show_shape(found.shape));
  }
  if (!is_weight_type(found.type)) {
    fail<format_error>(concat(place, ": type"), "floating-point or quantised weights",
                       name_of(found.type));
  }
  const std::size_t bytes = checked_bytes(found.type, found.shape, place);
  if (found.bytes.size() != bytes) {
    fail<format_error>(concat(place, ": bytes"), bytes, found.bytes.size());
  }
}

/// Tensors that some writers store and that carry nothing: tables which follow from the config.
[[nodiscard]] inline bool is_redundant_tensor(std::string_view name) {
  return name.ends_with(".rotary_emb.inv_freq");
}

/// Moves tensors of our own from a LLaMA's to the further ones.
inline void take_further_tensors(checkpoint& opened) {
  for (auto at = opened.tensors.lower_bound(further_prefix);
       at != opened.tensors.end() && at->first.starts_with(further_prefix);) {
    const std::string place = concat(opened.path, ": ", printable(at->first));
    if (at->second.shape.empty()) fail<format_error>(concat(place, ": shape"), "at least one extent", "none");
    const std::size_t bytes = checked_bytes(at->second.type, at->second.shape, place);
    if (at->second.bytes.size() != bytes) {
      fail<format_error>(concat(place, ": bytes"), bytes, at->second.bytes.size());
    }
    opened.further.insert_or_assign(at->first, at->second);
    at = opened.tensors.erase(at);
  }
}

/// A mapped tensor at an address that its element type does not allow is copied to one that does.
inline void align_tensors(checkpoint& opened) {
  const auto align = [&](tensor_view& tensor) {
    const std::size_t size = is_quantised(tensor.type) ? sizeof(std::uint16_t) : block_of(tensor.type).bytes;
    if (reinterpret_cast<std::uintptr_t>(tensor.bytes.data()) % size == 0) return;
    auto copy = std::make_shared<const std::vector<std::byte>>(tensor.bytes.begin(), tensor.bytes.end());
    tensor.bytes = *copy;
    opened.owned.push_back(std::move(copy));
  };
  for (auto& [name, tensor] : opened.tensors) align(tensor);
  for (auto& [name, tensor] : opened.further) align(tensor);
}

}  // namespace detail

QUIPU_INLINE void validate(checkpoint& opened) {
  const std::string place = opened.path.empty() ? std::string("checkpoint") : opened.path;
  validate_config(opened.config, place);
  if (opened.config.tied_embeddings) opened.tensors.erase(std::string(head_name));
  detail::take_further_tensors(opened);
  std::erase_if(opened.tensors, [](const auto& entry) { return detail::is_redundant_tensor(entry.first); });

  std::vector<std::string> names;
  const auto check = [&](const std::vector<expected_tensor>& expected) {
    for (const expected_tensor& tensor : expected) {
      detail::check_tensor(opened, tensor);
      names.push_back(tensor.name);
    }
  };
  check(tensors_outside_layers(opened.config));
  for (std::size_t layer = 0; layer < opened.config.n_layer; ++layer) {
    check(tensors_of_layer(opened.config, layer));
  }
  if (opened.tensors.size() != names.size()) {
    std::sort(names.begin(), names.end());
    for (const auto& [name, tensor] : opened.tensors) {
      if (!std::binary_search(names.begin(), names.end(), name)) {
        fail<format_error>(place, "only tensors of a LLaMA of this config", printable(name));
      }
    }
  }

  validate_vocabulary_size(opened);
  detail::align_tensors(opened);
}

}  // namespace quipu::io
