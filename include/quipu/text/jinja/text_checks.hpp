/// @file Methods that ask what a text is made of, and what methods check their arguments with.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <quipu/text/jinja/evaluation.hpp>
#include <quipu/text/jinja/unicode.hpp>
#include <quipu/text/jinja/value.hpp>

namespace quipu::text::jinja {

/// A function with a subject: 'a'.upper, {}.get ...
struct method_entry {
  std::string_view name;
  value (*call)(evaluation&, const value& self, arguments&);
};

inline const value& need_text(const evaluation& run, const value& v, std::string_view what) {
  if (v.is_undefined()) fail_undefined(run, v);
  if (!v.is_text()) run.fail(concat("text as ", what), type_name(v));
  return v;
}
[[nodiscard]] inline std::int64_t need_whole(const evaluation& run, const value& v, std::string_view what) {
  if (v.is_undefined()) fail_undefined(run, v);
  if (v.is(kind::big)) return v.as<big_object>().number.is_negative() ? INT64_MIN : INT64_MAX;
  if (!v.is_integral()) run.fail(concat("a whole number as ", what), type_name(v));
  return v.integer();
}
/// The argument, or null if it is missing or none.
[[nodiscard]] inline const value* some(const value* v) noexcept {
  return v == nullptr || v->is(kind::none) ? nullptr : v;
}

namespace text_methods {

/// Arguments of a method that takes no names, as Python's do.
inline const value* place(const arguments& given, std::size_t i) noexcept {
  return i < given.positional.size() ? &given.positional[i] : nullptr;
}
inline void need_places(const evaluation& run, const arguments& given, std::size_t least, std::size_t most) {
  if (!given.named.empty()) run.fail("no arguments by name", printable(chars_of(given.named[0].first)));
  const std::size_t n = given.positional.size();
  if (n < least || n > most)
    run.fail(concat("from ", std::to_string(least), " to ", std::to_string(most), " arguments"), std::to_string(n));
}

/// Are all characters, at least one, of a class?
template <bool (*Is)(char32_t) noexcept, bool Empty = false>
value all_are(evaluation& run, const value& self, arguments& given) {
  need_places(run, given, 0, 0);
  const std::string_view chars = chars_of(self);
  run.look(4 * chars.size());
  for (std::size_t at = 0; at < chars.size();) {
    const utf8_step step = character_at(chars, at);
    if (!Is(step.code_point)) return value(false);
    at += step.length;
  }
  return value(Empty || !chars.empty());
}
inline bool is_alnum(char32_t c) noexcept { return is_letter(c) || is_numeric(c); }
inline bool is_ascii(char32_t c) noexcept { return c < 0x80; }
inline bool is_space(char32_t c) noexcept { return is_blank(c); }
/// Is every cased character of that case, and is there one?
[[nodiscard]] inline bool is_in_case(evaluation& run, std::string_view chars, bool upper) {
  run.look(4 * chars.size());
  bool found = false;
  for (std::size_t at = 0; at < chars.size();) {
    const utf8_step step = character_at(chars, at);
    if (is_title_case(step.code_point) || (upper ? is_lower_case(step.code_point) : is_upper_case(step.code_point)))
      return false;
    found = found || (upper ? is_upper_case(step.code_point) : is_lower_case(step.code_point));
    at += step.length;
  }
  return found;
}
template <bool Upper>
value in_case(evaluation& run, const value& self, arguments& given) {
  need_places(run, given, 0, 0);
  return value(is_in_case(run, chars_of(self), Upper));
}
inline value istitle(evaluation& run, const value& self, arguments& given) {
  need_places(run, given, 0, 0);
  const std::string_view chars = chars_of(self);
  run.look(4 * chars.size());
  bool cased = false;
  bool found = false;
  for (std::size_t at = 0; at < chars.size();) {
    const utf8_step step = character_at(chars, at);
    const bool raised = is_upper_case(step.code_point) || is_title_case(step.code_point);
    const bool low = is_lower_case(step.code_point);
    if ((raised && cased) || (low && !cased)) return value(false);
    cased = raised || low;
    found = found || cased;
    at += step.length;
  }
  return value(found);
}
inline value isidentifier(evaluation& run, const value& self, arguments& given) {
  need_places(run, given, 0, 0);
  const std::string_view chars = chars_of(self);
  run.look(4 * chars.size());
  for (std::size_t at = 0; at < chars.size();) {
    const utf8_step step = character_at(chars, at);
    if (!is_word(step.code_point) || (at == 0 && is_numeric(step.code_point))) return value(false);
    at += step.length;
  }
  return value(!chars.empty());
}

}  // namespace text_methods

}  // namespace quipu::text::jinja
