/// @file str.format: texts with {fields}.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <quipu/core/printable.hpp>
#include <quipu/text/jinja/evaluation.hpp>
#include <quipu/text/jinja/formatting.hpp>
#include <quipu/text/jinja/python_text.hpp>
#include <quipu/text/jinja/text_builder.hpp>
#include <quipu/text/jinja/text_edit.hpp>  // escaped
#include <quipu/text/jinja/value.hpp>

namespace quipu::text::jinja {

/// A specification such as `>8.2f`. @throws template_error  none that Python would take
[[nodiscard]] inline text_form read_form(evaluation& run, std::string_view spec) {
  text_form form;
  std::size_t at = 0;
  const auto is_align = [](char c) { return c == '<' || c == '>' || c == '^' || c == '='; };
  const std::size_t first = spec.empty() ? 0 : step_at(spec, 0);
  if (first < spec.size() && is_align(spec[first])) {
    form.fill = spec.substr(0, first);
    form.align = spec[first];
    at = first + 1;
  } else if (!spec.empty() && is_align(spec[0])) {
    form.align = spec[0];
    at = 1;
  }
  const auto now = [&] { return at < spec.size() ? spec[at] : '\0'; };
  const auto number = [&] {
    std::int64_t result = 0;
    for (; now() >= '0' && now() <= '9'; ++at) {
      result = result * 10 + (now() - '0');
      if (result > (std::int64_t{1} << 40)) run.make(static_cast<std::size_t>(result));
    }
    return result;
  };
  if (now() == '+' || now() == '-' || now() == ' ') form.sign = spec[at++];
  if (now() == 'z') ++at;
  if (now() == '#') {
    form.alternate = true;
    ++at;
  }
  if (now() == '0') {
    if (form.align == '\0') {
      form.fill = "0";
      form.align = '=';
    }
    ++at;
  }
  form.width = number();
  if (now() == ',' || now() == '_') form.grouping = spec[at++];
  if (now() == '.') {
    ++at;
    if (now() < '0' || now() > '9') run.fail("a precision behind '.'", printable(spec));
    form.precision = number();
  }
  if (at < spec.size()) form.letter = spec[at++];
  if (at < spec.size()) run.fail("a format specification", printable(spec));
  return form;
}

/// format(v, spec).
inline void append_in_form(evaluation& run, text_builder& out, const value& v, const text_object& spec, bool trusted) {
  if (spec.chars.empty()) {
    const value shown = to_text(run, v);
    run.make(chars_of(shown).size());
    out.append(text_of(shown));
    return;
  }
  text_form form = read_form(run, spec.chars);
  const auto refuse = [&] { run.fail(concat("a specification for ", type_name(v)), printable(spec.chars)); };
  if (v.is_text()) {
    if ((form.letter != 's' && form.letter != '\0') || form.align == '=' || form.sign != '-' || form.grouping != '\0') {
      if (form.fill != "0" || form.align != '=') refuse();
      form.align = '<';
    }
    append_text_in_form(run, out, text_of(v), form, trusted);
    return;
  }
  if (v.is(kind::boolean) && form.letter == '\0') form.letter = 'd';
  if (is_number(v) && std::string_view("eEfFgG%").find(form.letter) != std::string_view::npos) {
    out.append(real_in_form(run, real_of(v), form), false);
  } else if (v.is(kind::real)) {
    if (form.letter != '\0' && form.letter != 'n') refuse();
    out.append(real_in_form(run, v.real(), form), false);
  } else if (is_number(v)) {
    if (form.letter == 'c' && v.is_integral() && v.integer() >= 0 && v.integer() < 0x110000) {
      std::string one;
      append_utf8(one, static_cast<char32_t>(v.integer()));
      if (form.align == '\0') form.align = '<';
      append_text_in_form(run, out, text_of(run.text(one)), form, false);
      return;
    }
    if (std::string_view(std::string_view("\0dnxXob", 7)).find(form.letter) == std::string_view::npos ||
        form.precision >= 0)
      refuse();
    out.append(whole_in_form(run, v, form), false);
  } else {
    refuse();
  }
}

/// One call of str.format.
class brace_formatter {
 public:
  /// @param mapping  what format_map got instead of arguments; null otherwise
  brace_formatter(evaluation& run, const arguments& given, const value* mapping, bool safe)
      : run_(run), given_(given), mapping_(mapping), safe_(safe) {}

  void append(text_builder& out, const text_object& format, std::size_t begin, std::size_t end, int depth) {
    const std::string_view chars = std::string_view(format.chars).substr(0, end);
    for (std::size_t at = begin; at < end;) {
      run_.step();
      const std::size_t mark = std::min(chars.find_first_of("{}", at), end);
      run_.make(mark - at);
      out.append(format, at, mark);
      if (mark == end) return;
      if (mark + 1 < end && chars[mark + 1] == chars[mark]) {
        out.append(format, mark, mark + 1);
        at = mark + 2;
        continue;
      }
      if (chars[mark] == '}') run_.fail("'{' before '}' in a text with fields", "'}' alone");
      if (depth == 0) run_.fail("fields nested twice at most", "deeper ones");
      std::size_t open = 1;
      std::size_t close = mark + 1;
      for (; close < end && open > 0; ++close) {
        if (chars[close] == '{') ++open;
        if (chars[close] == '}') --open;
      }
      if (open != 0) run_.fail("'}' behind '{' in a text with fields", "the end of the text");
      field(out, format, mark + 1, close - 1, depth);
      at = close;
    }
  }

