/// @file The least that the concept `tokenizer` asks for, to instantiate hosts with.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <quipu/core/error.hpp>
#include <quipu/core/token.hpp>
#include <quipu/text/tokenizer.hpp>
#include <string_view>
#include <vector>

namespace quipu::test {

/// One token a byte (0 to 255), bos 256, eos 257; "<b>" and "<e>" name those two.
struct tokenizer_archetype {
  [[nodiscard]] std::size_t n_vocab() const { return 258; }
  [[nodiscard]] std::vector<token_id> encode(std::string_view bytes, text::special mode) const {
    std::vector<token_id> ids;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      const token_id mark =
          mode == text::special::parse ? find_special(bytes.substr(i, 3)) : no_token;
      ids.push_back(mark == no_token ? static_cast<unsigned char>(bytes[i]) : mark);
      if (mark != no_token) i += 2;
    }
    return ids;
  }
  [[nodiscard]] std::string_view piece(token_id token) const {
    static const auto bytes = [] {
      std::array<char, 256> all{};
      for (std::size_t i = 0; i < 256; ++i) all[i] = static_cast<char>(i);
      return all;
    }();
    if (token < 0 || token > 257) throw config_error("archetype: no such token");
    return token < 256 ? std::string_view(&bytes[token], 1) : std::string_view();
  }
  [[nodiscard]] std::string_view leading_piece(token_id token) const { return piece(token); }
  [[nodiscard]] token_id bos() const { return 256; }
  [[nodiscard]] token_id eos() const { return 257; }
  [[nodiscard]] bool add_bos() const { return true; }
  [[nodiscard]] bool add_eos() const { return true; }
  [[nodiscard]] bool is_control(token_id token) const { return token > 255; }
  [[nodiscard]] bool is_end(token_id token) const { return token == 257; }
  [[nodiscard]] token_id find_special(std::string_view mark) const {
    return mark == "<b>" ? 256 : mark == "<e>" ? 257 : no_token;
  }
};

static_assert(text::tokenizer<tokenizer_archetype>);

}  // namespace quipu::test
