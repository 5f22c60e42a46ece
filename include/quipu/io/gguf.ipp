// What gguf.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/mapped_file.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/io/checkpoint.hpp>
#include <quipu/io/gguf.hpp>
#include <quipu/io/gguf_config.hpp>
#include <quipu/io/gguf_file.hpp>
#include <quipu/io/gguf_names.hpp>
#include <quipu/io/gguf_vocabulary.hpp>
#include <quipu/io/tensor_names.hpp>
#include <quipu/io/tensor_values.hpp>
#include <quipu/io/validate.hpp>

namespace quipu::io {

namespace detail {

/// Llama 3's rotary scaling comes as a table of divisors.
inline void take_rope_factors(const tensor_view& tensor, model_config& config, const std::string& place) {
  if (tensor.type != tensor_type::f32 || tensor.shape != std::vector<std::size_t>{config.d_head / 2}) {
    fail<format_error>(concat(place, ": rope_freqs.weight"), concat("F32 (", config.d_head / 2, ")"),
                       concat(name_of(tensor.type), " ", show_shape(tensor.shape)));
  }
  config.rope_factors = values_of<float>(tensor);
}

inline void add_gguf_tensors(const gguf_contents& part, checkpoint& opened) {
  for (const auto& [name, tensor] : part.tensors) {
    if (name == "rope_freqs.weight") {
      take_rope_factors(tensor, opened.config, part.metadata.place());
      continue;
    }
    const std::optional<std::string> hf_name = name.starts_with(further_prefix) ? name : hf_name_of_gguf(name);
    if (!hf_name) {
      fail<format_error>(part.metadata.place(), "only tensors of a LLaMA", printable(name));
    }
    if (!opened.tensors.emplace(*hf_name, tensor).second) {
      fail<format_error>(part.metadata.place(), "every tensor once", concat(printable(name), " twice"));
    }
  }
}

}  // namespace detail

QUIPU_INLINE checkpoint checkpoint_of_gguf(const std::vector<gguf_contents>& parts, const std::string& path) {
  const gguf_metadata& metadata = parts.front().metadata;
  checkpoint opened;
  opened.path = path;
  opened.format = concat("GGUF v", parts.front().version);
  opened.config = gguf_config(metadata);
  opened.vocabulary = gguf_vocabulary(metadata);
  opened.rope = rope_layout::neighbours;
  for (const gguf_contents& part : parts) detail::add_gguf_tensors(part, opened);
  for (const auto& [key, value] : metadata.entries()) {
    if (!key.starts_with(further_prefix) || key == gguf_hidden_act_key || value.type != gguf_type::string) continue;
    opened.metadata.emplace(key, metadata.text_or(key, ""));
  }

  model_config& config = opened.config;
  const tensor_view& embedding = opened.at(embedding_name);
  config.n_vocab = embedding.shape.empty() ? 0 : embedding.shape.front();
  const std::size_t stated = metadata.size_or("llama.vocab_size", config.n_vocab);
  if (stated != config.n_vocab) {
    fail<format_error>(metadata.at("llama.vocab_size"), concat(config.n_vocab, " embedding rows"), stated);
  }
  config.tied_embeddings = opened.find(head_name) == nullptr;
  config.attention_bias = opened.find(layer_name(0, "self_attn.q_proj.bias")) != nullptr;
  config.mlp_bias = opened.find(layer_name(0, "mlp.gate_proj.bias")) != nullptr;
  const bool has_vocabulary = opened.vocabulary.kind != text::tokenizer_kind::none;
  const auto id = [&](const char* key) { return detail::gguf_token(metadata, key, config.n_vocab); };
  config.bos = has_vocabulary ? opened.vocabulary.bos : id("tokenizer.ggml.bos_token_id");
  config.eos = has_vocabulary ? opened.vocabulary.eos : id("tokenizer.ggml.eos_token_id");
  config.end_tokens = gguf_end_tokens(metadata, config.eos, config.n_vocab);
  validate(opened);
  return opened;
}

QUIPU_INLINE std::string gguf_split_path(const std::string& first, std::size_t part, std::size_t count) {
  const auto suffix = [&](std::size_t number) {
    char text[64];
    std::snprintf(text, sizeof(text), "-%05zu-of-%05zu.gguf", number + 1, count);
    return std::string(text);
  };
  if (!first.ends_with(suffix(0))) {
    fail<format_error>(first, concat("the first file of a split model, named *", suffix(0)), "another name");
  }
  return first.substr(0, first.size() - suffix(0).size()) + suffix(part);
}

QUIPU_INLINE checkpoint open_gguf(const std::string& path, file_access how) {
  std::vector<std::shared_ptr<const mapped_file>> files = {std::make_shared<const mapped_file>(path, how)};
  std::vector<gguf_contents> parts = {parse_gguf(files.front()->bytes(), path)};
  const auto split_number = [](const gguf_contents& part, const char* key, std::int64_t expected) {
    const std::int64_t found = part.metadata.integer_or(key, expected);
    if (found != expected) fail<format_error>(part.metadata.at(key), expected, found);
  };
  const std::size_t count = parts.front().metadata.integer_or("split.count", 0) == 0
                                ? 1
                                : parts.front().metadata.size("split.count");
  if (count > 1) {
    if (count > 99999) fail<format_error>(parts.front().metadata.at("split.count"), "at most 99999", count);
    split_number(parts.front(), "split.no", 0);
    std::int64_t n_tensor = static_cast<std::int64_t>(parts.front().tensors.size());
    for (std::size_t i = 1; i < count; ++i) {
      files.push_back(std::make_shared<const mapped_file>(gguf_split_path(path, i, count), how));
      parts.push_back(parse_gguf(files.back()->bytes(), files.back()->path()));
      split_number(parts.back(), "split.no", static_cast<std::int64_t>(i));
      split_number(parts.back(), "split.count", static_cast<std::int64_t>(count));
      n_tensor += static_cast<std::int64_t>(parts.back().tensors.size());
    }
    split_number(parts.front(), "split.tensors.count", n_tensor);
  }
  checkpoint opened = checkpoint_of_gguf(parts, path);
  opened.files = std::move(files);
  return opened;
}

}  // namespace quipu::io
