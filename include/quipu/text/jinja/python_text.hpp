/// @file Values as text, the way that Python's str, repr and float do it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

#include <quipu/text/jinja/big_integer.hpp>
#include <quipu/text/jinja/dict.hpp>
#include <quipu/text/jinja/evaluation.hpp>
#include <quipu/text/jinja/text_builder.hpp>
#include <quipu/text/jinja/unicode.hpp>
#include <quipu/text/jinja/value.hpp>

namespace quipu::text::jinja {

/// The shortest text that reads back as `number`: 1.0, 1e+16, 1e-05, nan, -inf.
[[nodiscard]] inline std::string real_text(double number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number < 0 ? "-inf" : "inf";
  char buffer[40];
  const char* end = std::to_chars(buffer, buffer + sizeof buffer, number, std::chars_format::scientific).ptr;
  const std::string_view shown(buffer, static_cast<std::size_t>(end - buffer));
  const std::size_t e = shown.find('e');
  int exponent = 0;
  std::from_chars(buffer + e + (shown[e + 1] == '+' ? 2 : 1), end, exponent);
  if (exponent < -4 || exponent >= 16) return std::string(shown);
  end = std::to_chars(buffer, buffer + sizeof buffer, number, std::chars_format::fixed).ptr;
  std::string fixed(buffer, static_cast<std::size_t>(end - buffer));
  if (fixed.find('.') == std::string::npos) fixed += ".0";
  return fixed;
}

inline void append_escape(std::string& out, char32_t c) {
  constexpr char digits[] = "0123456789abcdef";
  const int n = c < 0x100 ? 2 : c < 0x10000 ? 4 : 8;
  out += n == 2 ? "\\x" : n == 4 ? "\\u" : "\\U";
  for (int i = n - 1; i >= 0; --i) out += digits[c >> 4 * i & 15];
}

/// repr of a text: in single quotes, in double ones if it holds single ones alone.
inline void append_quoted(std::string& out, std::string_view text) {
  const char quote = text.find('\'') != text.npos && text.find('"') == text.npos ? '"' : '\'';
  out += quote;
  for (std::size_t at = 0; at < text.size();) {
    const utf8_step step = character_at(text, at);
    const char32_t c = step.code_point;
    if (c == static_cast<char32_t>(quote) || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (is_shown(c)) {
      out.append(text.substr(at, step.length));
    } else {
      append_escape(out, c);
    }
    at += step.length;
  }
  out += quote;
}

inline void append_repr(evaluation& run, std::string& out, const value& v);

inline void append_items(evaluation& run, std::string& out, const values& items) {
  bool first = true;
  for (const value& item : items) {
    if (!first) out += ", ";
    first = false;
    append_repr(run, out, item);
  }
}

inline void append_dict(evaluation& run, std::string& out, const dict_object& dict) {
  out += '{';
  bool first = true;
  for (const auto& [key, item] : dict.entries) {
    if (!first) out += ", ";
    first = false;
    append_repr(run, out, key);
    out += ": ";
    append_repr(run, out, item);
  }
  out += '}';
}

/// A namespace: names with values that templates may set.
struct space_object : kept_object {
  space_object() noexcept : kept_object(kind::space, destroy_as<space_object>) {
    clear = [](kept_object* one) { static_cast<space_object*>(one)->names = value(); };
  }
  value names;  ///< a dict that nobody else holds
};

/// Python's repr.
inline void append_repr(evaluation& run, std::string& out, const value& v) {
  const evaluation::deeper guard(run);
  const std::size_t before = out.size();
  switch (v.what()) {
    case kind::none: out += "None"; break;
    case kind::boolean: out += v.truth() ? "True" : "False"; break;
    case kind::integer: out += std::to_string(v.integer()); break;
    case kind::real: out += real_text(v.real()); break;
    case kind::big:
      run.step(v.as<big_object>().number.bits() * v.as<big_object>().number.bits() / 4096);
      out += v.as<big_object>().number.text();
      break;
    case kind::text:
      if (text_of(v).safe) out += "Markup(";
      run.look(4 * chars_of(v).size());
      append_quoted(out, chars_of(v));
      if (text_of(v).safe) out += ')';
      break;
    case kind::list:
      out += '[';
      append_items(run, out, items_of(v));
      out += ']';
      break;
    case kind::tuple:
      out += '(';
      append_items(run, out, items_of(v));
      out += items_of(v).size() == 1 ? ",)" : ")";
      break;
    case kind::dict: append_dict(run, out, dict_of(v)); break;
    case kind::space:
      out += "<Namespace ";
      append_dict(run, out, dict_of(v.as<space_object>().names));
      out += '>';
      break;
    case kind::range: {
      const auto& range = v.as<range_object>();
      out += "range(" + std::to_string(range.start) + ", " + std::to_string(range.stop);
      if (range.step != 1) out += ", " + std::to_string(range.step);
      out += ')';
      break;
    }
    case kind::view: {
      const auto& view = v.as<view_object>();
      using part = view_object::part;
      out += view.of == part::keys ? "dict_keys([" : view.of == part::contents ? "dict_values([" : "dict_items([";
      bool first = true;
      for (const auto& [key, item] : dict_of(view.dict).entries) {
        if (!first) out += ", ";
        first = false;
        if (view.of == part::items) out += '(';
        if (view.of != part::contents) append_repr(run, out, key);
        if (view.of == part::items) out += ", ";
        if (view.of != part::keys) append_repr(run, out, item);
        if (view.of == part::items) out += ')';
      }
      out += "])";
      break;
    }
    case kind::builtin: out.append("<function ").append(v.builtin().name).append(">"); break;
    case kind::missing:
    case kind::undefined: out += "Undefined"; break;
    default: out.append("<").append(type_name(v)).append(">"); break;
  }
  run.make(out.size() - before);
}

/// Python's str, as text: text itself stays what it is, undefined is empty.
[[nodiscard]] inline value to_text(evaluation& run, const value& v) {
  if (v.is_text()) return v;
  std::string shown;
  if (!v.is_undefined()) append_repr(run, shown, v);
  return run.text(shown);
}

/// The same text without the mark of |safe.
[[nodiscard]] inline value without_mark(evaluation& run, const value& v) {
  if (!text_of(v).safe) return v;
  run.make(chars_of(v).size() + 96);
  text_builder out;
  out.append(text_of(v));
  return out.take();
}

/// Takes blanks at the ends and one sign in front off the text of a number. @return whether the sign was a minus
[[nodiscard]] inline bool take_sign(std::string_view& text) {
  std::size_t begin = 0;
  std::size_t end = text.size();
  while (begin < end && is_blank(character_at(text, begin).code_point)) begin += step_at(text, begin);
  while (end > begin && is_blank(character_at(text, step_back(text, end)).code_point)) end = step_back(text, end);
  text = text.substr(begin, end - begin);
  if (text.empty() || (text[0] != '+' && text[0] != '-')) return false;
  const bool negative = text[0] == '-';
  text.remove_prefix(1);
  return negative;
}

/// Whether a number that no double holds is too large rather than too small. @param plain  digits, a point, an exponent
[[nodiscard]] inline bool is_large(std::string_view plain) {
  const std::size_t mark = std::min(plain.find('e'), plain.size());
  const std::string_view digits = plain.substr(0, mark);
  const std::size_t first = digits.find_first_of("123456789"), point = std::min(digits.find('.'), digits.size());
  if (first == digits.npos) return false;
  std::int64_t exponent = 0;
  if (mark < plain.size()) {
    std::string_view text = plain.substr(mark + 1);
    if (text.starts_with('+')) text.remove_prefix(1);
    if (std::from_chars(text.data(), text.data() + text.size(), exponent).ec == std::errc::result_out_of_range)
      return !text.starts_with('-');
  }
  return exponent > static_cast<std::int64_t>(first) - static_cast<std::int64_t>(point);
}

/// A number from text, as Python's float(): blanks around it, inf, nan and single underscores between digits.
[[nodiscard]] inline bool read_real(std::string_view text, double& number) {
  std::string plain;
  const bool negative = take_sign(text);
  if (text.empty() || text[0] == '+' || text[0] == '-') return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto is_figure = [](char c) { return c >= '0' && c <= '9'; };
    if (text[i] == '_') {
      if (i == 0 || i + 1 == text.size() || !is_figure(text[i - 1]) || !is_figure(text[i + 1])) return false;
    } else {
      plain += static_cast<char>(text[i] >= 'A' && text[i] <= 'Z' ? text[i] | 0x20 : text[i]);
    }
  }
  if (plain == "inf" || plain == "infinity" || plain == "nan") {
    number = plain == "nan" ? std::nan("") : HUGE_VAL;
  } else {
    if (plain.find_first_not_of("0123456789.e+-") != plain.npos) return false;
    const auto read = std::from_chars(plain.data(), plain.data() + plain.size(), number);
    if (read.ptr != plain.data() + plain.size()) return false;
    if (read.ec == std::errc::result_out_of_range) {
      number = is_large(plain) ? HUGE_VAL : 0.0;
    } else if (read.ec != std::errc()) {
      return false;
    }
  }
  if (negative) number = -number;
  return true;
}

/// A whole number from text, as Python's int(text, base); base 0 reads the prefix.
[[nodiscard]] inline bool read_integer(std::string_view text, int base, value& number) {
  const bool negative = take_sign(text);
  bool underscore = false;  // may one stand first? only behind a prefix
  bool plain_zero = false;  // base 0: 0123 is no number
  if (text.size() > 1 && text[0] == '0') {
    const char mark = static_cast<char>(text[1] | 0x20);
    const int marked = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 0;
    if (marked != 0 && (base == 0 || base == marked)) {
      base = marked;
      text.remove_prefix(2);
      underscore = true;
    }
  }
  if (base == 0) {
    base = 10;
    plain_zero = !text.empty() && text[0] == '0';
  }
  std::string digits;
  for (const char c : text) {
    if (c == '_') {
      if (!underscore) return false;
      underscore = false;
      continue;
    }
    const char low = static_cast<char>(c | 0x20);
    const int digit = c >= '0' && c <= '9' ? c - '0' : low >= 'a' && low <= 'z' ? low - 'a' + 10 : 99;
    if (digit >= base || (plain_zero && digit != 0)) return false;
    digits += c;
    underscore = true;
  }
  constexpr std::size_t most_digits = 4300;  // as CPython has it
  if (digits.empty() || !underscore || digits.size() > most_digits) return false;
  big_integer read = big_integer::of_digits(digits, static_cast<std::uint32_t>(base));
  if (negative) read.negate();
  number = make_integer(std::move(read));
  return true;
}

}  // namespace quipu::text::jinja
