/// @file Names from files as they may appear in messages.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <quipu/core/requirements.hpp>  // C++20, exceptions

namespace quipu {

/// `text` in quotes, with everything but printable ASCII as `\xHH` and long texts cut at 80 bytes: a name
/// from a hostile file must not fill or steer the terminal that shows the message.
[[nodiscard]] inline std::string printable(std::string_view text) {
  constexpr std::size_t longest = 80;
  constexpr char digits[] = "0123456789abcdef";
  std::string shown = "'";
  for (const char c : text.substr(0, longest)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f) {
      shown += c;
    } else {
      shown += "\\x";
      shown += digits[byte >> 4];
      shown += digits[byte & 15];
    }
  }
  shown += text.size() > longest ? "...'" : "'";
  return shown;
}

}  // namespace quipu
