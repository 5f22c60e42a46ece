/// @file Attributes and items of values, and what the sandbox keeps from templates.
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
#include <quipu/text/jinja/operators.hpp>
#include <quipu/text/jinja/text_methods.hpp>
#include <quipu/text/jinja/value.hpp>

namespace quipu::text::jinja {

/// A function with its subject.
struct method_object : object {
  method_object(value s, const method_entry& e)
      : object(kind::method, destroy_as<method_object>), self(std::move(s)), entry(e) {
    depth = self.depth() + 1;
  }
  value self;
  const method_entry& entry;
};

namespace plain_methods {

inline value dict_get(evaluation& run, const value& self, arguments& given) {
  text_methods::need_places(run, given, 1, 2);
  need_hashable(run, given.positional[0]);
  const value* found = dict_of(self).get(given.positional[0]);
  if (found != nullptr) return *found;
  return given.positional.size() > 1 ? given.positional[1] : value::none();
}
template <view_object::part Part>
value dict_view(evaluation& run, const value& self, arguments& given) {
  text_methods::need_places(run, given, 0, 0);
  run.make(64);
  value made(new view_object(self, Part));
  made.pointer()->depth = self.depth() + 1;
  run.check_depth(made.depth());
  return made;
}
/// Lists and dicts never change: a copy is the thing itself.
inline value copy(evaluation& run, const value& self, arguments& given) {
  text_methods::need_places(run, given, 0, 0);
  return self;
}
inline value index_in(evaluation& run, const value& self, arguments& given) {
  text_methods::need_places(run, given, 1, 3);
  const auto& items = items_of(self);
  const auto n = static_cast<std::int64_t>(items.size());
  const auto place = [&](std::size_t i, std::int64_t otherwise) {
    if (i >= given.positional.size()) return otherwise;
    const std::int64_t at = need_whole(run, given.positional[i], "a place");
    return at < 0 ? std::max<std::int64_t>(at + n, 0) : at;
  };
  const std::int64_t end = std::min(place(2, n), n);
  for (std::int64_t i = place(1, 0); i < end; ++i) {
    const value& item = items[static_cast<std::size_t>(i)];
    if (item.same(given.positional[0]) || equal(run, item, given.positional[0])) return value(i);
  }
  run.fail("an item of the list", "none that is equal");
}
inline value count_in(evaluation& run, const value& self, arguments& given) {
  text_methods::need_places(run, given, 1, 1);
  std::int64_t n = 0;
  for (const value& item : items_of(self)) {
    if (item.same(given.positional[0]) || equal(run, item, given.positional[0])) ++n;
  }
  return value(n);
}
inline value count_in_range(evaluation& run, const value& self, arguments& given) {
  text_methods::need_places(run, given, 1, 1);
  return value(contains(run, self, given.positional[0]) ? 1 : 0);
}
inline value is_whole(evaluation& run, const value& self, arguments& given) {
  text_methods::need_places(run, given, 0, 0);
  return value(std::isfinite(self.real()) && self.real() == std::trunc(self.real()));
}
inline value bit_length(evaluation& run, const value& self, arguments& given) {
  text_methods::need_places(run, given, 0, 0);
  std::int64_t n = 0;
  for (auto rest = static_cast<std::uint64_t>(self.integer() < 0 ? -self.integer() : self.integer()); rest != 0;
       rest >>= 1)
    ++n;
  return value(n);
}

}  // namespace plain_methods

/// The method that values of that kind have, or null.
[[nodiscard]] inline const method_entry* find_method(const value& of, std::string_view name) noexcept {
  using namespace plain_methods;  // NOLINT
  static constexpr method_entry of_dict[] = {{"items", dict_view<view_object::part::items>},
                                             {"get", dict_get},
                                             {"keys", dict_view<view_object::part::keys>},
                                             {"values", dict_view<view_object::part::contents>},
                                             {"copy", copy}};
  static constexpr method_entry of_list[] = {{"index", index_in}, {"count", count_in}, {"copy", copy}};
  static constexpr method_entry of_range[] = {{"count", count_in_range}};
  static constexpr method_entry of_real[] = {{"is_integer", is_whole}};
  static constexpr method_entry of_whole[] = {{"bit_length", bit_length}};
  const auto among = [&](const method_entry* first, std::size_t n) -> const method_entry* {
    for (std::size_t i = 0; i < n; ++i) {
      if (first[i].name == name) return first + i;
    }
    return nullptr;
  };
  switch (of.what()) {
    case kind::text: return find_text_method(name);
    case kind::dict: return among(of_dict, 5);
    case kind::list: return among(of_list, 3);
    case kind::tuple: return among(of_list, 2);
    case kind::range: return among(of_range, 1);
    case kind::real: return among(of_real, 1);
    case kind::integer:
    case kind::boolean: return among(of_whole, 1);
    default: return nullptr;
  }
}

/// What Python has, and the sandbox forbids: methods that change their subject, and names in underlines.
[[nodiscard]] inline bool is_forbidden(const value& of, std::string_view name) noexcept {
  const auto among = [&](const std::string_view* first, std::size_t n) {
    return std::find(first, first + n, name) != first + n;
  };
  if (name.starts_with("__") && name.ends_with("__")) {
    static constexpr std::string_view everywhere[] = {
        "__class__", "__delattr__",      "__dir__",    "__doc__",  "__eq__",          "__format__",
        "__ge__",    "__getattribute__", "__gt__",     "__hash__", "__init__",        "__init_subclass__",
        "__le__",    "__lt__",           "__ne__",     "__new__",  "__reduce__",      "__reduce_ex__",
        "__repr__",  "__setattr__",      "__sizeof__", "__str__",  "__subclasshook__"};
    static constexpr std::string_view of_callables[] = {
        "__call__",       "__code__",   "__globals__", "__closure__",  "__defaults__", "__dict__",   "__func__",
        "__kwdefaults__", "__module__", "__name__",    "__qualname__", "__self__",     "__wrapped__"};
    static constexpr std::string_view of_containers[] = {"__len__", "__getitem__", "__iter__",   "__contains__",
                                                         "__add__", "__mul__",     "__setitem__"};
    if (among(everywhere, std::size(everywhere))) return true;
    if (of.is(kind::builtin) || of.is(kind::method) || of.is(kind::macro))
      return among(of_callables, std::size(of_callables));
    return (of.is_text() || of.is_sequence() || of.is(kind::dict) || of.is(kind::range)) &&
           among(of_containers, std::size(of_containers));
  }
  static constexpr std::string_view of_list[] = {"append", "clear",  "extend",  "insert",
                                                 "pop",    "remove", "reverse", "sort"};
  static constexpr std::string_view of_dict[] = {"clear", "pop", "popitem", "setdefault", "update"};
  if (of.is(kind::list)) return among(of_list, std::size(of_list));
  return of.is(kind::dict) && among(of_dict, std::size(of_dict));
}

[[nodiscard]] inline value forbidden(evaluation& run, const value& of, std::string_view name) {
  value made = run.undefined(concat("access to ", printable(name), " of a ", type_name(of), " is not allowed"));
  made.as<undefined_object>().security = true;
  return made;
}

/// What values of that kind show under a name, methods aside; missing if nothing.
[[nodiscard]] inline value field_of(const value& of, std::string_view name) {
  if (of.is(kind::range)) {
    const auto& range = of.as<range_object>();
    if (name == "start") return value(range.start);
    if (name == "stop") return value(range.stop);
    if (name == "step") return value(range.step);
  }
  if (of.is(kind::tuple) && of.as<sequence_object>().is_group) {
    if (name == "grouper") return items_of(of)[0];
    if (name == "list") return items_of(of)[1];
  }
  if (of.is_integral() || of.is(kind::big)) {
    if (name == "real" || name == "numerator") return of.is(kind::boolean) ? value(of.integer()) : of;
    if (name == "imag") return value(0);
    if (name == "denominator") return value(1);
  }
  if (of.is(kind::real)) {
    if (name == "real") return of;
    if (name == "imag") return value(0.0);
  }
  return {};
}

/// The item of a container, missing if there is none.
[[nodiscard]] inline value item_or_missing(evaluation& run, const value& of, const value& key) {
  switch (of.what()) {
    case kind::dict: {
      if (!can_be_key(run, key)) return {};
      const value* found = dict_of(of).get(key);
      return found != nullptr ? *found : value();
    }
    case kind::list:
    case kind::tuple: {
      if (!key.is_integral()) return {};
      const auto n = static_cast<std::int64_t>(items_of(of).size());
      const std::int64_t at = key.integer() < 0 ? key.integer() + n : key.integer();
      return at < 0 || at >= n ? value() : items_of(of)[static_cast<std::size_t>(at)];
    }
    case kind::text: {
      if (!key.is_integral()) return {};
      const std::string_view chars = chars_of(of);
      run.look(chars.size());
      std::size_t at = 0;
      if (key.integer() < 0) {
        at = chars.size();
        for (std::int64_t i = key.integer(); i < 0; ++i) {
          if (at == 0) return {};
          at = step_back(chars, at);
        }
      } else {
        for (std::int64_t i = key.integer(); i > 0 && at < chars.size(); --i) at += step_at(chars, at);
        if (at >= chars.size()) return {};
      }
      return part_of_text(run, of, at, at + step_at(chars, at));
    }
    case kind::range: {
      if (!key.is_integral()) return {};
      const auto& range = of.as<range_object>();
      const std::int64_t at = key.integer() < 0 ? key.integer() + range.length : key.integer();
      return at < 0 || at >= range.length ? value() : value(range.start + at * range.step);
    }
    default: return {};
  }
}

[[nodiscard]] inline value method_of(evaluation& run, const value& self, const method_entry& entry) {
  run.make(64);
  value made(new method_object(self, entry));
  run.check_depth(made.depth());
  return made;
}

/// `of.name`, but for kinds that only the evaluator knows: a method, then a key of a dict, then undefined.
[[nodiscard]] inline value plain_attribute(evaluation& run, const value& of, const value& name) {
  if (of.is_undefined()) fail_undefined(run, of);
  const std::string_view chars = chars_of(name);
  if (of.is(kind::space)) {
    const value* found = dict_of(of.as<space_object>().names).get(name);
    if (found != nullptr) return *found;
    return run.undefined(type_name(of), name);
  }
  if (const method_entry* entry = find_method(of, chars)) return method_of(run, of, *entry);
  if (value field = field_of(of, chars); !field.is(kind::missing)) return field;
  if (is_forbidden(of, chars)) return forbidden(run, of, chars);
  if (of.is(kind::dict)) {
    if (const value* found = dict_of(of).get(name)) return *found;
  }
  return run.undefined(type_name(of), name);
}

/// `of[key]`: an item, then a method or another attribute, then undefined.
[[nodiscard]] inline value plain_item(evaluation& run, const value& of, const value& key) {
  if (of.is_undefined()) fail_undefined(run, of);
  if (value found = item_or_missing(run, of, key); !found.is(kind::missing)) return found;
  if (key.is_text()) {
    if (of.is(kind::space)) return plain_attribute(run, of, key);
    if (const method_entry* entry = find_method(of, chars_of(key))) return method_of(run, of, *entry);
    if (value field = field_of(of, chars_of(key)); !field.is(kind::missing)) return field;
    if (is_forbidden(of, chars_of(key))) return forbidden(run, of, chars_of(key));
  }
  return run.undefined(type_name(of), key);
}

/// `of[begin:end:step]`; none or null stands for the end.
[[nodiscard]] inline value slice_of(evaluation& run, const value& of, const value& begin,
                                                   const value& end, const value& by) {
  const auto given = [](const value& v) { return !v.is(kind::missing) && !v.is(kind::none); };
  if (of.is_undefined()) fail_undefined(run, of);
  bool is_slice = of.is_text() || of.is_sequence() || of.is(kind::range);
  for (const value* part : {&begin, &end, &by}) {
    if (given(*part) && !part->is_integral() && !part->is(kind::big)) is_slice = false;
  }
  if (!is_slice) return run.undefined(concat("a ", type_name(of), " has no such slice"));
  const std::int64_t step = given(by) ? need_whole(run, by, "a step") : 1;
  if (step == 0) run.fail("a step other than 0", "0");
  if (of.is_text()) run.look(chars_of(of).size());
  const std::int64_t n = length_of(of);
  const auto clamp = [&](const value& v, std::int64_t otherwise) {
    if (!given(v)) return otherwise;
    std::int64_t at = need_whole(run, v, "a place");
    if (at < 0) at += n;
    const std::int64_t low = step < 0 ? -1 : 0;
    const std::int64_t high = step < 0 ? n - 1 : n;
    return std::clamp(at, std::min(low, high), std::max(low, high));
  };
  const std::int64_t first = clamp(begin, step < 0 ? n - 1 : 0);
  const std::int64_t last = clamp(end, step < 0 ? -1 : n);
  const std::int64_t span = step < 0 ? first - last : last - first;
  const std::uint64_t stride = step < 0 ? ~static_cast<std::uint64_t>(step) + 1 : static_cast<std::uint64_t>(step);
  const std::uint64_t count = span <= 0 ? 0 : (static_cast<std::uint64_t>(span) - 1) / stride + 1;
  const auto at = [&](std::uint64_t i) {
    return static_cast<std::size_t>(first + static_cast<std::int64_t>(i) * step);
  };
  if (of.is(kind::range)) {
    const auto& range = of.as<range_object>();
    auto* made = new range_object;
    value result(made);
    made->start = range.start + first * range.step;
    // A step that leaves a single item may be any number.
    made->step = count > 1 || stride < static_cast<std::uint64_t>(1 << 20) ? range.step * step : range.step;
    made->length = static_cast<std::int64_t>(count);
    made->stop = range.start + last * range.step;
    return result;
  }
  if (of.is_sequence()) {
    run.make(static_cast<std::size_t>(count), sizeof(value));
    values items;
    items.reserve(static_cast<std::size_t>(count));
    for (std::uint64_t i = 0; i < count; ++i) items.push_back(items_of(of)[at(i)]);
    return run.sequence(of.what(), std::move(items));
  }
  const std::string_view chars = chars_of(of);
  if (static_cast<std::size_t>(n) == chars.size() && step == 1)
    return part_of_text(run, of, at(0), at(0) + static_cast<std::size_t>(count));
  std::vector<std::size_t> offsets;  // where characters begin
  run.make(static_cast<std::size_t>(n) + 1, sizeof(std::size_t));
  offsets.reserve(static_cast<std::size_t>(n) + 1);
  for (std::size_t i = 0; i < chars.size(); i += step_at(chars, i)) offsets.push_back(i);
  offsets.push_back(chars.size());
  if (step == 1)
    return count == 0 ? part_of_text(run, of, 0, 0) : part_of_text(run, of, offsets[at(0)], offsets[at(count - 1) + 1]);
  run.make(chars.size());
  text_builder out;
  for (std::uint64_t i = 0; i < count; ++i) out.append(text_of(of), offsets[at(i)], offsets[at(i) + 1]);
  return out.take(text_of(of).safe);
}

}  // namespace quipu::text::jinja
