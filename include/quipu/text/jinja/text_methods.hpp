/// @file Methods of texts: Python's str, as far as templates may have it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/text/jinja/brace_format.hpp>
#include <quipu/text/jinja/evaluation.hpp>
#include <quipu/text/jinja/iteration.hpp>
#include <quipu/text/jinja/text_checks.hpp>
#include <quipu/text/jinja/text_edit.hpp>
#include <quipu/text/jinja/text_search.hpp>
#include <quipu/text/jinja/unicode.hpp>
#include <quipu/text/jinja/value.hpp>

namespace quipu::text::jinja {

namespace text_methods {

template <case_change How>
value change_case(evaluation& run, const value& self, arguments& given) {
  need_places(run, given, 0, 0);
  return with_case(run, self, How);
}
template <ends Which>
value strip(evaluation& run, const value& self, arguments& given) {
  need_places(run, given, 0, 1);
  const value* chars = some(place(given, 0));
  if (chars != nullptr) need_text(run, *chars, "the characters to strip");
  return stripped(run, self, chars, Which);
}
template <bool FromRight>
value split(evaluation& run, const value& self, arguments& given) {
  const parameters<2> found(run, FromRight ? "rsplit" : "split", given, {"sep", "maxsplit"}, 0);
  const std::int64_t most = found.has(1) ? need_whole(run, *found[1], "maxsplit") : -1;
  const auto limit = most < 0 ? static_cast<std::size_t>(-1) : static_cast<std::size_t>(most);
  const value* separator = some(found[0]);
  if (separator == nullptr) return split_at_blanks(run, self, FromRight, limit);
  need_text(run, *separator, "the separator");
  if (chars_of(*separator).empty()) run.fail("a separator", "an empty one");
  return split_at(run, self, chars_of(*separator), FromRight, limit);
}
inline value splitlines(evaluation& run, const value& self, arguments& given) {
  const parameters<1> found(run, "splitlines", given, {"keepends"}, 0);
  const bool keep = found.has(0) && need_whole(run, *found[0], "keepends") != 0;
  return run.list(lines_of(run, self, keep));
}
/// Bytes of the part that the arguments from `i` on, start and end in characters, cut out.
/// @return false if it begins behind the end
inline bool cut(evaluation& run, std::string_view chars, const arguments& given, std::size_t i, std::size_t& begin,
                std::size_t& end, std::int64_t& first) {
  begin = 0;
  end = chars.size();
  first = 0;
  const value* from = some(place(given, i));
  const value* to = some(place(given, i + 1));
  if (from == nullptr && to == nullptr) return true;
  run.look(2 * chars.size());
  const auto n = static_cast<std::int64_t>(count_characters(chars));
  const auto clamp = [&](const value* v, std::int64_t otherwise) {
    if (v == nullptr) return otherwise;
    const std::int64_t at = need_whole(run, *v, "a place in a text");
    return at < 0 ? std::max<std::int64_t>(at + n, 0) : at;
  };
  first = clamp(from, 0);
  const std::int64_t last = std::min(clamp(to, n), n);
  if (first > n || first > last) return false;
  std::size_t at = 0;
  for (std::int64_t k = 0; k < last; ++k) {
    if (k == first) begin = at;
    at += step_at(chars, at);
  }
  if (first == last) begin = at;
  end = at;
  return true;
}
template <bool AtEnd>
value has_affix(evaluation& run, const value& self, arguments& given) {
  need_places(run, given, 1, 3);
  std::size_t begin = 0;
  std::size_t end = 0;
  std::int64_t first = 0;
  const bool inside = cut(run, chars_of(self), given, 1, begin, end, first);
  const std::string_view part = chars_of(self).substr(begin, end - begin);
  const auto matches = [&](const value& one) {
    const std::string_view wanted = chars_of(need_text(run, one, "what the text begins or ends with"));
    run.look(wanted.size());
    return inside && (AtEnd ? part.ends_with(wanted) : part.starts_with(wanted));
  };
  const value& wanted = given.positional[0];
  if (!wanted.is(kind::tuple)) return value(matches(wanted));
  for (const value& one : items_of(wanted)) {
    if (matches(one)) return value(true);
  }
  return value(false);
}
template <bool Last, bool Must>
value find(evaluation& run, const value& self, arguments& given) {
  need_places(run, given, 1, 3);
  const std::string_view wanted = chars_of(need_text(run, given.positional[0], "what to look for"));
  std::size_t begin = 0;
  std::size_t end = 0;
  std::int64_t first = 0;
  if (cut(run, chars_of(self), given, 1, begin, end, first)) {
    const std::string_view part = chars_of(self).substr(begin, end - begin);
    run.look(part.size() + wanted.size());
    const text_finder finder(wanted);
    const std::size_t at = Last ? finder.last(part) : finder.first(part);
    if (at != text_finder::npos) return value(first + static_cast<std::int64_t>(count_characters(part.substr(0, at))));
  }
  if (Must) run.fail("a part of the text", concat("none that is ", printable(wanted)));
  return value(-1);
}
inline value count(evaluation& run, const value& self, arguments& given) {
  need_places(run, given, 1, 3);
  const std::string_view wanted = chars_of(need_text(run, given.positional[0], "what to count"));
  std::size_t begin = 0;
  std::size_t end = 0;
  std::int64_t first = 0;
  if (!cut(run, chars_of(self), given, 1, begin, end, first)) return value(0);
  const std::string_view part = chars_of(self).substr(begin, end - begin);
  run.look(part.size());
  if (wanted.empty()) return value(static_cast<std::int64_t>(count_characters(part)) + 1);
  return value(static_cast<std::int64_t>(places_of(run, part, wanted, false, static_cast<std::size_t>(-1)).size()));
}
inline value replace(evaluation& run, const value& self, arguments& given) {
  need_places(run, given, 2, 3);
  need_text(run, given.positional[0], "what to replace");
  value with = need_text(run, given.positional[1], "what to put there");
  const std::int64_t most = given.positional.size() > 2 ? need_whole(run, given.positional[2], "count") : -1;
  if (!text_of(self).safe) return replaced(run, self, given.positional[0], with, most);
  const value made = replaced(run, self, given.positional[0], escaped(run, with), most);
  text_builder out;
  out.append(text_of(made));
  return out.take(true);
}
inline value join(evaluation& run, const value& self, arguments& given) {
  need_places(run, given, 1, 1);
  values parts = items_from(run, given.positional[0]);
  for (value& part : parts) {
    if (text_of(self).safe) part = escaped(run, to_text(run, part));
    if (!part.is_text()) run.fail("items that are all text", type_name(part));
  }
  value made = joined(run, parts, self);
  if (text_of(self).safe) made.as<text_object>().safe = true;
  return made;
}
template <padding Where>
value pad(evaluation& run, const value& self, arguments& given) {
  need_places(run, given, 1, 2);
  const std::int64_t width = need_whole(run, given.positional[0], "a width");
  const value fill =
      given.positional.size() > 1 ? need_text(run, given.positional[1], "a fill character") : run.text(" ", true);
  if (count_characters(chars_of(fill)) != 1) run.fail("one fill character", printable(chars_of(fill)));
  return padded(run, self, width, fill, Where);
}
inline value zfill(evaluation& run, const value& self, arguments& given) {
  need_places(run, given, 1, 1);
  const std::string_view chars = chars_of(self);
  const std::size_t sign = !chars.empty() && (chars[0] == '-' || chars[0] == '+') ? 1 : 0;
  const std::int64_t width = need_whole(run, given.positional[0], "a width");
  const value rest = padded(run, part_of_text(run, self, sign, chars.size()), width - static_cast<std::int64_t>(sign),
                            run.text("0", true), padding::left);
  return sign == 0 ? rest : join_two(run, part_of_text(run, self, 0, 1), rest);
}
template <bool Last>
value partition(evaluation& run, const value& self, arguments& given) {
  need_places(run, given, 1, 1);
  const std::string_view wanted = chars_of(need_text(run, given.positional[0], "the separator"));
  if (wanted.empty()) run.fail("a separator", "an empty one");
  const std::string_view chars = chars_of(self);
  run.look(chars.size() + wanted.size());
  const text_finder finder(wanted);
  const std::size_t at = Last ? finder.last(chars) : finder.first(chars);
  if (at == text_finder::npos) {
    const value nothing = part_of_text(run, self, 0, 0);
    return Last ? run.tuple({nothing, nothing, self}) : run.tuple({self, nothing, nothing});
  }
  return run.tuple({part_of_text(run, self, 0, at), part_of_text(run, self, at, at + wanted.size()),
                    part_of_text(run, self, at + wanted.size(), chars.size())});
}
template <bool AtEnd>
value remove_affix(evaluation& run, const value& self, arguments& given) {
  need_places(run, given, 1, 1);
  const std::string_view wanted = chars_of(need_text(run, given.positional[0], "what to remove"));
  const std::size_t n = chars_of(self).size();
  if (AtEnd) return chars_of(self).ends_with(wanted) ? part_of_text(run, self, 0, n - wanted.size()) : self;
  return chars_of(self).starts_with(wanted) ? part_of_text(run, self, wanted.size(), n) : self;
}
inline value expandtabs(evaluation& run, const value& self, arguments& given) {
  const parameters<1> found(run, "expandtabs", given, {"tabsize"}, 0);
  const std::int64_t size = found.has(0) ? need_whole(run, *found[0], "tabsize") : 8;
  const std::string_view chars = chars_of(self);
  run.make(96 + chars.size());
  text_builder out;
  std::int64_t column = 0;
  for (std::size_t at = 0; at < chars.size();) {
    const std::size_t length = step_at(chars, at);
    if (chars[at] == '\t') {
      const std::int64_t n = size > 0 ? size - column % size : 0;
      run.make(static_cast<std::size_t>(n));
      out.append(static_cast<std::size_t>(n), ' ', trusted_at(text_of(self), at));
      column += n;
    } else {
      out.append(text_of(self), at, at + length);
      column = chars[at] == '\n' || chars[at] == '\r' ? 0 : column + 1;
    }
    at += length;
  }
  return out.take(text_of(self).safe);
}
inline value format(evaluation& run, const value& self, arguments& given) {
  return brace_format(run, self, given, nullptr);
}
inline value format_map(evaluation& run, const value& self, arguments& given) {
  need_places(run, given, 1, 1);
  return brace_format(run, self, given, given.positional.data());
}
inline value missing(evaluation& run, const value&, arguments&) {
  run.fail("a method of text that this library has", "encode, translate, maketrans or another");
}

}  // namespace text_methods

/// The method of texts with that name, or null.
[[nodiscard]] inline const method_entry* find_text_method(std::string_view name) noexcept {
  using namespace text_methods;  // NOLINT
  static constexpr method_entry entries[] = {{"strip", strip<ends::both>},
                                             {"lstrip", strip<ends::left>},
                                             {"rstrip", strip<ends::right>},
                                             {"split", split<false>},
                                             {"rsplit", split<true>},
                                             {"startswith", has_affix<false>},
                                             {"endswith", has_affix<true>},
                                             {"replace", replace},
                                             {"upper", change_case<case_change::upper>},
                                             {"lower", change_case<case_change::lower>},
                                             {"capitalize", change_case<case_change::capitalize>},
                                             {"title", change_case<case_change::title>},
                                             {"swapcase", change_case<case_change::swap>},
                                             {"casefold", change_case<case_change::fold>},
                                             {"join", join},
                                             {"find", find<false, false>},
                                             {"rfind", find<true, false>},
                                             {"index", find<false, true>},
                                             {"rindex", find<true, true>},
                                             {"count", count},
                                             {"splitlines", splitlines},
                                             {"format", format},
                                             {"format_map", format_map},
                                             {"center", pad<padding::both>},
                                             {"ljust", pad<padding::right>},
                                             {"rjust", pad<padding::left>},
                                             {"zfill", zfill},
                                             {"partition", partition<false>},
                                             {"rpartition", partition<true>},
                                             {"removeprefix", remove_affix<false>},
                                             {"removesuffix", remove_affix<true>},
                                             {"expandtabs", expandtabs},
                                             {"isalnum", all_are<is_alnum>},
                                             {"isalpha", all_are<is_letter>},
                                             {"isascii", all_are<is_ascii, true>},
                                             {"isdecimal", all_are<is_decimal>},
                                             {"isdigit", all_are<is_digit>},
                                             {"isnumeric", all_are<is_numeric>},
                                             {"isprintable", all_are<is_shown, true>},
                                             {"isspace", all_are<is_space>},
                                             {"islower", in_case<false>},
                                             {"isupper", in_case<true>},
                                             {"istitle", istitle},
                                             {"isidentifier", isidentifier},
                                             {"encode", missing},
                                             {"translate", missing},
                                             {"maketrans", missing}};
  for (const method_entry& one : entries) {
    if (one.name == name) return &one;
  }
  return nullptr;
}

}  // namespace quipu::text::jinja
