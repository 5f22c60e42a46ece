/// @file Works out the expressions of a running template.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/text/jinja/access.hpp>
#include <quipu/text/jinja/arithmetic.hpp>
#include <quipu/text/jinja/evaluation.hpp>
#include <quipu/text/jinja/filters.hpp>
#include <quipu/text/jinja/globals.hpp>
#include <quipu/text/jinja/iteration.hpp>
#include <quipu/text/jinja/loop.hpp>
#include <quipu/text/jinja/operators.hpp>
#include <quipu/text/jinja/python_text.hpp>
#include <quipu/text/jinja/syntax.hpp>
#include <quipu/text/jinja/tests.hpp>
#include <quipu/text/jinja/text_builder.hpp>
#include <quipu/text/jinja/value.hpp>

namespace quipu::text::jinja {

/// Expressions of a running template, and calls of its functions. What tags do is the evaluator's, and comes in through
/// `run_body` and `loop_call`.
class expression_evaluator : public evaluation {
 public:
  /// @param variables  a dict; outlives the evaluator, as the tree does
  expression_evaluator(const syntax_tree& tree, const value& variables, const limits& allowed, wall_clock clock,
                       std::string_view place)
      : evaluation(allowed, clock, place), tree_(tree), variables_(dict_of(variables)) {
    call = [](evaluation& run, const value& callee, arguments& given) { return of(run).call_value(callee, given); };
    attribute = [](evaluation& run, const value& subject, const value& name) {
      return of(run).attribute_of(subject, name);
    };
    find_filter = jinja::find_filter;
    item = [](evaluation& run, const value& subject, const value& key) { return of(run).item_of(subject, key); };
  }

 protected:
  static expression_evaluator& of(evaluation& run) noexcept { return static_cast<expression_evaluator&>(run); }

  [[nodiscard]] value make_frame(const function_code& code, frame_object* outer) {
    make(sizeof(frame_object) + code.n_slot * sizeof(value));
    auto* made = new frame_object(outer);
    value result(made);
    keep(*made);
    made->slots.resize(code.n_slot);
    return result;
  }
  /// Ends a function: nobody but a macro from inside can still want its variables.
  void leave_frame(value& frame) {
    auto& one = frame.as<frame_object>();
    if (one.refs == 2) drop(one);  // the registry and `frame`
    frame = value();
  }
  [[nodiscard]] static value& at(frame_object& frame, slot place) noexcept {
    frame_object* one = &frame;
    for (std::uint32_t i = 0; i < place.hops; ++i) one = one->outer;
    return one->slots[place.index];
  }
  [[nodiscard]] value given_variable(std::uint32_t name) {
    const std::uint32_t index = tree_.root_slot[name];
    if (index != function_code::no_slot && !root_->slots[index].is(kind::missing)) return root_->slots[index];
    const value& known = tree_.name_of[name];
    if (const value* found = variables_.get(known)) return *found;
    return find_global(chars_of(known));
  }
  void enter(const scope& names, frame_object& frame) {
    for (const load& one : names.loads) {
      step();
      switch (one.source) {
        case load::from::nowhere: frame.slots[one.index] = value(); break;
        case load::from::outer: frame.slots[one.index] = value(at(frame, one.outer)); break;
        case load::from::given: frame.slots[one.index] = given_variable(one.name); break;
      }
    }
  }

  // Expressions.

