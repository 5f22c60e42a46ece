/// @file Filters of the template language for texts and numbers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/text/jinja/arithmetic.hpp>
#include <quipu/text/jinja/evaluation.hpp>
#include <quipu/text/jinja/json_text.hpp>
#include <quipu/text/jinja/operators.hpp>
#include <quipu/text/jinja/text_edit.hpp>
#include <quipu/text/jinja/text_methods.hpp>
#include <quipu/text/jinja/value.hpp>

namespace quipu::text::jinja {

struct filter_entry {
  std::string_view name;
  value (*call)(evaluation&, const value& subject, arguments&);
  bool is_bare = false;  ///< takes no arguments

  [[nodiscard]] value apply(evaluation& run, const value& subject, arguments& given) const {
    if (is_bare && (!given.positional.empty() || !given.named.empty()))
      run.fail(concat("no arguments of the filter ", name), "some");
    return call(run, subject, given);
  }
};

namespace filters {

inline bool flag(const value* v, bool otherwise) noexcept { return v == nullptr ? otherwise : is_true(*v); }

template <case_change How>
value change_case(evaluation& run, const value& v, arguments&) {
  return with_case(run, to_text(run, v), How);
}
inline value trim(evaluation& run, const value& v, arguments& given) {
  const parameters<1> found(run, "trim", given, {"chars"}, 0);
  const value* chars = some(found[0]);
  if (chars != nullptr) need_text(run, *chars, "the characters to trim");
  return stripped(run, to_text(run, v), chars, ends::both);
}
inline value string(evaluation& run, const value& v, arguments&) { return to_text(run, v); }
inline value safe(evaluation& run, const value& v, arguments&) {
  run.make(v.is_text() ? 96 + chars_of(v).size() : 0);
  const value text = to_text(run, v);
  text_builder out;
  out.append(text_of(text));
  return out.take(true);
}
inline value escape(evaluation& run, const value& v, arguments&) { return escaped(run, to_text(run, v)); }
inline value force_escape(evaluation& run, const value& v, arguments&) {
  return escaped(run, without_mark(run, to_text(run, v)));
}
inline value replace(evaluation& run, const value& v, arguments& given) {
  const parameters<3> found(run, "replace", given, {"old", "new", "count"}, 2);
  const std::int64_t count = some(found[2]) == nullptr ? -1 : need_whole(run, *found[2], "count");
  return replaced(run, to_text(run, v), to_text(run, *found[0]), to_text(run, *found[1]), count);
}
inline value center(evaluation& run, const value& v, arguments& given) {
  const parameters<1> found(run, "center", given, {"width"}, 0);
  return padded(run, to_text(run, v), found.has(0) ? need_whole(run, *found[0], "width") : 80, run.text(" ", true),
                padding::both);
}
inline value format(evaluation& run, const value& v, arguments& given) {
  if (!given.named.empty() && !given.positional.empty()) run.fail("arguments by place or by name", "both");
  if (given.named.empty()) return percent_format(run, to_text(run, v), run.tuple(given.positional));
  auto* names = new dict_object;
  const value dict(names);
  for (auto& [name, item] : given.named) names->set(name, item);
  return percent_format(run, to_text(run, v), dict);
}
inline value indent(evaluation& run, const value& v, arguments& given) {
  const parameters<3> found(run, "indent", given, {"width", "first", "blank"}, 0);
  need_text(run, v, "what to indent");
  const bool is_safe = text_of(v).safe;
  const bool trusted = all_trusted(text_of(v));
  value indention;
  if (found.has(0) && found[0]->is_text()) {
    indention = is_safe ? escaped(run, *found[0]) : *found[0];
  } else {
    const std::int64_t width = found.has(0) ? need_whole(run, *found[0], "width") : 4;
    indention = repeated(run, run.text(" ", trusted), width);
  }
  text_builder with_end;
  with_end.append(text_of(v));
  with_end.append('\n', trusted);
  const values lines = lines_of(run, with_end.take());
  const bool blank = flag(found[2], false);
  run.make(lines.size(), chars_of(indention).size());
  run.make(96 + chars_of(v).size());
  text_builder out;
  if (flag(found[1], false)) out.append(text_of(indention));
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i != 0) out.append('\n', trusted);
    if (i != 0 && (blank || !chars_of(lines[i]).empty())) out.append(text_of(indention));
    out.append(text_of(lines[i]));
  }
  return out.take(is_safe);
}
inline value truncate(evaluation& run, const value& v, arguments& given) {
  const parameters<4> found(run, "truncate", given, {"length", "killwords", "end", "leeway"}, 0);
  const std::int64_t length = found.has(0) ? need_whole(run, *found[0], "length") : 255;
  const value end = found.has(2) ? need_text(run, *found[2], "end") : run.text("...", true);
  const std::int64_t leeway = some(found[3]) == nullptr ? 5 : need_whole(run, *found[3], "leeway");
  const auto n_end = static_cast<std::int64_t>(count_characters(chars_of(end)));
  if (length < n_end) run.fail("a length of at least that of the end", std::to_string(length));
  if (leeway < 0) run.fail("a leeway of at least 0", std::to_string(leeway));
  if (v.is_undefined()) return v;
  need_text(run, v, "what to truncate");
  run.look(chars_of(v).size());
  const std::string_view chars = chars_of(v);
  if (static_cast<std::int64_t>(count_characters(chars)) - leeway <= length) return v;
  std::size_t stop = 0;
  for (std::int64_t i = 0; i < length - n_end && stop < chars.size(); ++i) stop += step_at(chars, stop);
  if (!flag(found[1], false)) {
    const std::size_t space = chars.substr(0, stop).rfind(' ');
    if (space != chars.npos) stop = space;
  }
  return join_two(run, part_of_text(run, v, 0, stop), end);
}
inline value word_count(evaluation& run, const value& v, arguments&) {
  const value text = to_text(run, v);
  const std::string_view chars = chars_of(text);
  run.look(4 * chars.size());
  std::int64_t n = 0;
  bool inside = false;
  for (std::size_t at = 0; at < chars.size();) {
    const utf8_step step = character_at(chars, at);
    const bool word = is_word(step.code_point);
    if (word && !inside) ++n;
    inside = word;
    at += step.length;
  }
  return value(n);
}
inline value strip_tags(evaluation& run, const value& v, arguments&) {
  value text = without_mark(run, to_text(run, v));
  const std::string_view chars = chars_of(text);
  run.make(96 + chars.size());
  text_builder kept;
  std::size_t at = 0;
  for (std::size_t begin = chars.find('<'); begin != chars.npos; begin = chars.find('<', at)) {
    const bool comment = chars.substr(begin).starts_with("<!--");
    const std::size_t end = comment ? chars.find("-->", begin + 4) : chars.find('>', begin);
    if (end == chars.npos) break;
    kept.append(text_of(text), at, begin);
    at = end + (comment ? 3 : 1);
  }
  kept.append(text_of(text), at, chars.size());
  value plain = joined(run, items_of(split_at_blanks(run, kept.take(), false, static_cast<std::size_t>(-1))),
                       run.text(" ", true));
  static constexpr std::pair<std::string_view, std::string_view> names[] = {
      {"&lt;", "<"},  {"&gt;", ">"},          {"&quot;", "\""}, {"&#34;", "\""},
      {"&#39;", "'"}, {"&nbsp;", "\xC2\xA0"}, {"&amp;", "&"}};
  for (const auto& [name, sign] : names) plain = replaced(run, plain, run.text(name), run.text(sign), -1);
  plain.as<text_object>().safe = true;
  return plain;
}
/// Percent signs for all but letters, digits and `_.-~` (and `/`).
[[nodiscard]] inline value url_quoted(evaluation& run, const value& v, bool for_query) {
  const value text = to_text(run, v);
  run.make(3 * chars_of(text).size());
  text_builder out;
  for (std::size_t i = 0; i < chars_of(text).size(); ++i) {
    const char c = chars_of(text)[i];
    const bool trusted = trusted_at(text_of(text), i);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                       c == '.' || c == '-' || c == '~' || (c == '/' && !for_query);
    if (plain || (c == ' ' && for_query)) {
      out.append(plain ? c : '+', trusted);
    } else {
      constexpr char digits[] = "0123456789ABCDEF";
      const auto byte = static_cast<unsigned char>(c);
      const char code[] = {'%', digits[byte >> 4], digits[byte & 15]};
      out.append(std::string_view(code, 3), trusted);
    }
  }
  return out.take();
}
inline value url_encode(evaluation& run, const value& v, arguments&) {
  if (v.is_text() || length_of(v) < 0) {
    if (!v.is(kind::stream)) return url_quoted(run, v, false);
  }
  values pairs = v.is(kind::dict) ? values() : items_from(run, v);
  if (v.is(kind::dict)) {
    for (const auto& [key, item] : dict_of(v).entries) pairs.push_back(run.tuple({key, item}));
  }
  for (value& pair : pairs) {
    const values parts = items_from(run, pair);
    if (parts.size() != 2) run.fail("pairs to put into a URL", "another number of items");
    const value head = join_two(run, url_quoted(run, parts[0], true), run.text("=", true));
    pair = join_two(run, head, url_quoted(run, parts[1], true));
  }
  return joined(run, pairs, run.text("&", true));
}
inline value xml_attributes(evaluation& run, const value& v, arguments& given) {
  const parameters<1> found(run, "xmlattr", given, {"autospace"}, 0);
  if (!v.is(kind::dict)) run.fail("a dict of attributes", type_name(v));
  values parts;
  for (const auto& [key, item] : dict_of(v).entries) {
    if (item.is(kind::none) || item.is_undefined()) continue;
    need_text(run, key, "an attribute's name");
    if (chars_of(key).find_first_of(" \t\n\r\f\v/>=") != std::string_view::npos)
      run.fail("the name of an attribute", printable(chars_of(key)));
    value part = join_two(run, escaped(run, key), without_mark(run, run.text("", true)));
    part = without_mark(run, part);
    part = join_two(run, part, run.text("=\"", true));
    part = join_two(run, part, without_mark(run, escaped(run, to_text(run, item))));
    parts.push_back(join_two(run, part, run.text("\"", true)));
  }
  const value all = joined(run, parts, run.text(" ", true));
  return flag(found[0], true) && !parts.empty() ? join_two(run, run.text(" ", true), all) : all;
}
inline value to_json(evaluation& run, const value& v, arguments& given) {
  const parameters<4> found(run, "tojson", given, {"ensure_ascii", "indent", "separators", "sort_keys"}, 0);
  json_form form;
  form.ensure_ascii = flag(found[0], false);
  form.sort_keys = flag(found[3], false);
  if (const value* indent = some(found[1])) {
    form.in_lines = true;
    form.item_end = ",";
    if (indent->is_text()) {
      form.indent = chars_of(*indent);
    } else {
      const std::int64_t width = std::max<std::int64_t>(need_whole(run, *indent, "indent"), 0);
      run.make(static_cast<std::size_t>(width));
      form.indent.assign(static_cast<std::size_t>(width), ' ');
    }
  }
  if (const value* separators = some(found[2])) {
    const values both = items_from(run, *separators);
    if (both.size() != 2) run.fail("two separators", std::to_string(both.size()));
    form.item_end = chars_of(need_text(run, both[0], "a separator"));
    form.key_end = chars_of(need_text(run, both[1], "a separator"));
  }
  std::string out;
  append_json(run, out, v, form);
  return run.text(out);
}