 private:
  void field(text_builder& out, const text_object& format, std::size_t begin, std::size_t end, int depth) {
    const std::string_view chars = std::string_view(format.chars).substr(0, end);
    std::size_t stop = begin;
    std::size_t brackets = 0;
    for (; stop < end; ++stop) {
      if (chars[stop] == '[') brackets = 1;
      if (chars[stop] == ']') brackets = 0;
      if (brackets == 0 && (chars[stop] == '!' || chars[stop] == ':')) break;
    }
    value item = look_up(chars.substr(begin, stop - begin));
    if (stop < end && chars[stop] == '!') {
      const char conversion = stop + 1 < end ? chars[stop + 1] : '\0';
      if ((conversion != 's' && conversion != 'r' && conversion != 'a') || (stop + 2 < end && chars[stop + 2] != ':')) {
        run_.fail("!s, !r or !a in a field", printable(chars.substr(stop)));
      }
      if (conversion == 's') {
        item = to_text(run_, item);
      } else {
        std::string repr;
        append_repr(run_, repr, item);
        item = run_.text(repr);
      }
      stop += 2;
    }
    text_builder spec;
    if (stop < end) append(spec, format, stop + 1, end, depth - 1);
    const bool trusted = trusted_at(format, begin == 0 ? 0 : begin - 1);
    if (!safe_) return append_in_form(run_, out, item, spec.text(), trusted);
    text_builder plain;
    append_in_form(run_, plain, item, spec.text(), trusted);
    const bool is_safe = item.is_text() && text_of(item).safe;
    if (is_safe && spec.size() != 0)
      run_.fail("no specification for text that is marked as safe", printable(spec.text().chars));
    const value shown = escaped(run_, plain.take(is_safe));
    out.append(text_of(shown));
  }
  [[nodiscard]] value look_up(std::string_view path) {
    std::size_t end = std::min(path.find_first_of(".["), path.size());
    const std::string_view first = path.substr(0, end);
    value item;
    const bool by_place = first.find_first_not_of("0123456789") == first.npos;
    if (by_place && mapping_ == nullptr) {
      if (first.empty() ? by_number_ : counts_) run_.fail("fields that are all numbered or none", "both kinds");
      (first.empty() ? counts_ : by_number_) = true;
      std::size_t place = next_;
      if (first.empty()) {
        ++next_;
      } else {
        place = given_.positional.size();  // stays so where it is more than a number holds
        std::from_chars(first.data(), first.data() + first.size(), place);
      }
      if (place >= given_.positional.size())
        run_.fail("a value for each field", concat("none for number ", std::to_string(place)));
      item = given_.positional[place];
    } else {
      const value* found = nullptr;
      if (mapping_ != nullptr) {
        found = mapping_->is(kind::dict) ? dict_of(*mapping_).get(first) : nullptr;
      } else {
        for (const auto& [name, one] : given_.named) {
          if (chars_of(name) == first) found = &one;
        }
      }
      if (found == nullptr) run_.fail("a value for each field", concat("none for ", printable(first)));
      item = *found;
    }
    while (end < path.size()) {
      if (path[end] == '.') {
        const std::size_t stop = std::min(path.find_first_of(".[", end + 1), path.size());
        item = run_.attribute(run_, item, run_.text(path.substr(end + 1, stop - end - 1)));
        end = stop;
      } else if (path[end] == '[') {
        const std::size_t stop = path.find(']', end);
        if (stop == path.npos) run_.fail("']' in a field", printable(path));
        const std::string_view key = path.substr(end + 1, stop - end - 1);
        value number;
        const bool is_number =
            !key.empty() && key.find_first_not_of("0123456789") == key.npos && read_integer(key, 10, number);
        item = run_.item(run_, item, is_number ? number : run_.text(key));
        end = stop + 1;
      } else {
        run_.fail("'.' or '[' in a field", printable(path));
      }
    }
    return item;
  }

  evaluation& run_;
  const arguments& given_;
  const value* mapping_;
  bool safe_;
  std::size_t next_ = 0;
  bool counts_ = false;
  bool by_number_ = false;
};

[[nodiscard]] inline value brace_format(evaluation& run, const value& format, const arguments& given,
                                        const value* mapping) {
  run.make(96);
  text_builder out;
  brace_formatter(run, given, mapping, text_of(format).safe)
      .append(out, text_of(format), 0, chars_of(format).size(), 2);
  return out.take(text_of(format).safe);
}

}  // namespace quipu::text::jinja
