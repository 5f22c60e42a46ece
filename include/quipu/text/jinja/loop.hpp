/// @file What a running template keeps apart from its values: variables of functions, macros, and `loop`.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/text/jinja/access.hpp>
#include <quipu/text/jinja/evaluation.hpp>
#include <quipu/text/jinja/iteration.hpp>
#include <quipu/text/jinja/operators.hpp>
#include <quipu/text/jinja/syntax.hpp>
#include <quipu/text/jinja/value.hpp>

namespace quipu::text::jinja {

/// Variables of a running function.
struct frame_object : kept_object {
  explicit frame_object(frame_object* o) : kept_object(kind::frame, destroy_as<frame_object>), outer(o) {
    if (o != nullptr) holds_outer = value(o);
    clear = [](kept_object* one) {
      static_cast<frame_object*>(one)->slots.clear();
      static_cast<frame_object*>(one)->holds_outer = value();
    };
  }
  values slots;
  frame_object* outer;
  value holds_outer;
};

/// A macro, or the body of a call block, with the variables around it.
struct macro_object : object {
  macro_object(const function_code& c, value o)
      : object(kind::macro, destroy_as<macro_object>), code(c), outer(std::move(o)) {}
  const function_code& code;
  value outer;
};

/// `loop`: where a loop stands.
struct loop_object : kept_object {
  loop_object(cursor from, const statement& c, value f, std::int64_t level)
      : kept_object(kind::loop, destroy_as<loop_object>),
        in(std::move(from)),
        code(&c),
        frame(std::move(f)),
        depth0(level) {
    clear = [](kept_object* one) {
      auto* me = static_cast<loop_object*>(one);
      me->end();
      me->before = me->now = me->after = me->changed = value();
      me->in = cursor();
    };
  }

  cursor in;
  const statement* code;
  value frame;
  std::int64_t depth0;
  std::int64_t index0 = -1;
  std::int64_t known_length = -1;
  value before;
  value now;
  value after;  ///< an item that was looked at ahead of its turn; missing if none
  value changed;
  /// Gives items that pass the loop's test; null if there is none.
  bool (*next_item)(evaluation&, loop_object&, value&) = nullptr;

  /// What is left of the loop stays readable; its items are gone.
  void end() {
    frame = value();
    next_item = nullptr;
    if (code != nullptr && code->test != nullptr) in = cursor();
  }
  [[nodiscard]] bool next(evaluation& run, value& out) {
    if (!after.is(kind::missing)) {
      out = std::move(after);
      after = value();
    } else if (!(next_item != nullptr ? next_item(run, *this, out) : in.next(run, out))) {
      return false;
    }
    ++index0;
    before = std::move(now);
    now = out;
    return true;
  }
  /// Looks at the next item. @return false if there is none
  [[nodiscard]] bool peek(evaluation& run) {
    if (!after.is(kind::missing)) return true;
    value item;
    if (!(next_item != nullptr ? next_item(run, *this, item) : in.next(run, item))) return false;
    after = std::move(item);
    return true;
  }
  [[nodiscard]] std::int64_t length(evaluation& run) {
    if (known_length >= 0) return known_length;
    if (next_item == nullptr && in.source().is_text()) run.look(chars_of(in.source()).size());
    if (next_item == nullptr) known_length = length_of(in.source());
    if (known_length >= 0) return known_length;
    values rest;
    value item;
    while (next_item != nullptr ? next_item(run, *this, item) : in.next(run, item)) {
      run.make(sizeof(value));
      rest.push_back(std::exchange(item, value()));
    }
    known_length = static_cast<std::int64_t>(rest.size()) + index0 + 1 + (after.is(kind::missing) ? 0 : 1);
    in = cursor(run, run.list(std::move(rest)));
    next_item = nullptr;
    return known_length;
  }
};

namespace loops {

inline value cycle(evaluation& run, const value& self, arguments& given) {
  if (given.positional.empty() || !given.named.empty()) run.fail("items for cycle", "none");
  const auto at = static_cast<std::size_t>(self.as<loop_object>().index0);
  return given.positional[at % given.positional.size()];
}
inline value changed(evaluation& run, const value& self, arguments& given) {
  if (!given.named.empty()) run.fail("values without names for changed", "names");
  auto& one = self.as<loop_object>();
  value now = run.tuple(given.positional);
  if (one.changed.is(kind::tuple) && equal(run, one.changed, now)) return value(false);
  one.changed = std::move(now);
  return value(true);
}
inline constexpr method_entry cycle_entry = {"cycle", cycle};
inline constexpr method_entry changed_entry = {"changed", changed};

}  // namespace loops

/// `loop.name`.
[[nodiscard]] inline value loop_attribute(evaluation& run, const value& of, const value& name) {
  auto& one = of.as<loop_object>();
  const std::string_view chars = chars_of(name);
  if (chars == "index0") return value(one.index0);
  if (chars == "index") return value(one.index0 + 1);
  if (chars == "first") return value(one.index0 == 0);
  if (chars == "last") return value(!one.peek(run));
  if (chars == "length") return value(one.length(run));
  if (chars == "revindex") return value(one.length(run) - one.index0);
  if (chars == "revindex0") return value(one.length(run) - one.index0 - 1);
  if (chars == "depth") return value(one.depth0 + 1);
  if (chars == "depth0") return value(one.depth0);
  if (chars == "previtem") {
    if (one.index0 == 0 || one.before.is(kind::missing)) return run.undefined("there is no previous item");
    return one.before;
  }
  if (chars == "nextitem") return one.peek(run) ? one.after : run.undefined("there is no next item");
  if (chars == "cycle") return method_of(run, of, loops::cycle_entry);
  if (chars == "changed") return method_of(run, of, loops::changed_entry);
  return plain_attribute(run, of, name);
}

}  // namespace quipu::text::jinja
