/// @file Finds the place of every variable of a template before it runs, as jinja2's compiler does.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <quipu/core/error.hpp>      // concat
#include <quipu/core/printable.hpp>  // names in messages
#include <quipu/text/jinja/error.hpp>
#include <quipu/text/jinja/symbols.hpp>
#include <quipu/text/jinja/syntax.hpp>

namespace quipu::text::jinja {

/// Which variable a name means is settled by where it stands, not by what has run: jinja2 turns templates into Python
/// functions (see its idtracking.py and compiler.py). A scope that assigns to a name gets a variable of its own, which
/// begins as the outer one's copy; a macro shares the variables around it, as they are when it runs.
class scope_analysis : private scope_symbols {
 public:
  using find_function = const void* (*)(std::string_view name);

  scope_analysis(syntax_tree& tree, std::string_view place, find_function find_filter, find_function find_test)
      : tree_(tree), place_(place), find_filter_(find_filter), find_test_(find_test) {}

  /// Fills in every place, scope, filter and test of the tree.
  /// @throws template_error  syntax: a filter or test that does not exist, outside of `if`
  void run() {
    function_state root{*tree_.root};
    symbols names{root};
    visit(names, tree_.root->body);
    resolve(names, tree_.root->body, false);
    finish(names, tree_.root->outermost);
    tree_.root->n_slot = root.n_slot;
    tree_.root_slot.assign(tree_.name_of.size(), function_code::no_slot);
    for (const auto& [name, one] : names.names) tree_.root_slot[name] = one.ref.index;
  }

 private:
  // First walk: which names a scope uses; inner scopes wait for their turn.

  static void visit(symbols& in, const node* one) {
    if (one == nullptr) return;
    if (one->what == node_kind::name) return use(in, one->name);
    visit(in, one->first);
    for (const node* item : one->items) visit(in, item);
    if (one->call == nullptr) return;
    for (const node* given : one->call->positional) visit(in, given);
    for (const auto& [name, given] : one->call->named) visit(in, given);
    visit(in, one->call->star);
    visit(in, one->call->star_star);
  }
  static void visit_target(symbols& in, const node& target, bool is_parameter) {
    if (target.what == node_kind::tuple) {
      for (const node* part : target.items) visit_target(in, *part, is_parameter);
    } else if (target.what == node_kind::namespace_part) {
      use(in, target.first->name);
    } else if (is_parameter) {
      declare_parameter(in, target.name);
    } else {
      store(in, target.name);
    }
  }
  static void visit(symbols& in, const std::vector<statement*>& body) {
    for (const statement* one : body) visit(in, *one);
  }
  static void visit(symbols& in, const statement& one) {
    switch (one.what) {
      case tag::output:
        for (const node* item : one.items) visit(in, item);
        break;
      case tag::condition: visit_branches(in, one); break;
      case tag::loop:
      case tag::call:
      case tag::filter:
      case tag::loader: visit(in, one.subject); break;
      case tag::set:
        visit(in, one.subject);
        visit_target(in, *one.target, false);
        break;
      case tag::set_block: visit_target(in, *one.target, false); break;
      case tag::macro: store(in, one.target->name); break;
      case tag::with:
        for (std::size_t i = 1; i < one.items.size(); i += 2) visit(in, one.items[i]);
        break;
      default: break;
    }
  }
  static void visit_branches(symbols& in, const statement& one) {
    visit(in, one.branches[0].test);
    symbols parts[] = {symbols(symbols::branch_of{in}), symbols(symbols::branch_of{in}),
                       symbols(symbols::branch_of{in})};
    visit(parts[0], one.branches[0].body);
    for (std::size_t i = 1; i < one.branches.size(); ++i) {
      // An elif is an `if` without else to jinja2.
      visit(parts[1], one.branches[i].test);
      symbols inner[] = {symbols(symbols::branch_of{parts[1]})};
      visit(inner[0], one.branches[i].body);
      join(parts[1], inner, 1);
    }
    visit(parts[2], one.otherwise);
    join(in, parts, 3);
  }
  // Second walk: places of variables, inner scopes, filters and tests. `soft` is jinja2's word for inside an `if`.

