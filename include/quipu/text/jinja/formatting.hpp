/// @file Numbers and texts in a width and a form: the `%` operator's letters and str.format's specifications.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <quipu/core/printable.hpp>
#include <quipu/text/jinja/evaluation.hpp>
#include <quipu/text/jinja/python_text.hpp>
#include <quipu/text/jinja/text_edit.hpp>  // escaped
#include <quipu/text/jinja/text_builder.hpp>
#include <quipu/text/jinja/value.hpp>

namespace quipu::text::jinja {

/// What a conversion asks for; of both languages.
struct text_form {
  std::string fill = " ";
  char align = '\0';  ///< '<', '>', '^', '=' or none
  char sign = '-';    ///< '-', '+' or ' '
  bool alternate = false;
  char grouping = '\0';  ///< ',' or '_' between groups of digits
  std::int64_t width = 0;
  std::int64_t precision = -1;
  char letter = '\0';
};

/// Digits of a real number in the form of C's e, f or g. @pre finite
[[nodiscard]] inline std::string real_digits(evaluation& run, double number, char letter, std::int64_t precision,
                                             bool alternate) {
  constexpr std::int64_t most = 1 << 20;
  if (precision > most) run.fail("a precision that fits", std::to_string(precision));
  run.make(static_cast<std::size_t>(precision) + 340);
  std::string out(static_cast<std::size_t>(precision) + 340, '\0');
  const auto format = letter == 'f'   ? std::chars_format::fixed
                      : letter == 'e' ? std::chars_format::scientific
                                      : std::chars_format::general;
  const auto done = std::to_chars(out.data(), out.data() + out.size(), number, format, static_cast<int>(precision));
  out.resize(static_cast<std::size_t>(done.ptr - out.data()));
  if (alternate && out.find('.') == out.npos) out.insert(std::min(out.find('e'), out.size()), ".");
  return out;
}

/// Puts a sign, digits and padding together.
[[nodiscard]] inline std::string in_width(evaluation& run, const text_form& form, const std::string& sign,
                                          std::string digits) {
  if (form.grouping != '\0') {
    const std::size_t group =
        form.letter == 'x' || form.letter == 'X' || form.letter == 'o' || form.letter == 'b' ? 4 : 3;
    std::size_t end = digits.find_first_not_of("0123456789abcdefABCDEF");
    if (end == digits.npos) end = digits.size();
    for (std::size_t at = end; at > group;) digits.insert(at -= group, 1, form.grouping);
  }
  const auto taken = static_cast<std::int64_t>(sign.size() + digits.size());
  if (form.width <= taken) return sign + digits;
  const auto missing = static_cast<std::size_t>(form.width - taken);
  run.make(missing, form.fill.size());
  const std::size_t left = form.align == '<' || form.align == '=' ? 0 : form.align == '^' ? missing / 2 : missing;
  const std::size_t middle = form.align == '=' ? missing : 0;
  std::string out;
  for (std::size_t i = 0; i < left; ++i) out += form.fill;
  out += sign;
  for (std::size_t i = 0; i < middle; ++i) out += form.fill;
  out += digits;
  for (std::size_t i = left + middle; i < missing; ++i) out += form.fill;
  return out;
}

[[nodiscard]] inline std::string sign_text(bool negative, char sign) {
  return negative ? "-" : sign == '-' ? "" : std::string(1, sign);
}

/// A whole number in base 10, 16, 8 or 2.
[[nodiscard]] inline std::string whole_in_form(evaluation& run, const value& number, const text_form& form) {
  big_integer whole = number.is(kind::big) ? number.as<big_object>().number : big_integer(number.integer());
  const bool negative = whole.is_negative();
  if (negative) whole.negate();
  const char low = static_cast<char>(form.letter | 0x20);
  std::string digits;
  std::string sign = sign_text(negative, form.sign);
  if (low == 'x' || low == 'o' || low == 'b') {
    const std::size_t n_bit = low == 'x' ? 4 : low == 'o' ? 3 : 1;
    const char* const names = form.letter == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    run.step(whole.bits());
    for (std::size_t at = whole.bits() / n_bit + 1; at-- > 0;) {
      const std::uint32_t digit = whole.bits_at(at * n_bit, n_bit);
      if (digit != 0 || !digits.empty() || at == 0) digits += names[digit];
    }
    if (form.alternate) sign += std::string("0") + form.letter;
  } else {
    run.step(whole.bits() * whole.bits() / 4096);
    digits = whole.text();
  }
  if (form.precision > static_cast<std::int64_t>(digits.size())) {
    const auto missing = static_cast<std::size_t>(form.precision) - digits.size();
    run.make(missing);
    digits.insert(0, missing, '0');
  }
  return in_width(run, form, sign, std::move(digits));
}

[[nodiscard]] inline std::string real_in_form(evaluation& run, double number, const text_form& form) {
  const bool negative = std::signbit(number) && !std::isnan(number);
  const char low = static_cast<char>(form.letter | 0x20);
  std::string digits;
  if (!std::isfinite(number)) {
    digits = std::isnan(number) ? "nan" : "inf";
  } else if (form.letter == '%') {
    digits = real_digits(run, std::fabs(number) * 100, 'f', form.precision < 0 ? 6 : form.precision, form.alternate);
  } else if (form.letter == '\0' && form.precision < 0) {
    digits = real_text(std::fabs(number));
  } else {
    const char letter = form.letter == '\0' ? 'g' : low;
    const std::int64_t precision = form.precision < 0 ? 6 : letter == 'g' && form.precision == 0 ? 1 : form.precision;
    digits = real_digits(run, std::fabs(number), letter, precision, form.alternate);
    if (form.letter == '\0' && digits.find_first_of(".e") == digits.npos) digits += ".0";
  }
  if (form.letter == '%') digits += '%';
  if (form.letter >= 'A' && form.letter <= 'Z') {
    for (char& c : digits) c = c >= 'a' && c <= 'z' ? static_cast<char>(c ^ 0x20) : c;
  }
  text_form in = form;
  if (!std::isfinite(number) && in.fill == "0") in.fill = " ";
  return in_width(run, in, sign_text(negative, form.sign), std::move(digits));
}

/// A text cut to the precision and padded to the width, with the origins of its bytes.
inline void append_text_in_form(evaluation& run, text_builder& out, const text_object& text, const text_form& form,
                                bool fill_trusted) {
  std::size_t end = 0;
  std::int64_t n = 0;
  while (end < text.chars.size() && (form.precision < 0 || n < form.precision)) {
    end += step_at(text.chars, end);
    ++n;
  }
  const auto missing = static_cast<std::size_t>(form.width > n ? form.width - n : 0);
  run.make(missing, form.fill.size());
  run.make(end);
  const std::size_t left = form.align == '>' ? missing : form.align == '^' ? missing / 2 : 0;
  for (std::size_t i = 0; i < left; ++i) out.append(form.fill, fill_trusted);
  out.append(text, 0, end);
  for (std::size_t i = left; i < missing; ++i) out.append(form.fill, fill_trusted);
}

/// A number as a double. @pre is_number(v)
[[nodiscard]] inline double real_of(const value& v) {
  if (v.is(kind::real)) return v.real();
  return v.is(kind::big) ? v.as<big_object>().number.real() : static_cast<double>(v.integer());
}

/// The whole part of a number. @throws template_error  nan or infinity
[[nodiscard]] inline value whole_of(evaluation& run, const value& number) {
  if (!number.is(kind::real)) return number.is(kind::boolean) ? value(number.integer()) : number;
  if (!std::isfinite(number.real())) run.fail("a finite number", real_text(number.real()));
  return make_integer(big_integer::of_real(number.real()));
}

/// `format % values`, Python's printf. `given` is a tuple of values, a dict for %(name)s, or one value.
[[nodiscard]] inline value percent_format(evaluation& run, const value& format, const value& given) {
  const text_object& text = text_of(format);
  const std::string_view chars = text.chars;
  const bool is_tuple = given.is(kind::tuple);
  std::size_t used = 0;
  bool used_dict = false;
  run.make(96 + chars.size());
  const auto next = [&]() -> value {
    if (is_tuple ? used >= items_of(given).size() : used > 0) run.fail("a value for each % in a text", "too few");
    return is_tuple ? items_of(given)[used++] : (++used, given);
  };
  text_builder out;
  for (std::size_t at = 0; at < chars.size();) {
    const std::size_t mark = std::min(chars.find('%', at), chars.size());
    out.append(text, at, mark);
    if (mark == chars.size()) break;
    at = mark + 1;
    text_form form;
    form.align = '>';
    value item;
    if (at < chars.size() && chars[at] == '(') {
      std::size_t depth = 1;
      std::size_t end = at + 1;
      while (end < chars.size() && depth > 0) {
        if (chars[end] == '(') ++depth;
        if (chars[end] == ')') --depth;
        ++end;
      }
      if (depth != 0) run.fail("a name in brackets behind %", "no closing bracket");
      if (!given.is(kind::dict)) run.fail("a dict for %(name)", type_name(given));
      const std::string_view name = chars.substr(at + 1, end - at - 2);
      const value* found = dict_of(given).get(name);
      if (found == nullptr) run.fail("a value for %(name)", printable(name));
      item = *found;
      used_dict = true;
      at = end;
    }
    bool zero = false;
    for (; at < chars.size() && std::string_view("-+ 0#").find(chars[at]) != std::string_view::npos; ++at) {
      if (chars[at] == '-') form.align = '<';
      if (chars[at] == '+') form.sign = '+';
      if (chars[at] == ' ' && form.sign == '-') form.sign = ' ';
      if (chars[at] == '0') zero = true;
      if (chars[at] == '#') form.alternate = true;
    }
    const auto number = [&]() -> std::int64_t {
      if (at < chars.size() && chars[at] == '*') {
        ++at;
        const value width = next();
        if (!width.is_integral()) run.fail("a whole number for *", type_name(width));
        return width.integer();
      }
      std::int64_t result = 0;
      while (at < chars.size() && chars[at] >= '0' && chars[at] <= '9') {
        result = result * 10 + (chars[at++] - '0');
        if (result > (std::int64_t{1} << 40)) run.make(static_cast<std::size_t>(result));
      }
      return result;
    };
    form.width = number();
    if (form.width < 0) {
      form.align = '<';
      form.width = form.width == INT64_MIN ? INT64_MAX : -form.width;
    }
    if (at < chars.size() && chars[at] == '.') {
      ++at;
      form.precision = std::max<std::int64_t>(number(), 0);
    }
    while (at < chars.size() && (chars[at] == 'l' || chars[at] == 'h' || chars[at] == 'L')) ++at;
    if (at >= chars.size()) run.fail("a letter behind %", "the end of the text");
    form.letter = chars[at++];
    if (form.letter == '%') {
      out.append('%', trusted_at(text, mark));
      continue;
    }
    if (item.is(kind::missing)) item = next();
    if (zero && form.align != '<') {
      form.fill = "0";
      form.align = '=';
    }
    run.look(16);
    switch (form.letter) {
      case 'd':
      case 'i':
      case 'u':
        if (item.is_undefined()) fail_undefined(run, item);
        if (!is_number(item)) run.fail("a number for %d", type_name(item));
        form.letter = 'd';
        out.append(whole_in_form(run, whole_of(run, item), form), false);
        break;
      case 'x':
      case 'X':
      case 'o':
        if (!is_number(item) || item.is(kind::real)) run.fail("a whole number for %x", type_name(item));
        out.append(whole_in_form(run, item, form), false);
        break;
      case 'e':
      case 'E':
      case 'f':
      case 'F':
      case 'g':
      case 'G':
        if (item.is_undefined()) fail_undefined(run, item);
        if (!is_number(item)) run.fail("a number for %f", type_name(item));
        out.append(real_in_form(run, real_of(item), form), false);
        break;
      case 'c':
      case 's':
      case 'r':
      case 'a': {
        if (form.fill == "0") {
          form.fill = " ";
          form.align = '>';
        }
        value shown = to_text(run, item);
        if (form.letter == 'r' || form.letter == 'a') {
          std::string repr;
          append_repr(run, repr, item);
          shown = run.text(repr);
        } else if (form.letter == 'c') {
          std::string one;
          if (item.is_integral() && item.integer() >= 0 && item.integer() < 0x110000) {
            append_utf8(one, static_cast<char32_t>(item.integer()));
            shown = run.text(one);
          } else if (!item.is_text() || count_characters(chars_of(item)) != 1) {
            run.fail("a character for %c", type_name(item));
          }
        }
        if (text_of(format).safe) shown = escaped(run, shown);
        append_text_in_form(run, out, text_of(shown), form, trusted_at(text, mark));
        break;
      }
      default: run.fail("a known letter behind %", printable(std::string_view(&form.letter, 1)));
    }
  }
  const bool has_rest =
      is_tuple ? used < items_of(given).size()
               : used == 0 && !used_dict && !given.is(kind::dict) && !given.is(kind::list) && !given.is_undefined();
  if (has_rest) run.fail("no more values than % in a text", "more");
  return out.take(text.safe);
}

}  // namespace quipu::text::jinja
