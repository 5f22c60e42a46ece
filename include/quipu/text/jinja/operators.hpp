/// @file Truth, equality and order of values, and `in`.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <quipu/text/jinja/evaluation.hpp>
#include <quipu/text/jinja/iteration.hpp>
#include <quipu/text/jinja/python_text.hpp>  // space_object
#include <quipu/text/jinja/text_search.hpp>
#include <quipu/text/jinja/value.hpp>

namespace quipu::text::jinja {

/// Is it true in a condition?
[[nodiscard]] inline bool is_true(const value& v) noexcept {
  switch (v.what()) {
    case kind::missing:
    case kind::none:
    case kind::undefined: return false;
    case kind::boolean:
    case kind::integer: return v.integer() != 0;
    case kind::real: return v.real() != 0;
    case kind::text: return !chars_of(v).empty();
    case kind::list:
    case kind::tuple: return !items_of(v).empty();
    case kind::dict: return !dict_of(v).entries.empty();
    case kind::range: return v.as<range_object>().length != 0;
    case kind::view: return !dict_of(v.as<view_object>().dict).entries.empty();
    default: return true;
  }
}

/// Can the value be a key? Counts what hashing and comparing it cost, which for tuples of shared tuples is beyond all
/// bounds.
[[nodiscard]] inline bool can_be_key(evaluation& run, const value& key) {
  run.step();
  if (key.is_text()) run.look(chars_of(key).size());
  if (key.is(kind::tuple)) {
    const evaluation::deeper guard(run);
    for (const value& item : items_of(key)) {
      if (!can_be_key(run, item)) return false;
    }
  }
  return !key.is(kind::list) && !key.is(kind::dict) && !key.is(kind::view);
}
inline void need_hashable(evaluation& run, const value& key) {
  if (!can_be_key(run, key)) run.fail("a key that is no list or dict", type_name(key));
}

/// Python's `==`.
[[nodiscard]] inline bool equal(evaluation& run, const value& a, const value& b) {
  run.step();
  if (a.is_text() && b.is_text()) {
    run.look(chars_of(a).size() == chars_of(b).size() ? chars_of(a).size() : 0);
    return chars_of(a) == chars_of(b);
  }
  if (is_number(a) && is_number(b)) return compare_numbers(a, b) == 0;
  if (a.what() != b.what()) return a.is_undefined() && b.is_undefined();
  if (a.is_sequence()) {
    const evaluation::deeper guard(run);
    const auto& x = items_of(a);
    const auto& y = items_of(b);
    if (x.size() != y.size()) return false;
    if (&x == &y) return true;
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (!x[i].same(y[i]) && !equal(run, x[i], y[i])) return false;
    }
    return true;
  }
  if (a.is(kind::dict)) {
    const evaluation::deeper guard(run);
    const dict_object& x = dict_of(a);
    const dict_object& y = dict_of(b);
    if (x.entries.size() != y.entries.size()) return false;
    if (&x == &y) return true;
    for (const auto& [key, item] : x.entries) {
      (void)can_be_key(run, key);
      const value* other = y.get(key);
      if (other == nullptr || (!item.same(*other) && !equal(run, item, *other))) return false;
    }
    return true;
  }
  return a.is(kind::range) || a.is(kind::undefined) ? same_key(a, b) : a.same(b);
}

[[noreturn, gnu::cold]] inline void fail_order(const evaluation& run, const value& a, const value& b) {
  if (a.is_undefined()) fail_undefined(run, a);
  if (b.is_undefined()) fail_undefined(run, b);
  run.fail("two values that can be ordered", concat(type_name(a), " and ", type_name(b)));
}

/// Order of two values: -1, 0 or 1; 2 if NaN stands in the way.
[[nodiscard]] inline int compare(evaluation& run, const value& a, const value& b) {
  run.step();
  if (a.is_text() && b.is_text()) {
    run.look(chars_of(a).size());
    const int order = chars_of(a).compare(chars_of(b));
    return order < 0 ? -1 : order > 0 ? 1 : 0;
  }
  if (is_number(a) && is_number(b)) return compare_numbers(a, b);
  if (!a.is_sequence() || a.what() != b.what()) fail_order(run, a, b);
  const evaluation::deeper guard(run);
  const auto& x = items_of(a);
  const auto& y = items_of(b);
  for (std::size_t i = 0; i < x.size() && i < y.size(); ++i) {
    if (!x[i].same(y[i]) && !equal(run, x[i], y[i])) return compare(run, x[i], y[i]);
  }
  return x.size() < y.size() ? -1 : x.size() > y.size() ? 1 : 0;
}

/// Python's `item in container`.
[[nodiscard]] inline bool contains(evaluation& run, const value& container, const value& item) {
  run.step();
  switch (container.what()) {
    case kind::text:
      if (!item.is_text()) run.fail("text to look for in a text", type_name(item));
      run.look(chars_of(container).size());
      return find_text(chars_of(container), chars_of(item)) != std::string_view::npos;
    case kind::dict: need_hashable(run, item); return dict_of(container).find(item) != dict_object::none;
    case kind::list:
    case kind::tuple:
      for (const value& one : items_of(container)) {
        if (one.same(item) || equal(run, one, item)) return true;
      }
      return false;
    default: {
      cursor items(run, container);
      value one;
      while (items.next(run, one)) {
        if (one.same(item) || equal(run, one, item)) return true;
      }
      return false;
    }
  }
}

/// Sorts by `less(a, b)`, equal items in their order (in it too if `reverse`): a merge sort, so that an order that is
/// none (NaN) does no harm.
template <class Item, class Less>
void stable_sort_items(std::vector<Item>& items, bool reverse, const Less& less) {
  const std::size_t n = items.size();
  std::vector<Item> other(n);
  for (std::size_t width = 1; width < n; width *= 2) {
    for (std::size_t begin = 0; begin < n; begin += 2 * width) {
      const std::size_t middle = begin + width < n ? begin + width : n;
      const std::size_t end = begin + 2 * width < n ? begin + 2 * width : n;
      std::size_t left = begin;
      std::size_t right = middle;
      for (std::size_t to = begin; to < end; ++to) {
        const bool take_right =
            left == middle ||
            (right < end && (reverse ? less(items[left], items[right]) : less(items[right], items[left])));
        other[to] = std::move(items[take_right ? right++ : left++]);
      }
    }
    items.swap(other);
  }
}

}  // namespace quipu::text::jinja
