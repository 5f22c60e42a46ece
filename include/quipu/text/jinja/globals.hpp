/// @file The functions that every template has: range, namespace, dict, cycler, joiner, raise_exception, strftime_now.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/text/jinja/access.hpp>
#include <quipu/text/jinja/date_text.hpp>
#include <quipu/text/jinja/evaluation.hpp>
#include <quipu/text/jinja/iteration.hpp>
#include <quipu/text/jinja/python_text.hpp>
#include <quipu/text/jinja/value.hpp>

namespace quipu::text::jinja {

/// Gives its items in turn.
struct cycler_object : object {
  cycler_object() noexcept : object(kind::cycler, destroy_as<cycler_object>) {}
  values items;
  std::size_t at = 0;
};

/// Empty the first time, its separator then.
struct joiner_object : object {
  joiner_object() noexcept : object(kind::joiner, destroy_as<joiner_object>) {}
  value separator;
  bool used = false;
};

namespace globals {

inline constexpr std::int64_t longest_range = 100000;  // jinja2's sandbox

inline value range(evaluation& run, arguments& given) {
  text_methods::need_places(run, given, 1, 3);
  const auto& places = given.positional;
  std::int64_t start = places.size() > 1 ? need_whole(run, places[0], "a start") : 0;
  const std::int64_t stop = need_whole(run, places.size() > 1 ? places[1] : places[0], "a stop");
  const std::int64_t step = places.size() > 2 ? need_whole(run, places[2], "a step") : 1;
  if (step == 0) run.fail("a step other than 0", "0");
  const std::uint64_t stride = step < 0 ? ~static_cast<std::uint64_t>(step) + 1 : static_cast<std::uint64_t>(step);
  const bool has_items = step > 0 ? start < stop : start > stop;
  const std::uint64_t span = step > 0 ? static_cast<std::uint64_t>(stop) - static_cast<std::uint64_t>(start)
                                      : static_cast<std::uint64_t>(start) - static_cast<std::uint64_t>(stop);
  const std::uint64_t length = has_items ? (span - 1) / stride + 1 : 0;
  if (length > longest_range) {
    run.fail(error_kind::limits, concat("expected a range of at most ", std::to_string(longest_range), " items, found ",
                                        std::to_string(length)));
  }
  run.make(sizeof(range_object));
  auto* made = new range_object;
  value result(made);
  made->start = start;
  made->stop = stop;
  made->step = step;
  made->length = static_cast<std::int64_t>(length);
  return result;
}
/// Arguments of dict() and namespace() as a dict.
[[nodiscard]] inline value dict(evaluation& run, arguments& given) {
  if (given.positional.size() > 1)
    run.fail("at most one dict or list of pairs", std::to_string(given.positional.size()));
  run.make(96);
  auto* made = new dict_object;
  value result(made);
  const auto set = [&](const value& key, const value& item) {
    need_hashable(run, key);
    run.make(sizeof(dict_object::entry));
    made->set(key, item);
  };
  if (!given.positional.empty() && given.positional[0].is(kind::dict)) {
    for (const auto& [key, item] : dict_of(given.positional[0]).entries) set(key, item);
  } else if (!given.positional.empty()) {
    cursor pairs(run, given.positional[0]);
    value pair;
    while (pairs.next(run, pair)) {
      const values parts = items_from(run, pair);
      if (parts.size() != 2) run.fail("pairs of key and value", concat(std::to_string(parts.size()), " items"));
      set(parts[0], parts[1]);
    }
  }
  for (const auto& [name, item] : given.named) set(name, item);
  run.check_depth(made->depth);
  return result;
}
inline value make_namespace(evaluation& run, arguments& given) {
  value names = dict(run, given);
  run.make(sizeof(space_object));
  auto* made = new space_object;
  value result(made);
  run.keep(*made);
  made->names = std::move(names);
  return result;
}
inline value cycler(evaluation& run, arguments& given) {
  if (!given.named.empty() || given.positional.empty())
    run.fail("at least one item for cycler, none by name", "others");
  run.make(sizeof(cycler_object) + given.positional.size() * sizeof(value));
  auto* made = new cycler_object;
  value result(made);
  made->depth = depth_of(given.positional) + 1;
  run.check_depth(made->depth);
  made->items = given.positional;
  return result;
}
inline value joiner(evaluation& run, arguments& given) {
  const parameters<1> found(run, "joiner", given, {"sep"}, 0);
  run.make(sizeof(joiner_object));
  auto* made = new joiner_object;
  value result(made);
  made->separator = found.has(0) ? *found[0] : run.text(", ", true);
  made->depth = made->separator.depth() + 1;
  run.check_depth(made->depth);
  return result;
}
inline value raise_exception(evaluation& run, arguments& given) {
  const parameters<1> found(run, "raise_exception", given, {"message"}, 1);
  const value message = to_text(run, *found[0]);
  run.fail(error_kind::raised, concat("the template refuses: ", printable(chars_of(message))),
           std::string(chars_of(message)));
}
inline value strftime_now(evaluation& run, arguments& given) {
  const parameters<1> found(run, "strftime_now", given, {"format"}, 1);
  const std::string_view format = chars_of(need_text(run, *found[0], "a format"));
  run.look(format.size());
  return run.text(date_text(run, date_now(run.clock()), format));
}
inline value lipsum(evaluation& run, arguments&) {
  run.fail("a function that this library has", "lipsum, which is not supported here");
}

inline constexpr builtin_function entries[] = {{"range", range},
                                               {"namespace", make_namespace},
                                               {"dict", dict},
                                               {"cycler", cycler},
                                               {"joiner", joiner},
                                               {"lipsum", lipsum},
                                               {"raise_exception", raise_exception},
                                               {"strftime_now", strftime_now}};

inline value next_of_cycler(evaluation& run, const value& self, arguments& given) {
  text_methods::need_places(run, given, 0, 0);
  auto& one = self.as<cycler_object>();
  value item = one.items[one.at];
  one.at = (one.at + 1) % one.items.size();
  return item;
}
inline value reset_cycler(evaluation& run, const value& self, arguments& given) {
  text_methods::need_places(run, given, 0, 0);
  self.as<cycler_object>().at = 0;
  return value::none();
}
inline constexpr method_entry cycler_next = {"next", next_of_cycler};
inline constexpr method_entry cycler_reset = {"reset", reset_cycler};

}  // namespace globals

/// A function that every template has, or missing.
[[nodiscard]] inline value find_global(std::string_view name) noexcept {
  for (const builtin_function& one : globals::entries) {
    if (one.name == name) return value(one);
  }
  return {};
}

/// Attributes of what the functions here give.
[[nodiscard]] inline value global_attribute(evaluation& run, const value& of, const value& name) {
  const std::string_view chars = chars_of(name);
  if (of.is(kind::cycler)) {
    const auto& one = of.as<cycler_object>();
    if (chars == "next") return method_of(run, of, globals::cycler_next);
    if (chars == "reset") return method_of(run, of, globals::cycler_reset);
    if (chars == "current") return one.items[one.at];
    if (chars == "items") return run.tuple(one.items);
    if (chars == "pos") return value(static_cast<std::int64_t>(one.at));
  }
  if (of.is(kind::joiner)) {
    if (chars == "sep") return of.as<joiner_object>().separator;
    if (chars == "used") return value(of.as<joiner_object>().used);
  }
  return plain_attribute(run, of, name);
}

}  // namespace quipu::text::jinja