  void resolve(symbols& in, node* one, bool soft) {
    if (one == nullptr) return;
    if (one->what == node_kind::name) {
      use(in, one->name);  // every name was seen before; filters of set blocks were not
      one->place = slot_of(in.function, *find(&in, one->name));
      return;
    }
    soft = soft || one->what == node_kind::conditional;
    if (one->what == node_kind::filter || one->what == node_kind::test) {
      const bool is_filter = one->what == node_kind::filter;
      one->entry = (is_filter ? find_filter_ : find_test_)(chars_of(one->constant));
      if (one->entry == nullptr && !soft) {
        throw template_error(
            error_kind::syntax, place_, one->line,
            concat("expected a known ", is_filter ? "filter" : "test", ", found ", printable(chars_of(one->constant))));
      }
    }
    resolve(in, one->first, soft);
    for (node* item : one->items) resolve(in, item, soft);
    if (one->call == nullptr) return;
    for (node* given : one->call->positional) resolve(in, given, soft);
    for (const auto& [name, given] : one->call->named) resolve(in, given, soft);
    resolve(in, one->call->star, soft);
    resolve(in, one->call->star_star, soft);
  }
  void resolve(symbols& in, const std::vector<statement*>& body, bool soft) {
    for (statement* one : body) resolve(in, *one, soft);
  }
  void resolve(symbols& in, statement& one, bool soft) {
    switch (one.what) {
      case tag::output:
        for (node* item : one.items) resolve(in, item, soft);
        break;
      case tag::condition:
        for (auto& branch : one.branches) {
          resolve(in, branch.test, true);
          resolve(in, branch.body, true);
        }
        resolve(in, one.otherwise, true);
        break;
      case tag::loop: resolve_loop(in, one, soft); break;
      case tag::set:
        resolve(in, one.subject, soft);
        resolve(in, one.target, soft);
        break;
      case tag::set_block:
      case tag::filter: {
        symbols inner(in.function, in);
        visit(inner, one.body);
        visit(inner, one.subject);
        resolve(inner, one.body, false);
        resolve(inner, one.subject, false);
        if (one.target != nullptr) resolve(in, one.target, soft);
        finish(inner, one.inner);
        break;
      }
      case tag::with: {
        symbols inner(in.function, in);
        for (std::size_t i = 0; i < one.items.size(); i += 2) visit_target(inner, *one.items[i], true);
        visit(inner, one.body);
        for (std::size_t i = 0; i < one.items.size(); ++i)
          resolve(i % 2 == 0 ? inner : in, one.items[i], i % 2 != 0 && soft);
        resolve(inner, one.body, false);
        finish(inner, one.inner);
        break;
      }
      case tag::macro:
        one.place = slot_of(in.function, *find(&in, one.target->name));
        resolve_function(in, one);
        break;
      case tag::call: resolve(in, one.subject, soft); [[fallthrough]];
      case tag::generation: resolve_function(in, one); break;
      case tag::block: {
        function_state function(*one.function);
        symbols names(function);
        visit(names, one.function->body);
        resolve(names, one.function->body, false);
        finish(names, one.function->outermost);
        one.function->n_slot = function.n_slot;
        break;
      }
      case tag::loader: resolve(in, one.subject, soft); break;
      default: break;
    }
  }
  void resolve_function(symbols& in, statement& one) {
    function_code& code = *one.function;
    function_state function(code, &in.function);
    symbols names(function, in);
    for (auto& parameter : code.parameters) parameter.index = declare_parameter(names, parameter.id);
    if (code.explicit_caller && code.caller != function_code::no_slot) {
      for (const auto& parameter : code.parameters) {
        if (chars_of(parameter.name) != "caller" || parameter.fallback != nullptr) continue;
        throw template_error(error_kind::syntax, place_, one.line,
                             "expected a default value of the parameter 'caller', found none");
      }
    }
    const auto declare = [&](std::uint32_t& place, std::string_view name) {
      if (place == function_code::no_slot) return;
      place = function_code::no_slot;
      const std::uint32_t id = tree_.name_id(name);
      for (const auto& parameter : code.parameters) {
        if (parameter.id == id) return;
      }
      place = declare_parameter(names, id);
    };
    declare(code.caller, "caller");
    declare(code.kwargs, "kwargs");
    declare(code.varargs, "varargs");
    for (const auto& parameter : code.parameters) visit(names, parameter.fallback);
    visit(names, code.body);
    for (const auto& parameter : code.parameters) resolve(names, parameter.fallback, false);
    resolve(names, code.body, false);
    finish(names, code.outermost);
    code.n_slot = function.n_slot;
  }
  void resolve_loop(symbols& in, statement& one, bool soft) {
    resolve(in, one.subject, soft);
    if (!one.recursive) return resolve_loop_in(in.function, in, one);
    function_state function(*one.function, &in.function);
    resolve_loop_in(function, in, one);
    one.function->n_slot = function.n_slot;
  }
  void resolve_loop_in(function_state& function, symbols& in, statement& one) {
    if (one.test != nullptr) {
      // The test runs between two turns of the loop: it has variables of its own.
      symbols names(function, in, true);
      visit_target(names, *one.target, true);
      visit(names, one.test);
      resolve(names, one.test, false);
      one.test_target = copy_of(*one.target);
      resolve(names, one.test_target, false);
      finish(names, one.test_scope);
    }
    symbols names(function, in);
    if (one.uses_loop) one.loop_index = declare_parameter(names, tree_.name_id("loop"));
    visit_target(names, *one.target, true);
    visit(names, one.body);
    resolve(names, one.target, false);
    resolve(names, one.body, false);
    finish(names, one.inner);
    if (one.otherwise.empty()) return;
    symbols others(function, in);
    visit(others, one.otherwise);
    resolve(others, one.otherwise, false);
    finish(others, one.else_scope);
  }
  [[nodiscard]] node* copy_of(const node& target) {
    node& copy = tree_.nodes.emplace_back();
    copy.what = target.what;
    copy.line = target.line;
    copy.name = target.name;
    copy.constant = target.constant;
    for (const node* item : target.items) copy.items.push_back(copy_of(*item));
    return &copy;
  }
  void finish(const symbols& names, scope& out) const {
    for (const auto& [name, one] : names.names) {
      if (!one.has_load || one.is_parameter) continue;
      load made;
      made.source = one.source;
      made.index = one.ref.index;
      if (one.source == load::from::outer) made.outer = slot_of(names.function, one.outer);
      if (one.source == load::from::given) made.name = name;
      out.loads.push_back(made);
    }
  }

  syntax_tree& tree_;
  std::string_view place_;
  find_function find_filter_;
  find_function find_test_;
};

}  // namespace quipu::text::jinja
