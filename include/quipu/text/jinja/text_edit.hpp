/// @file Cutting, joining and changing texts, as Python's str does; every byte keeps its origin.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/text/jinja/evaluation.hpp>
#include <quipu/text/jinja/text_builder.hpp>
#include <quipu/text/jinja/text_search.hpp>
#include <quipu/text/jinja/unicode.hpp>
#include <quipu/text/jinja/value.hpp>

namespace quipu::text::jinja {

/// Bytes [begin, end) of a text.
[[nodiscard]] inline value part_of_text(evaluation& run, const value& text, std::size_t begin,
                                                       std::size_t end) {
  if (begin == 0 && end == chars_of(text).size()) return text;
  run.make(96 + end - begin);
  text_builder out;
  out.append(text_of(text), begin, end);
  return out.take(text_of(text).safe);
}

/// `<`, `>`, `&` and quotes for HTML, marked as safe. Text that is marked already stays.
[[nodiscard]] inline value escaped(evaluation& run, const value& text) {
  if (text_of(text).safe) return text;
  const std::string_view chars = chars_of(text);
  run.make(96 + chars.size());
  text_builder out;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= chars.size(); ++i) {
    const char c = i < chars.size() ? chars[i] : '&';
    const std::string_view name = c == '&'    ? "&amp;"
                                  : c == '<'  ? "&lt;"
                                  : c == '>'  ? "&gt;"
                                  : c == '"'  ? "&#34;"
                                  : c == '\'' ? "&#39;"
                                              : "";
    if (name.empty()) continue;
    out.append(text_of(text), begin, i);
    if (i == chars.size()) break;
    run.make(name.size());
    out.append(name, trusted_at(text_of(text), i));
    begin = i + 1;
  }
  return out.take(true);
}

/// `a + b`: if one of them is marked as safe the other one is escaped.
[[nodiscard]] inline value join_two(evaluation& run, const value& a, const value& b) {
  const bool safe = text_of(a).safe || text_of(b).safe;
  const value left = safe ? escaped(run, a) : a;
  const value right = safe ? escaped(run, b) : b;
  run.make(96 + chars_of(left).size() + chars_of(right).size());
  text_builder out;
  out.reserve(chars_of(left).size() + chars_of(right).size());
  out.append(text_of(left));
  out.append(text_of(right));
  return out.take(safe);
}

[[nodiscard]] inline value repeated(evaluation& run, const value& text, std::int64_t count) {
  if (count < 0) count = 0;
  run.make(static_cast<std::size_t>(count), chars_of(text).size());
  run.step(chars_of(text).empty() ? 0 : static_cast<std::size_t>(count) / 4);
  text_builder out;
  for (std::int64_t i = 0; i < count && !chars_of(text).empty(); ++i) out.append(text_of(text));
  return out.take(text_of(text).safe);
}

enum class ends : std::uint8_t { left, right, both };

/// Where `text` begins and ends without blanks, or without the characters of `chars` if that is given.
[[nodiscard]] inline std::pair<std::size_t, std::size_t> strip_range(evaluation& run, std::string_view text,
                                                                     const value* chars, ends which) {
  std::vector<char32_t> set;
  if (chars != nullptr) {
    const std::string_view all = chars_of(*chars);
    for (std::size_t at = 0; at < all.size();) {
      const utf8_step step = character_at(all, at);
      set.push_back(step.code_point);
      at += step.length;
    }
    std::sort(set.begin(), set.end());
  }
  const auto goes = [&](char32_t c) {
    return chars == nullptr ? is_blank(c) : std::binary_search(set.begin(), set.end(), c);
  };
  std::size_t begin = 0;
  std::size_t end = text.size();
  while (which != ends::right && begin < end) {
    const utf8_step step = character_at(text, begin);
    if (!goes(step.code_point)) break;
    begin += step.length;
  }
  while (which != ends::left && begin < end) {
    const std::size_t last = step_back(text, end);
    if (last < begin || !goes(character_at(text, last).code_point)) break;
    end = last;
  }
  run.look(set.size() * 4 + begin + text.size() - end);
  return {begin, end};
}

/// @param chars  text, or null for blanks
[[nodiscard]] inline value stripped(evaluation& run, const value& text, const value* chars, ends which) {
  const auto [begin, end] = strip_range(run, chars_of(text), chars, which);
  return part_of_text(run, text, begin, end);
}

