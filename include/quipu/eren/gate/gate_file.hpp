/// @file Fitted gates in files, with the keys of what they were fitted on: another model must not use them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/core/crc32.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/hex.hpp>
#include <quipu/eren/gate/gate_model.hpp>
#include <quipu/eren/reading/prompt.hpp>
#include <quipu/llama/language_model.hpp>  // keyed_model

namespace quipu::eren {

/// What a fitted gate depends on besides its weights.
struct gate_keys {
  std::string model;      ///< weights
  std::string tokenizer;  ///< vocabulary
  std::string prompt;     ///< chat template, prompt and way of reading

  friend bool operator==(const gate_keys&, const gate_keys&) = default;
};

namespace detail {

template <class Matrix>
std::uint32_t matrix_key(const Matrix& m, std::uint32_t before) {
  std::uint32_t crc = before;
  for (std::size_t r = 0; r < m.rows; r += 16) {  // every sixteenth row: training moves them all
    crc = crc32({reinterpret_cast<const char*>(m.row(r)), m.n_byte() / m.rows}, crc);
  }
  return crc;
}
template <class Model>
concept has_weights = requires(const Model& m) {
  m.weights().blocks;
  m.config().n_layer;
};

}  // namespace detail

/// Key of a model's weights: a checksum of a sixteenth of its rows, or what a `key()` of the model says, or
/// "?" for models that tell neither.
template <class Model>
[[nodiscard]] std::string key_of_model(const Model& m) {
  if constexpr (llama::keyed_model<Model>) {
    return m.key();
  } else if constexpr (detail::has_weights<Model>) {
    const auto& w = m.weights();
    std::uint32_t crc = detail::matrix_key(w.embedding, 0);
    for (const auto& b : w.blocks) {
      for (const auto* matrix : {&b.q, &b.k, &b.v, &b.o, &b.ffn.gate, &b.ffn.up, &b.ffn.down})
        crc = detail::matrix_key(*matrix, crc);
    }
    return concat(m.config().n_layer, "x", m.config().d_model, " ", hex_digits(crc));
  } else {
    return "?";
  }
}

template <text::tokenizer Tokenizer>
[[nodiscard]] std::string key_of_tokenizer(const Tokenizer& tokenizer) {
  std::uint32_t crc = 0;
  for (std::size_t i = 0; i < tokenizer.n_vocab(); ++i)
    crc = crc32("|", crc32(tokenizer.piece(static_cast<token_id>(i)), crc));
  return concat(tokenizer.n_vocab(), " ", hex_digits(crc));
}

/// @param reader  `identity()` of the reader
template <text::tokenizer Tokenizer>
[[nodiscard]] std::string key_of_prompt(const Tokenizer& tokenizer, const prompt_form& form, std::string_view reader) {
  const std::vector<token_id> ids = form.encode(tokenizer, {{{"system", "s"}, {"user", "u"}}, "Answer:"});
  return concat(reader, " ",
                hex_digits(crc32({reinterpret_cast<const char*>(ids.data()), ids.size() * sizeof(token_id)})));
}

inline constexpr std::string_view gate_file_format = "quipu gate 1";

/// @throws io_error  the file cannot be written; an older one stays
void save_gate(const std::string& path, const gate_model& model, const gate_keys& keys);

/// @throws io_error      the file cannot be read
/// @throws format_error  not a gate file, or a damaged one
/// @throws config_error  it was fitted on another model, vocabulary or prompt
[[nodiscard]] gate_model load_gate(const std::string& path, const gate_keys& keys);

/// What the gate of a file was fitted on.
/// @throws io_error, format_error  as `load_gate`
[[nodiscard]] gate_keys gate_keys_of(const std::string& path);

}  // namespace quipu::eren

#if !defined(QUIPU_COMPILED)
#include <quipu/eren/gate/gate_file.ipp>
#endif
