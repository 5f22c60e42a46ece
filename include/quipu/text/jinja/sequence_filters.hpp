/// @file Filters of the template language for lists, dicts and other things with items.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/text/jinja/access.hpp>  // slice_of
#include <quipu/text/jinja/arithmetic.hpp>
#include <quipu/text/jinja/evaluation.hpp>
#include <quipu/text/jinja/iteration.hpp>
#include <quipu/text/jinja/operators.hpp>
#include <quipu/text/jinja/tests.hpp>
#include <quipu/text/jinja/text_filters.hpp>
#include <quipu/text/jinja/value.hpp>

namespace quipu::text::jinja {

namespace filters {

/// "a.b.0" as keys to follow.
[[nodiscard]] inline values path_of(evaluation& run, const value* attribute) {
  values path;
  if (some(attribute) == nullptr) return path;
  if (!attribute->is_text()) {
    path.push_back(*attribute);
    return path;
  }
  std::string_view rest = chars_of(*attribute);
  run.look(rest.size() * 8);
  while (true) {
    const std::size_t dot = std::min(rest.find('.'), rest.size());
    const std::string_view part = rest.substr(0, dot);
    value number;
    const bool is_number =
        !part.empty() && part.find_first_not_of("0123456789") == part.npos && read_integer(part, 10, number);
    path.push_back(is_number ? number : run.text(part));
    if (dot == rest.size()) return path;
    rest.remove_prefix(dot + 1);
  }
}
[[nodiscard]] inline value follow(evaluation& run, value item, const values& path, const value* otherwise = nullptr) {
  for (const value& key : path) {
    item = run.item(run, item, key);
    if (otherwise != nullptr && item.is_undefined()) item = *otherwise;
  }
  return item;
}
[[nodiscard]] inline value key_for(evaluation& run, const value& key, bool case_sensitive) {
  return !case_sensitive && key.is_text() ? with_case(run, key, case_change::lower) : key;
}

/// A stream over the items of `source`; over none if that is false, as jinja2's own filters do it.
[[nodiscard]] inline value stream_of(evaluation& run, const value& source, stream_object::step_function step,
                                     values parts = {}) {
  run.make(sizeof(stream_object) + parts.size() * sizeof(value));
  auto* made = new stream_object;
  value result(made);
  made->depth = std::max(source.depth(), depth_of(parts)) + 1;
  run.check_depth(made->depth);
  made->in = cursor(run, is_true(source) ? source : value());
  made->step = step;
  made->parts = std::move(parts);
  return result;
}
inline bool pass_on(evaluation& run, stream_object& one, value& out) { return one.in.next(run, out); }
[[nodiscard]] inline value stream_of(evaluation& run, values items) {
  return stream_of(run, run.list(std::move(items)), pass_on);
}

inline value list(evaluation& run, const value& v, arguments&) { return run.list(items_from(run, v)); }
inline value length(evaluation& run, const value& v, arguments&) {
  if (v.is_text()) run.look(chars_of(v).size());
  if (v.is(kind::loop)) return run.attribute(run, v, run.text("length"));
  const std::int64_t n = length_of(v);
  if (n < 0) run.fail("something with a length", type_name(v));
  return value(n);
}
inline value first(evaluation& run, const value& v, arguments&) {
  cursor items(run, v);
  value item;
  return items.next(run, item) ? item : run.undefined("no first item: the sequence is empty");
}
inline value last(evaluation& run, const value& v, arguments&) {
  if (v.is(kind::dict)) {
    const auto& entries = dict_of(v).entries;
    return entries.empty() ? run.undefined("no last item: the sequence is empty") : entries.back().first;
  }
  if (v.is_undefined()) return run.undefined("no last item: the sequence is empty");
  if (!v.is_text() && !v.is_sequence() && !v.is(kind::range)) run.fail("something with a last item", type_name(v));
  value item = run.item(run, v, value(-1));
  return item.is(kind::undefined) && length_of(v) == 0 ? run.undefined("no last item: the sequence is empty") : item;
}
inline value reverse(evaluation& run, const value& v, arguments&) {
  if (v.is_text()) return slice_of(run, v, value(), value(), value(-1));
  values items = items_from(run, v);
  std::reverse(items.begin(), items.end());
  return v.is(kind::stream) ? run.list(std::move(items)) : stream_of(run, std::move(items));
}
inline value default_value(evaluation& run, const value& v, arguments& given) {
  const parameters<2> found(run, "default", given, {"default_value", "boolean"}, 0);
  if (!v.is_undefined() && !(flag(found[1], false) && !is_true(v))) return v;
  return found.has(0) ? *found[0] : run.text("", true);
}
inline value items(evaluation& run, const value& v, arguments&) {
  if (v.is_undefined()) return stream_of(run, v, pass_on);
  if (!v.is(kind::dict)) run.fail("a dict to take pairs from", type_name(v));
  arguments none;
  return stream_of(run, plain_methods::dict_view<view_object::part::items>(run, v, none), pass_on);
}
inline value join(evaluation& run, const value& v, arguments& given) {
  const parameters<2> found(run, "join", given, {"d", "attribute"}, 0);
  const values path = path_of(run, found[1]);
  values parts = items_from(run, v);
  for (value& part : parts) part = to_text(run, follow(run, std::move(part), path));
  return joined(run, parts, found.has(0) ? to_text(run, *found[0]) : run.text("", true));
}

/// Items with the keys that they are sorted by.
struct keyed {
  value key;
  value item;
};
[[nodiscard]] inline values sorted_by_key(evaluation& run, std::vector<keyed> pairs, bool reverse) {
  run.make(pairs.size(), sizeof(keyed));
  stable_sort_items(pairs, reverse, [&](const keyed& a, const keyed& b) { return compare(run, a.key, b.key) == -1; });
  values items;
  items.reserve(pairs.size());
  for (keyed& pair : pairs) items.push_back(std::move(pair.item));
  return items;
}
inline value sort(evaluation& run, const value& v, arguments& given) {
  const parameters<3> found(run, "sort", given, {"reverse", "case_sensitive", "attribute"}, 0);
  const bool case_sensitive = flag(found[1], false);
  std::vector<values> paths;
  if (found.has(2) && found[2]->is_text()) {
    const value all = split_at(run, *found[2], ",", false, static_cast<std::size_t>(-1));
    for (const value& one : items_of(all)) paths.push_back(path_of(run, &one));
  } else {
    paths.push_back(path_of(run, found[2]));
  }
  std::vector<keyed> pairs;
  for (value& item : items_from(run, v)) {
    values keys;
    for (const auto& path : paths) keys.push_back(key_for(run, follow(run, item, path), case_sensitive));
    pairs.push_back({run.list(std::move(keys)), std::move(item)});
  }
  return run.list(sorted_by_key(run, std::move(pairs), flag(found[0], false)));
}
inline value sort_dict(evaluation& run, const value& v, arguments& given) {
  const parameters<3> found(run, "dictsort", given, {"case_sensitive", "by", "reverse"}, 0);
  const std::string_view by = found.has(1) && found[1]->is_text() ? chars_of(*found[1]) : found.has(1) ? "?" : "key";
  if (by != "key" && by != "value") run.fail("'key' or 'value' to sort by", printable(by));
  if (v.is_undefined()) fail_undefined(run, v);
  if (!v.is(kind::dict)) run.fail("a dict to sort", type_name(v));
  std::vector<keyed> pairs;
  for (const auto& [key, item] : dict_of(v).entries) {
    run.step();
    pairs.push_back({key_for(run, by == "key" ? key : item, flag(found[0], false)), run.tuple({key, item})});
  }
  return run.list(sorted_by_key(run, std::move(pairs), flag(found[2], false)));
}
template <int Wanted>
value extreme(evaluation& run, const value& v, arguments& given) {
  const parameters<2> found(run, Wanted < 0 ? "min" : "max", given, {"case_sensitive", "attribute"}, 0);
  const values path = path_of(run, found[1]);
  cursor items(run, v);
  value best;
  value best_key;
  value item;
  while (items.next(run, item)) {
    value key = key_for(run, follow(run, item, path), flag(found[0], false));
    if (!best_key.is(kind::missing) && compare(run, key, best_key) != Wanted) continue;
    best = item;
    best_key = std::move(key);
  }
  return best_key.is(kind::missing) ? run.undefined("no aggregated item: the sequence is empty") : best;
}
inline bool next_unique(evaluation& run, stream_object& one, value& out) {
  while (one.in.next(run, out)) {
    const value key = key_for(run, follow(run, out, items_of(one.parts[1])), one.flag);
    need_hashable(run, key);
    auto& seen = one.parts[0].as<dict_object>();
    if (seen.find(key) != dict_object::none) continue;
    run.make(sizeof(dict_object::entry));
    seen.set(key, value(true));
    return true;
  }
  return false;
}
inline value unique(evaluation& run, const value& v, arguments& given) {
  const parameters<2> found(run, "unique", given, {"case_sensitive", "attribute"}, 0);
  value seen(new dict_object);
  value result = stream_of(run, v, next_unique, {seen, run.list(path_of(run, found[1]))});
  result.as<stream_object>().flag = flag(found[0], false);
  return result;
}
inline value sum(evaluation& run, const value& v, arguments& given) {
  const parameters<2> found(run, "sum", given, {"attribute", "start"}, 0);
  const values path = path_of(run, found[0]);
  value total = found.has(1) ? *found[1] : value(0);
  if (total.is_text()) run.fail("a start that is no text", "text");
  cursor items(run, v);
  value item;
  while (items.next(run, item)) total = arithmetic(run, sign::add, total, follow(run, item, path));
  return total;
}
inline value batch(evaluation& run, const value& v, arguments& given) {
  const parameters<2> found(run, "batch", given, {"linecount", "fill_with"}, 1);
  const std::int64_t size = need_whole(run, *found[0], "linecount");
  values rows;
  values row;
  for (value& item : items_from(run, v)) {
    if (static_cast<std::int64_t>(row.size()) == size) rows.push_back(run.list(std::exchange(row, {})));
    row.push_back(std::move(item));
  }
  if (!row.empty()) {
    if (some(found[1]) != nullptr && static_cast<std::int64_t>(row.size()) < size) {
      run.make(static_cast<std::size_t>(size), sizeof(value));
      row.resize(static_cast<std::size_t>(size), *found[1]);
    }
    rows.push_back(run.list(std::move(row)));
  }
  return stream_of(run, std::move(rows));
}
inline value slice(evaluation& run, const value& v, arguments& given) {
  const parameters<2> found(run, "slice", given, {"slices", "fill_with"}, 1);
  const std::int64_t n = need_whole(run, *found[0], "slices");
  const values all = items_from(run, v);
  if (n == 0) run.fail("slices above 0", "0");
  values rows;
  if (n > 0) run.make(static_cast<std::size_t>(n), 80);
  const auto size = static_cast<std::int64_t>(all.size());
  std::int64_t begin = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const bool has_extra = i < size % n;
    const std::int64_t end = begin + size / n + (has_extra ? 1 : 0);
    values row(all.data() + begin, all.data() + end);
    if (some(found[1]) != nullptr && !has_extra) row.push_back(*found[1]);
    rows.push_back(run.list(std::move(row)));
    begin = end;
  }
  return stream_of(run, std::move(rows));
}
inline value group_by(evaluation& run, const value& v, arguments& given) {
  const parameters<3> found(run, "groupby", given, {"attribute", "default", "case_sensitive"}, 1);
  const values path = path_of(run, found[0]);
  const value* otherwise = some(found[1]);
  const bool case_sensitive = flag(found[2], false);
  std::vector<keyed> pairs;
  for (value& item : items_from(run, v)) {
    pairs.push_back({key_for(run, follow(run, item, path, otherwise), case_sensitive), std::move(item)});
  }
  values items;
  stable_sort_items(pairs, false, [&](const keyed& a, const keyed& b) { return compare(run, a.key, b.key) == -1; });
  values groups;
  for (std::size_t i = 0; i < pairs.size();) {
    const value key = pairs[i].key;
    values members;
    while (i < pairs.size() && equal(run, pairs[i].key, key)) members.push_back(std::move(pairs[i++].item));
    if (members.empty()) members.push_back(std::move(pairs[i++].item));  // a key that is not equal to itself
    const value shown = case_sensitive ? key : follow(run, members.front(), path, otherwise);
    value group = run.tuple({shown, run.list(std::move(members))});
    group.as<sequence_object>().is_group = true;
    groups.push_back(std::move(group));
  }
  return run.list(std::move(groups));
}

/// A filter by the name that map() was given, or a test by that of select().
template <class Entry>
const Entry& entry_named(evaluation& run, const value& name, const void* (*find)(std::string_view) noexcept,
                         const char* what) {
  const void* found = name.is_text() ? find(chars_of(name)) : nullptr;
  if (found == nullptr)
    run.fail(concat("the name of a ", what), name.is_text() ? printable(chars_of(name)) : std::string(type_name(name)));
  return *static_cast<const Entry*>(found);
}
inline bool next_attribute(evaluation& run, stream_object& one, value& out) {
  if (!one.in.next(run, out)) return false;
  out = follow(run, std::move(out), items_of(one.parts[0]), one.parts.size() > 1 ? &one.parts[1] : nullptr);
  return true;
}
inline bool next_filtered(evaluation& run, stream_object& one, value& out) {
  if (!one.in.next(run, out)) return false;
  arguments given = one.given;
  out = static_cast<const filter_entry*>(one.what)->apply(run, out, given);
  return true;
}
/// The arguments that go to each item's filter or test: all but the first `n`.
inline void hand_on(evaluation& run, value& stream, const arguments& given, std::size_t n) {
  auto& one = stream.as<stream_object>();
  one.given.positional.assign(given.positional.begin() + static_cast<std::ptrdiff_t>(n), given.positional.end());
  one.given.named = given.named;
  for (const value& item : one.given.positional) one.depth = std::max(one.depth, item.depth() + 1);
  for (const auto& [name, item] : one.given.named) one.depth = std::max(one.depth, item.depth() + 1);
  run.check_depth(one.depth);
}
inline value map(evaluation& run, const value& v, arguments& given) {
  if (given.positional.empty()) {
    const parameters<2> found(run, "map", given, {"attribute", "default"}, 1);
    values parts = {run.list(path_of(run, found[0]))};
    if (some(found[1]) != nullptr) parts.push_back(*found[1]);
    return stream_of(run, v, next_attribute, std::move(parts));
  }
  value result = stream_of(run, v, next_filtered);
  result.as<stream_object>().what = &entry_named<filter_entry>(run, given.positional[0], run.find_filter, "filter");
  hand_on(run, result, given, 1);
  return result;
}
inline bool next_selected(evaluation& run, stream_object& one, value& out) {
  while (one.in.next(run, out)) {
    const value subject = one.parts.empty() ? out : follow(run, out, items_of(one.parts[0]));
    arguments given = one.given;
    const bool holds = one.what == nullptr ? is_true(subject)
                                           : test_holds(run, *static_cast<const test_entry*>(one.what), subject, given);
    if (holds != one.flag) return true;
  }
  return false;
}
template <bool Rejects, bool OfAttribute>
value select(evaluation& run, const value& v, arguments& given) {
  constexpr std::size_t off = OfAttribute ? 1 : 0;
  if (given.positional.size() < off) run.fail("the name of an attribute", "none");
  values parts;
  if (OfAttribute) parts.push_back(run.list(path_of(run, given.positional.data())));
  value result = stream_of(run, v, next_selected, std::move(parts));
  result.as<stream_object>().flag = Rejects;
  if (given.positional.size() > off) {
    result.as<stream_object>().what = &entry_named<test_entry>(run, given.positional[off], find_test, "test");
    hand_on(run, result, given, off + 1);
  }
  return result;
}
inline value attribute(evaluation& run, const value& v, arguments& given) {
  const parameters<1> found(run, "attr", given, {"name"}, 1);
  const value name = need_text(run, *found[0], "the name of an attribute");
  if (v.is(kind::dict) && find_method(v, chars_of(name)) == nullptr && !is_forbidden(v, chars_of(name))) {
    return run.undefined(type_name(v), name);  // a key is no attribute
  }
  return run.attribute(run, v, name);
}

}  // namespace filters

}  // namespace quipu::text::jinja