inline value absolute(evaluation& run, const value& v, arguments&) {
  if (v.is(kind::real)) return value(std::fabs(v.real()));
  if (!is_number(v)) v.is_undefined() ? fail_undefined(run, v) : run.fail("a number", type_name(v));
  return compare_numbers(v, value(0)) < 0 ? negated(run, v) : whole_of(run, v);
}
inline value to_integer(evaluation& run, const value& v, arguments& given) {
  const parameters<2> found(run, "int", given, {"default", "base"}, 0);
  value otherwise = found.has(0) ? *found[0] : value(0);
  const std::int64_t base = found.has(1) ? need_whole(run, *found[1], "base") : 10;
  if (v.is_undefined()) fail_undefined(run, v);
  if (v.is_text()) {
    run.look(chars_of(v).size());
    value result;
    run.step(std::min<std::size_t>(chars_of(v).size(), 4300) * std::min<std::size_t>(chars_of(v).size(), 4300) / 256);
    const bool fits = base == 0 || (base >= 2 && base <= 36);
    if (fits && read_integer(chars_of(v), static_cast<int>(base), result)) return result;
    double real = 0;
    if (read_real(chars_of(v), real) && std::isfinite(real)) return whole_of(run, value(real));
    return otherwise;
  }
  if (!is_number(v)) return otherwise;
  if (v.is(kind::real) && !std::isfinite(v.real())) return otherwise;
  return whole_of(run, v);
}
inline value to_real(evaluation& run, const value& v, arguments& given) {
  const parameters<1> found(run, "float", given, {"default"}, 0);
  if (v.is_undefined()) fail_undefined(run, v);
  if (is_number(v)) return value(real_of(v));
  double real = 0;
  if (v.is_text() && (run.look(chars_of(v).size()), read_real(chars_of(v), real))) return value(real);
  return found.has(0) ? *found[0] : value(0.0);
}
inline value round(evaluation& run, const value& v, arguments& given) {
  const parameters<2> found(run, "round", given, {"precision", "method"}, 0);
  const std::int64_t precision = found.has(0) ? need_whole(run, *found[0], "precision") : 0;
  const std::string_view method = found.has(1) ? chars_of(need_text(run, *found[1], "method")) : "common";
  if (method != "common" && method != "ceil" && method != "floor")
    run.fail("the method common, ceil or floor", printable(method));
  if (!is_number(v)) v.is_undefined() ? fail_undefined(run, v) : run.fail("a number", type_name(v));
  if (method == "common" && !v.is(kind::real)) {
    if (precision >= 0) return whole_of(run, v);
    const value unit = whole_power(run, big_integer(10), std::min<std::int64_t>(-precision, limits::integer_bits + 1));
    // To the nearest multiple, halves to the even one.
    const value twice = arithmetic(run, sign::multiply, arithmetic(run, sign::modulo, v, unit), value(2));
    value down = arithmetic(run, sign::floor_divide, v, unit);
    const int order = compare_numbers(twice, unit);
    if (order > 0 || (order == 0 && wide_of(down).is_odd())) down = arithmetic(run, sign::add, down, value(1));
    return arithmetic(run, sign::multiply, down, unit);
  }
  const double number = real_of(v);
  if (method == "common") {
    if (!std::isfinite(number) || precision > 330) return v;
    if (precision >= 0) {
      const std::string digits = real_digits(run, std::fabs(number), 'f', precision, false);
      double rounded = 0;  // stays it where the digits are too small for a number
      std::from_chars(digits.data(), digits.data() + digits.size(), rounded);
      return value(std::copysign(rounded, number));
    }
    if (precision < -310) return value(std::copysign(0.0, number));
    const double unit = std::pow(10.0, static_cast<double>(-precision));
    return value(std::nearbyint(number / unit) * unit);
  }
  const double factor = std::pow(10.0, static_cast<double>(precision));
  const double scaled = number * factor;
  if (!std::isfinite(scaled)) run.fail("a number that can be rounded", real_text(number));
  return value((method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / factor);
}
inline value file_size(evaluation& run, const value& v, arguments& given) {
  const parameters<1> found(run, "filesizeformat", given, {"binary"}, 0);
  const bool binary = flag(found[0], false);
  double bytes = 0;
  if (is_number(v)) {
    bytes = real_of(v);
  } else if (!v.is_text() || !read_real(chars_of(v), bytes)) {
    run.fail("a number of bytes", type_name(v));
  }
  const double base = binary ? 1024 : 1000;
  if (bytes == 1) return run.text("1 Byte");
  if (bytes < base) return run.text(concat(real_digits(run, std::trunc(bytes), 'f', 0, false), " Bytes"));
  constexpr const char* letters = "kMGTPEZY";
  double unit = base * base;
  std::size_t i = 0;
  for (; i < 7 && !(bytes < unit); ++i) unit *= base;
  const std::string prefix = binary ? std::string(1, static_cast<char>(letters[i] == 'k' ? 'K' : letters[i])) + "iB"
                                    : std::string(1, letters[i]) + "B";
  return run.text(concat(real_digits(run, base * bytes / unit, 'f', 1, false), " ", prefix));
}

}  // namespace filters

}  // namespace quipu::text::jinja