/// Non-overlapping places of `wanted`, from the left or from the right (then in falling order), `most` of them.
[[nodiscard]] inline std::vector<std::size_t> places_of(evaluation& run, std::string_view text, std::string_view wanted,
                                                        bool from_right, std::size_t most) {
  std::vector<std::size_t> places;
  const text_finder finder(wanted);
  run.look(text.size() + wanted.size());
  if (from_right) {
    const std::vector<std::size_t> all = finder.all(text);
    run.make(all.size(), 8);
    std::size_t end = text.size();
    for (std::size_t i = all.size(); i-- > 0 && places.size() < most;) {
      if (all[i] + wanted.size() > end) continue;
      places.push_back(all[i]);
      end = all[i];
    }
    return places;
  }
  for (std::size_t at = 0; places.size() < most; at += wanted.size()) {
    at = finder.first(text, at);
    if (at == text_finder::npos) break;
    run.make(8);
    places.push_back(at);
  }
  return places;
}

/// str.split and rsplit at `separator`, which is not empty.
[[nodiscard]] inline value split_at(evaluation& run, const value& text, std::string_view separator, bool from_right,
                                    std::size_t most) {
  std::vector<std::size_t> places = places_of(run, chars_of(text), separator, from_right, most);
  if (from_right) std::reverse(places.begin(), places.end());
  values parts;
  std::size_t begin = 0;
  for (const std::size_t at : places) {
    parts.push_back(part_of_text(run, text, begin, at));
    begin = at + separator.size();
  }
  parts.push_back(part_of_text(run, text, begin, chars_of(text).size()));
  return run.list(std::move(parts));
}

/// str.split and rsplit at blanks.
[[nodiscard]] inline value split_at_blanks(evaluation& run, const value& text, bool from_right, std::size_t most) {
  const std::string_view chars = chars_of(text);
  run.look(chars.size());
  values parts;
  const auto blank_at = [&](std::size_t at) { return is_blank(character_at(chars, at).code_point); };
  if (from_right) {
    std::size_t end = chars.size();
    while (true) {
      while (end > 0 && blank_at(step_back(chars, end))) end = step_back(chars, end);
      if (end == 0) break;
      std::size_t begin = end;
      if (parts.size() == most) {
        begin = 0;
      } else {
        while (begin > 0 && !blank_at(step_back(chars, begin))) begin = step_back(chars, begin);
      }
      parts.push_back(part_of_text(run, text, begin, end));
      end = begin;
    }
    std::reverse(parts.begin(), parts.end());
    return run.list(std::move(parts));
  }
  for (std::size_t at = 0;;) {
    while (at < chars.size() && blank_at(at)) at += step_at(chars, at);
    if (at == chars.size()) break;
    std::size_t end = at;
    if (parts.size() == most) {
      end = chars.size();
    } else {
      while (end < chars.size() && !blank_at(end)) end += step_at(chars, end);
    }
    parts.push_back(part_of_text(run, text, at, end));
    at = end;
  }
  return run.list(std::move(parts));
}

/// str.splitlines.
[[nodiscard]] inline values lines_of(evaluation& run, const value& text, bool keep_ends = false) {
  const std::string_view chars = chars_of(text);
  run.look(chars.size());
  values lines;
  for (std::size_t begin = 0; begin < chars.size();) {
    std::size_t end = begin;
    while (end < chars.size() && !is_line_end(character_at(chars, end).code_point)) end += step_at(chars, end);
    std::size_t next = end < chars.size() ? end + step_at(chars, end) : end;
    if (end < chars.size() && chars[end] == '\r' && next < chars.size() && chars[next] == '\n') ++next;
    lines.push_back(part_of_text(run, text, begin, keep_ends ? next : end));
    begin = next;
  }
  return lines;
}