  [[nodiscard]] value evaluate(const node& n, frame_object& frame) {
    if (n.what == node_kind::constant) return n.constant;
    step();
    line = n.line;
    if (n.what == node_kind::name) {
      const value& found = at(frame, n.place);
      return found.is(kind::missing) ? undefined(nullptr, n.constant) : found;
    }
    const deeper guard(*this);
    switch (n.what) {
      case node_kind::list:
      case node_kind::tuple: return evaluate_items(n, frame);
      case node_kind::dict: return evaluate_dict(n, frame);
      case node_kind::attribute: return attribute_of(evaluate(*n.first, frame), n.constant);
      case node_kind::item: {
        const value of = evaluate(*n.first, frame);
        return item_of(of, evaluate(*n.items[0], frame));
      }
      case node_kind::slice: return evaluate_slice(n, frame);
      case node_kind::call: return evaluate_call(n, frame, nullptr);
      case node_kind::filter: return evaluate_filter(n, frame);
      case node_kind::test: return value(evaluate_test(n, frame));
      case node_kind::negative: return negated(*this, evaluate(*n.first, frame));
      case node_kind::positive: {
        const value of = evaluate(*n.first, frame);
        if (of.is_undefined()) fail_undefined(*this, of);
        if (!is_number(of)) fail("a number behind '+'", type_name(of));
        return of.is(kind::boolean) ? value(of.integer()) : of;
      }
      case node_kind::negation: return value(!is_true(evaluate(*n.first, frame)));
      case node_kind::all_of:
      case node_kind::any_of: {
        value result;
        for (const node* part : n.items) {
          result = evaluate(*part, frame);
          if (is_true(result) == (n.what == node_kind::any_of)) break;
        }
        return result;
      }
      case node_kind::arithmetic: {
        value result = evaluate(*n.items[0], frame);
        for (std::size_t i = 0; i < n.signs.size(); ++i) {
          const value right = evaluate(*n.items[i + 1], frame);
          step();
          line = n.line;
          result = arithmetic(*this, n.signs[i], result, right);
        }
        return result;
      }
      case node_kind::comparison: return value(evaluate_comparison(n, frame));
      case node_kind::concat: return evaluate_concat(n, frame);
      case node_kind::conditional: {
        if (is_true(evaluate(*n.first, frame))) return evaluate(*n.items[0], frame);
        if (n.items[1] != nullptr) return evaluate(*n.items[1], frame);
        return undefined(concat("the inline if of line ", std::to_string(n.line), " is false and has no else"));
      }
      default: return {};
    }
  }
  [[nodiscard, gnu::noinline]] value evaluate_items(const node& n, frame_object& frame) {
    values items;
    items.reserve(n.items.size());
    for (const node* one : n.items) items.push_back(evaluate(*one, frame));
    return sequence(n.what == node_kind::list ? kind::list : kind::tuple, std::move(items));
  }
  [[nodiscard, gnu::noinline]] value evaluate_dict(const node& n, frame_object& frame) {
    make(96 + n.items.size() / 2 * sizeof(dict_object::entry));
    auto* made = new dict_object;
    value result(made);
    for (std::size_t i = 0; i < n.items.size(); i += 2) {
      value key = evaluate(*n.items[i], frame);
      value set = evaluate(*n.items[i + 1], frame);
      need_hashable(*this, key);
      made->set(std::move(key), std::move(set));
    }
    check_depth(made->depth);
    return result;
  }
  [[nodiscard, gnu::noinline]] value evaluate_slice(const node& n, frame_object& frame) {
    const value of = evaluate(*n.first, frame);
    value parts[3];
    for (std::size_t i = 0; i < 3; ++i) {
      if (n.items[i] != nullptr) parts[i] = evaluate(*n.items[i], frame);
    }
    return slice_of(*this, of, parts[0], parts[1], parts[2]);
  }
  [[nodiscard, gnu::noinline]] bool evaluate_comparison(const node& n, frame_object& frame) {
    value left = evaluate(*n.items[0], frame);
    for (std::size_t i = 0; i < n.signs.size(); ++i) {
      value right = evaluate(*n.items[i + 1], frame);
      line = n.line;
      if (!holds(n.signs[i], left, right)) return false;
      left = std::move(right);
    }
    return true;
  }
  [[nodiscard]] bool holds(sign how, const value& a, const value& b) {
    switch (how) {
      case sign::equal: return equal(*this, a, b);
      case sign::unequal: return !equal(*this, a, b);
      case sign::in: return contains(*this, b, a);
      case sign::not_in: return !contains(*this, b, a);
      default: break;
    }
    const int order = compare(*this, a, b);
    switch (how) {
      case sign::less: return order == -1;
      case sign::less_equal: return order == -1 || order == 0;
      case sign::greater: return order == 1;
      default: return order == 1 || order == 0;
    }
  }
  [[nodiscard, gnu::noinline]] value evaluate_concat(const node& n, frame_object& frame) {
    values parts;
    parts.reserve(n.items.size());
    for (const node* one : n.items) parts.push_back(to_text(*this, evaluate(*one, frame)));
    std::size_t bytes = 0;
    for (const value& part : parts) bytes += chars_of(part).size();
    make(96 + bytes);
    text_builder out;
    out.reserve(bytes);
    for (const value& part : parts) out.append(text_of(part));
    return out.take();
  }
  [[nodiscard]] arguments evaluate_arguments(const call_arguments* call_of, frame_object& frame) {
    arguments given;
    if (call_of == nullptr) return given;
    given.positional.reserve(call_of->positional.size());
    for (const node* one : call_of->positional) given.positional.push_back(evaluate(*one, frame));
    if (call_of->star != nullptr) {
      for (value& one : items_from(*this, evaluate(*call_of->star, frame))) given.positional.push_back(std::move(one));
    }
    for (const auto& [name, one] : call_of->named) given.named.emplace_back(name, evaluate(*one, frame));
    if (call_of->star_star != nullptr) {
      const value names = evaluate(*call_of->star_star, frame);
      if (!names.is(kind::dict)) fail("a dict behind **", type_name(names));
      for (const auto& [name, one] : dict_of(names).entries) {
        if (!name.is_text()) fail("names that are text behind **", type_name(name));
        step(1 + given.named.size());
        for (const auto& [other, unused] : given.named) {
          if (chars_of(other) == chars_of(name))
            fail("every argument once", concat(printable(chars_of(name)), " twice"));
        }
        given.named.emplace_back(name, one);
      }
    }
    return given;
  }
  /// @param caller  the body of a call block, or null
  [[nodiscard, gnu::noinline]] value evaluate_call(const node& n, frame_object& frame, const value* caller) {
    value of;
    const method_entry* method = nullptr;
    if (n.first->what == node_kind::attribute) {
      const value subject = evaluate(*n.first->first, frame);
      method = find_method(subject, chars_of(n.first->constant));
      of = method != nullptr ? subject : attribute_of(subject, n.first->constant);
    } else {
      of = evaluate(*n.first, frame);
    }
    arguments given = evaluate_arguments(n.call, frame);
    if (caller != nullptr) given.named.emplace_back(tree_caller(), *caller);
    line = n.line;
    return method != nullptr ? method->call(*this, of, given) : call_value(of, given);
  }
  [[nodiscard, gnu::noinline]] value evaluate_filter(const node& n, frame_object& frame) {
    const value subject = n.first != nullptr ? evaluate(*n.first, frame) : block_text_;
    if (n.entry == nullptr) fail("a known filter", printable(chars_of(n.constant)));
    arguments given = evaluate_arguments(n.call, frame);
    line = n.line;
    return static_cast<const filter_entry*>(n.entry)->apply(*this, subject, given);
  }
  [[nodiscard, gnu::noinline]] bool evaluate_test(const node& n, frame_object& frame) {
    const value subject = evaluate(*n.first, frame);
    if (n.entry == nullptr) fail("a known test", printable(chars_of(n.constant)));
    arguments given = evaluate_arguments(n.call, frame);
    line = n.line;
    return test_holds(*this, *static_cast<const test_entry*>(n.entry), subject, given);
  }

