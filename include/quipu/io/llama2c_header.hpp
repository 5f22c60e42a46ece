/// @file The headers of llama2.c's model files, versions 0, 1 and 2.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>

#include <quipu/core/error.hpp>
#include <quipu/io/byte_reader.hpp>
#include <quipu/io/checked_size.hpp>
#include <quipu/io/model_config.hpp>
#include <quipu/io/validate.hpp>  // validate_config

namespace quipu::io {

inline constexpr std::uint32_t llama2c_magic = 0x616b3432;  // "ak42"
inline constexpr std::size_t llama2c_header_bytes = 256;    // versions 1 and 2
inline constexpr std::size_t llama2c_v0_header_bytes = 28;

/// A llama2.c header. Source: llama2.c, `export.py` (`legacy_export`, `version1_export`, `version2_export`).
struct llama2c_header {
  int version = 0;
  model_config config;
  std::size_t group_size = 0;    ///< version 2: weights that share a scale
  std::size_t header_bytes = 0;  ///< where the tensors begin
};

/// Reads the header; the reader stands at the first tensor afterwards.
///
/// The format states neither the constants of the norm and the rotation nor the special tokens; run.c
/// fixes them: eps 1e-5, theta 10000, BOS 1. Generation stops at 1 or 2 there; 2 is the vocabulary's end.
/// @throws format_error  no such header, an unknown version, or sizes that are none of a LLaMA's
[[nodiscard]] inline llama2c_header read_llama2c_header(byte_reader& in) {
  llama2c_header header;
  std::int32_t first = in.value<std::int32_t>("header");
  if (static_cast<std::uint32_t>(first) == llama2c_magic) {
    header.version = in.value<std::int32_t>("version");
    if (header.version != 1 && header.version != 2) {
      fail<format_error>(concat(in.place(), ": llama2.c version"), "0, 1 or 2", header.version);
    }
    first = in.value<std::int32_t>("header");
  }
  const auto positive = [&](std::int32_t value, const char* name) {
    if (value <= 0) fail<format_error>(concat(in.place(), ": ", name), "a positive size", value);
    return static_cast<std::size_t>(value);
  };
  model_config& config = header.config;
  config.d_model = positive(first, "dim");
  config.d_ffn = positive(in.value<std::int32_t>("hidden_dim"), "hidden_dim");
  config.n_layer = positive(in.value<std::int32_t>("n_layers"), "n_layers");
  config.n_head = positive(in.value<std::int32_t>("n_heads"), "n_heads");
  config.n_kv_head = positive(in.value<std::int32_t>("n_kv_heads"), "n_kv_heads");
  const auto n_vocab = in.value<std::int32_t>("vocab_size");
  config.n_ctx = positive(in.value<std::int32_t>("seq_len"), "seq_len");
  if (header.version == 0) {
    config.tied_embeddings = n_vocab > 0;  // version 0 marks a head of its own by the sign
    if (n_vocab == 0 || n_vocab == INT32_MIN) {
      fail<format_error>(concat(in.place(), ": vocab_size"), "a size, negative for an untied head", n_vocab);
    }
    config.n_vocab = static_cast<std::size_t>(std::abs(n_vocab));
    header.header_bytes = llama2c_v0_header_bytes;
  } else {
    config.n_vocab = positive(n_vocab, "vocab_size");
    const auto shared = in.value<std::uint8_t>("shared_classifier");
    if (shared > 1) fail<format_error>(concat(in.place(), ": shared_classifier"), "0 or 1", int{shared});
    config.tied_embeddings = shared == 1;
    if (header.version == 2) {
      header.group_size = positive(in.value<std::int32_t>("group_size"), "group_size");
    }
    (void)in.take(llama2c_header_bytes - in.offset(), "header");
    header.header_bytes = llama2c_header_bytes;
  }
  if (config.d_model % config.n_head != 0) {
    fail<format_error>(concat(in.place(), ": dim"), concat("a multiple of n_heads = ", config.n_head),
                       config.d_model);
  }
  config.d_head = config.d_model / config.n_head;
  config.rms_norm_eps = 1e-5;
  config.rope_theta = 10000;
  config.bos = config.n_vocab > 1 ? 1 : no_token;
  config.eos = config.n_vocab > 2 ? 2 : no_token;
  if (config.eos != no_token) config.end_tokens = {config.eos};
  validate_config(config, in.place());
  return header;
}

/// Bytes of the whole file that a header announces.
/// @throws format_error  the size does not fit
[[nodiscard]] inline std::size_t llama2c_file_bytes(const llama2c_header& header,
                                                    const std::string& place) {
  const model_config& c = header.config;
  const auto product = [&](std::size_t a, std::size_t b) { return checked_product(a, b, place); };
  const auto sum = [&](std::size_t a, std::size_t b) { return checked_sum(a, b, place); };
  const std::size_t embedding = product(c.n_vocab, c.d_model);
  std::size_t matrices = sum(product(2 * c.d_model, c.d_q()), product(2 * c.d_model, c.d_kv()));
  matrices = product(c.n_layer, sum(matrices, product(3 * c.d_model, c.d_ffn)));
  matrices = sum(matrices, c.tied_embeddings ? embedding : product(2, embedding));
  const std::size_t norms = sum(product(2 * c.n_layer, c.d_model), c.d_model);
  std::size_t bytes = sum(header.header_bytes, product(norms, 4));
  if (header.version == 2) {
    bytes = sum(bytes, sum(matrices, product(matrices / header.group_size, 4)));
  } else {
    bytes = sum(bytes, product(matrices, 4));
  }
  if (header.version == 0) bytes = sum(bytes, product(product(c.n_ctx, c.d_head), 4));  // cos and sin tables
  return bytes;
}

/// True for a file that says it is llama2.c's, or (version 0 has no magic) whose first seven integers are
/// the sizes of a model that fills the file exactly.
[[nodiscard]] inline bool is_llama2c(std::span<const std::byte> file) {
  if (file.size() < llama2c_v0_header_bytes) return false;
  if (load_unaligned<std::uint32_t>(file.data()) == llama2c_magic) return true;
  try {
    byte_reader in(file, "llama2.c");
    return llama2c_file_bytes(read_llama2c_header(in), "llama2.c") == file.size();
  } catch (const format_error&) {
    return false;
  }
}

}  // namespace quipu::io