/// str.replace; `count` below 0 is without end. The result is plain text.
[[nodiscard]] inline value replaced(evaluation& run, const value& text, const value& old,
                                                   const value& with, std::int64_t count) {
  const std::string_view chars = chars_of(text);
  const std::string_view wanted = chars_of(old);
  std::size_t left = count < 0 ? static_cast<std::size_t>(-1) : static_cast<std::size_t>(count);
  run.make(96 + chars.size());
  run.look(wanted.size() + chars.size());
  text_builder out;
  const auto put = [&] {
    run.make(chars_of(with).size());
    run.step();
    out.append(text_of(with));
    --left;
  };
  std::size_t begin = 0;
  if (wanted.empty()) {
    while (left > 0) {
      put();
      if (begin >= chars.size()) break;
      const std::size_t length = step_at(chars, begin);
      out.append(text_of(text), begin, begin + length);
      begin += length;
    }
  } else {
    const text_finder finder(wanted);
    while (left > 0) {
      const std::size_t at = finder.first(chars, begin);
      if (at == text_finder::npos) break;
      out.append(text_of(text), begin, at);
      put();
      begin = at + wanted.size();
    }
  }
  out.append(text_of(text), std::min(begin, chars.size()), chars.size());
  return out.take();
}

/// Puts `texts` together with `between`.
[[nodiscard]] inline value joined(evaluation& run, const values& texts, const value& between) {
  std::size_t bytes = texts.empty() ? 0 : (texts.size() - 1) * chars_of(between).size();
  for (const value& one : texts) bytes += chars_of(one).size();
  run.make(96 + bytes);
  run.step(texts.size());
  text_builder out;
  out.reserve(bytes);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (i != 0) out.append(text_of(between));
    out.append(text_of(texts[i]));
  }
  return out.take();
}

/// Where a padded text has its padding.
enum class padding : std::uint8_t { left, right, both };

[[nodiscard]] inline value padded(evaluation& run, const value& text, std::int64_t width,
                                                 const value& fill, padding where) {
  const std::int64_t missing = width - static_cast<std::int64_t>(count_characters(chars_of(text)));
  if (missing <= 0) return text;
  run.make(static_cast<std::size_t>(missing), chars_of(fill).size());
  const std::int64_t left = where == padding::left    ? missing
                            : where == padding::right ? 0
                                                      : missing / 2 + (missing & width & 1);
  text_builder out;
  for (std::int64_t i = 0; i < left; ++i) out.append(text_of(fill));
  out.append(text_of(text));
  for (std::int64_t i = left; i < missing; ++i) out.append(text_of(fill));
  return out.take(text_of(text).safe);
}

/// How a text changes its case. `words` is the filter title, `title` the method.
enum class case_change : std::uint8_t { upper, lower, capitalize, title, words, swap, fold };

[[nodiscard]] inline value with_case(evaluation& run, const value& text, case_change how) {
  const std::string_view chars = chars_of(text);
  run.make(96 + 2 * chars.size());
  text_builder out;
  out.reserve(chars.size());
  std::string changed;
  bool begins = true;  // the character is the first of its word
  for (std::size_t at = 0; at < chars.size();) {
    const utf8_step step = character_at(chars, at);
    const char32_t c = step.code_point;
    if (c >= 0x80) run.step();
    changed.clear();
    bool raise = how == case_change::upper;
    if (how == case_change::capitalize || how == case_change::title || how == case_change::words) raise = begins;
    if (how == case_change::swap) raise = is_lower_case(c);
    if (how == case_change::swap && !is_upper_case(c) && !is_lower_case(c)) {
      changed.append(chars.substr(at, step.length));
    } else if (step.status != utf8_status::valid) {
      changed.append(chars.substr(at, step.length));
    } else if (how == case_change::fold && (c == 0xDF || c == 0x1E9E)) {
      changed = "ss";
    } else if (raise) {
      const bool is_title = how == case_change::capitalize || how == case_change::title;
      append_case(changed, c, is_title ? letter_case::title : letter_case::upper);
    } else if (how == case_change::fold && c == 0x3C2) {
      append_utf8(changed, 0x3C3);
    } else {
      append_lower(changed, chars, at, step);
    }
    out.append(changed, trusted_at(text_of(text), at));
    if (how == case_change::title) {
      begins = !is_cased(c);
    } else if (how == case_change::words) {
      begins = c == '-' || c == '(' || c == '{' || c == '[' || c == '<' || is_blank(c);
    } else {
      begins = false;
    }
    at += step.length;
  }
  return out.take(how != case_change::words && text_of(text).safe);
}

}  // namespace quipu::text::jinja