  [[nodiscard]] value attribute_of(const value& of, const value& name) {
    switch (of.what()) {
      case kind::cycler:
      case kind::joiner: return global_attribute(*this, of, name);
      case kind::macro: {
        const function_code& code = of.as<macro_object>().code;
        if (chars_of(name) == "name") return code.name.is(kind::missing) ? value::none() : code.name;
        if (chars_of(name) == "arguments") {
          values names;
          for (const auto& parameter : code.parameters) names.push_back(parameter.name);
          return tuple(std::move(names));
        }
        if (chars_of(name) == "catch_kwargs") return value(code.kwargs != function_code::no_slot);
        if (chars_of(name) == "catch_varargs") return value(code.varargs != function_code::no_slot);
        if (chars_of(name) == "caller") return value(code.caller != function_code::no_slot);
        return plain_attribute(*this, of, name);
      }
      case kind::loop: return loop_attribute(*this, of, name);
      default: return plain_attribute(*this, of, name);
    }
  }
  [[nodiscard]] value item_of(const value& of, const value& key) {
    const bool has_no_items = of.is(kind::loop) || of.is(kind::macro) || of.is(kind::cycler) || of.is(kind::joiner);
    return has_no_items && key.is_text() ? attribute_of(of, key) : plain_item(*this, of, key);
  }
  [[nodiscard]] value call_value(const value& callee, arguments& given) {
    step();
    switch (callee.what()) {
      case kind::builtin: return callee.builtin().call(*this, given);
      case kind::method: {
        const auto& one = callee.as<method_object>();
        return one.entry.call(*this, one.self, given);
      }
      case kind::macro: return call_macro(callee, given);
      case kind::loop: return loop_call(*this, callee, given);
      case kind::joiner: {
        auto& one = callee.as<joiner_object>();
        return std::exchange(one.used, true) ? one.separator : text("", true);
      }
      case kind::missing:
      case kind::undefined: fail_undefined(*this, callee);
      default: fail("something that can be called", type_name(callee));
    }
  }
  [[nodiscard]] value tree_caller() {
    if (caller_name_.is(kind::missing)) caller_name_ = text("caller");
    return caller_name_;
  }

