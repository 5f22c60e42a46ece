/// @file Escapes in the template language's texts in quotes, which are Python's.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <quipu/core/error.hpp>  // concat
#include <quipu/text/jinja/error.hpp>
#include <quipu/text/jinja/python_text.hpp>  // append_escape
#include <quipu/text/utf8.hpp>

namespace quipu::text::jinja {

/// Appends what `written`, the part between the quotes, stands for.
/// @throws template_error  an escape that is cut short, no character, or `\N{...}`, which needs a list of all names
inline void append_literal(std::string& out, std::string_view written, std::string_view place, std::size_t line) {
  const auto digit_of = [](char c) {
    const char low = static_cast<char>(c | 0x20);
    return c >= '0' && c <= '9' ? c - '0' : low >= 'a' && low <= 'f' ? low - 'a' + 10 : 99;
  };
  const auto refuse = [&](std::string_view found) {
    throw template_error(error_kind::syntax, place, line,
                         concat("expected a text with Python's escapes, found ", found));
  };
  const auto append_code = [&](std::uint32_t code) {
    // Half of a pair is a character to Python, but nothing that UTF-8 can hold.
    append_utf8(out, code >= 0xD800 && code < 0xE000 ? replacement_character : static_cast<char32_t>(code));
  };
  for (std::size_t i = 0; i < written.size();) {
    if (written[i] != '\\' || i + 1 == written.size()) {
      out += written[i++];
      continue;
    }
    const char c = written[i + 1];
    i += 2;
    switch (c) {
      case '\n': break;
      case '\\':
      case '\'':
      case '"': out += c; break;
      case 'a': out += '\a'; break;
      case 'b': out += '\b'; break;
      case 'f': out += '\f'; break;
      case 'n': out += '\n'; break;
      case 'r': out += '\r'; break;
      case 't': out += '\t'; break;
      case 'v': out += '\v'; break;
      case 'x':
      case 'u':
      case 'U': {
        const std::size_t n = c == 'x' ? 2 : c == 'u' ? 4 : 8;
        std::uint32_t code = 0;
        for (std::size_t k = 0; k < n; ++k) {
          const int digit = i + k < written.size() ? digit_of(written[i + k]) : 99;
          if (digit > 15) refuse(concat("\\", std::string(1, c), " with too few digits"));
          code = code << 4 | static_cast<std::uint32_t>(digit);
        }
        if (code > 0x10FFFF) refuse("an escape beyond the last character");
        append_code(code);
        i += n;
        break;
      }
      case 'N': refuse("\\N, which is not supported here"); break;
      default:
        if (c >= '0' && c <= '7') {
          std::uint32_t code = 0;
          std::size_t n = 0;
          for (--i; n < 3 && i < written.size() && written[i] >= '0' && written[i] <= '7'; ++n, ++i) {
            code = code * 8 + static_cast<std::uint32_t>(written[i] - '0');
          }
          append_code(code);
          break;
        }
        out += '\\';
        --i;
        if (static_cast<unsigned char>(c) >= 0x80) {
          // jinja2 escapes such characters before it reads escapes: the backslash of both makes one.
          const utf8_step step = character_at(written, i);
          std::string escaped;
          append_escape(escaped, step.code_point);
          out.append(escaped, 1);
          i += step.length;
        } else {
          out += written[i++];
        }
    }
  }
}

}  // namespace quipu::text::jinja
