/// @file The first tokens of a text file.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include <quipu/core/mapped_file.hpp>
#include <quipu/core/token.hpp>
#include <quipu/text/tokenizer.hpp>

namespace quipu::bench {

/// At most n tokens of a file's beginning, of which as much is read as n tokens ever need.
template <class Model>
[[nodiscard]] std::vector<token_id> first_tokens(const Model& m, const std::string& path, std::size_t n) {
  constexpr std::size_t most_bytes_a_token = 16;
  const mapped_file file(path);
  auto ids = text::encode_document(m.tokenizer(), std::string(file.text().substr(0, most_bytes_a_token * n)));
  ids.resize(std::min(ids.size(), n));
  return ids;
}

}  // namespace quipu::bench