  // Functions.

  [[nodiscard]] value make_macro(const function_code& code, frame_object& frame) {
    make(sizeof(macro_object));
    return value(new macro_object(code, value(&frame)));
  }
  [[nodiscard, gnu::noinline]] value call_macro(const value& callee, arguments& given) {
    const deeper guard(*this);
    const value keeps_alive = callee;  // NOLINT(performance-unnecessary-copy-initialization)
    const function_code& code = keeps_alive.as<macro_object>().code;
    value frame = make_frame(code, &keeps_alive.as<macro_object>().outer.as<frame_object>());
    auto& inside = frame.as<frame_object>();
    bind(code, given, inside);
    enter(code.outermost, inside);
    for (const auto& parameter : code.parameters) {
      value& place = inside.slots[parameter.index];
      if (!place.is(kind::missing)) continue;
      value fallback = parameter.fallback != nullptr
                           ? evaluate(*parameter.fallback, inside)
                           : undefined(concat("parameter ", printable(chars_of(parameter.name)), " was not provided"));
      inside.slots[parameter.index] = std::move(fallback);
    }
    text_builder out;
    run_body(*this, code.body, inside, out);
    leave_frame(frame);
    return out.take();
  }
  void bind(const function_code& code, arguments& given, frame_object& frame) {
    const std::string name = code.name.is_text() ? printable(chars_of(code.name)) : std::string("the block");
    step(code.parameters.size() + given.named.size());
    const std::size_t n = code.parameters.size();
    for (std::size_t i = 0; i < n; ++i) {
      const auto& parameter = code.parameters[i];
      if (i < given.positional.size()) {
        frame.slots[parameter.index] = given.positional[i];
        continue;
      }
      take_named(given, chars_of(parameter.name), frame.slots[parameter.index]);
    }
    if (code.caller != function_code::no_slot) {
      value& caller = frame.slots[code.caller];
      if (!take_named(given, "caller", caller)) caller = undefined("No caller defined");
    }
    if (code.kwargs != function_code::no_slot) {
      arguments rest;
      rest.named = std::move(given.named);
      given.named.clear();
      frame.slots[code.kwargs] = globals::dict(*this, rest);
    } else if (!given.named.empty()) {
      fail(concat("an argument that ", name, " knows"), printable(chars_of(given.named[0].first)));
    }
    if (code.varargs != function_code::no_slot) {
      values rest;
      for (std::size_t i = n; i < given.positional.size(); ++i) rest.push_back(given.positional[i]);
      frame.slots[code.varargs] = tuple(std::move(rest));
    } else if (given.positional.size() > n) {
      fail(concat("at most ", std::to_string(n), " arguments of ", name), std::to_string(given.positional.size()));
    }
  }
  static bool take_named(arguments& given, std::string_view name, value& out) {
    for (std::size_t i = 0; i < given.named.size(); ++i) {
      if (chars_of(given.named[i].first) != name) continue;
      out = std::move(given.named[i].second);
      given.named.erase(given.named.begin() + static_cast<std::ptrdiff_t>(i));
      return true;
    }
    return false;
  }

  void (*run_body)(expression_evaluator&, const std::vector<statement*>& body, frame_object&,
                   text_builder& out) = nullptr;
  value (*loop_call)(expression_evaluator&, const value& callee, arguments&) = nullptr;

  const syntax_tree& tree_;
  const dict_object& variables_;
  frame_object* root_ = nullptr;
  value block_text_;  // what a filter block or set block has collected
  value caller_name_;
};

}  // namespace quipu::text::jinja
