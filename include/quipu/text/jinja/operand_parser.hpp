/// @file Reads what stands between operators: literals, names, brackets, subscripts, calls, filters and tests.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/text/jinja/error.hpp>
#include <quipu/text/jinja/lexer.hpp>
#include <quipu/text/jinja/python_text.hpp>  // read_integer, read_real
#include <quipu/text/jinja/string_literal.hpp>
#include <quipu/text/jinja/syntax.hpp>
#include <quipu/text/jinja/token_stream.hpp>

namespace quipu::text::jinja {

/// The operands of jinja2 3.1's grammar (see its parser.py). What is inside of brackets are whole expressions again, which
/// `expression_parser` reads.
class operand_parser : public token_stream {
 public:
  using token_stream::token_stream;

  virtual ~operand_parser() = default;

  [[nodiscard]] virtual node* parse_expression(bool with_conditional = true) = 0;

 protected:
  [[nodiscard]] node* parse_primary(bool with_namespace) {
    const deeper guard(*this);
    const token first = now();
    if (first.kind == token_kind::name) {
      pass();
      const std::string_view name = first.text;
      if (name == "true" || name == "True") return make_constant(value(true), first.line);
      if (name == "false" || name == "False") return make_constant(value(false), first.line);
      if (name == "none" || name == "None") return make_constant(value::none(), first.line);
      if (with_namespace && skip_sign(".")) {
        node& made = make(node_kind::namespace_part, first.line);
        made.first = make_name(first);
        made.constant = tree_.text(expect(token_kind::name, "a name behind '.'").text);
        return &made;
      }
      return make_name(first);
    }
    if (first.kind == token_kind::string) {
      std::string joined;
      while (now().kind == token_kind::string) {
        append_literal(joined, now().text.substr(1, now().text.size() - 2), place_, now().line);
        pass();
      }
      return make_constant(tree_.text(joined), first.line);
    }
    if (first.kind == token_kind::integer || first.kind == token_kind::real)
      return make_constant(number(pass()), first.line);
    if (skip_sign("(")) {
      node* inside = parse_tuple(false, true, true, false);
      expect_sign(")");
      return inside;
    }
    if (is_sign("[")) return parse_list();
    if (is_sign("{")) return parse_dict();
    fail("an expression", shown(first));
  }
  [[nodiscard]] value number(const token& from) {
    value result;
    if (from.kind == token_kind::integer) {
      if (!read_integer(from.text, 0, result)) fail("a number", shown(from), from.line);
      return tree_.big(std::move(result));
    }
    double real = 0;
    if (!read_real(from.text, real)) fail("a number", shown(from), from.line);
    return value(real);
  }
  /// @param simple  targets of assignments: names and tuples alone
  [[nodiscard]] node* parse_tuple(bool simple, bool with_conditional, bool in_brackets, bool with_namespace) {
    const std::uint32_t line = now().line;
    std::vector<node*> items;
    bool is_tuple = false;
    while (true) {
      if (!items.empty()) expect_sign(",");
      if (now().kind == token_kind::variable_end || now().kind == token_kind::block_end || is_sign(")")) break;
      items.push_back(simple ? parse_primary(with_namespace) : parse_expression(with_conditional));
      if (!is_sign(",")) break;
      is_tuple = true;
    }
    if (!is_tuple) {
      if (!items.empty()) return items.front();
      if (!in_brackets) fail("an expression", shown(now()));
    }
    node& made = make(node_kind::tuple, line);
    for (node* item : items) add(made, item);
    return &made;
  }
  [[nodiscard]] node* parse_list() {
    node& made = make(node_kind::list, pass().line);
    while (!is_sign("]")) {
      if (!made.items.empty()) expect_sign(",");
      if (is_sign("]")) break;
      add(made, parse_expression());
    }
    expect_sign("]");
    return &made;
  }
  [[nodiscard]] node* parse_dict() {
    node& made = make(node_kind::dict, pass().line);
    while (!is_sign("}")) {
      if (!made.items.empty()) expect_sign(",");
      if (is_sign("}")) break;
      add(made, parse_expression());
      expect_sign(":");
      add(made, parse_expression());
    }
    expect_sign("}");
    return &made;
  }
  [[nodiscard]] node* parse_postfix(node* result) {
    while (true) {
      if (is_sign(".") || is_sign("[")) {
        result = parse_subscript(result);
      } else if (is_sign("(")) {
        result = parse_call(result);
      } else {
        return result;
      }
    }
  }
  [[nodiscard]] node* parse_filters_and_tests(node* result) {
    while (true) {
      if (is_sign("|")) {
        result = parse_filter(result, false);
      } else if (is_name("is")) {
        result = parse_test(result);
      } else if (is_sign("(")) {
        result = parse_call(result);
      } else {
        return result;
      }
    }
  }
  [[nodiscard]] node* parse_subscript(node* of) {
    const token& mark = pass();
    if (mark.text == ".") {
      const token& name = pass();
      node& made = make(name.kind == token_kind::name ? node_kind::attribute : node_kind::item, mark.line);
      made.first = of;
      grow(made, of);
      if (name.kind == token_kind::name) {
        made.constant = tree_.text(name.text);
      } else if (name.kind == token_kind::integer) {
        add(made, make_constant(number(name), name.line));
      } else {
        fail("a name or a number behind '.'", shown(name), name.line);
      }
      return &made;
    }
    std::vector<node*> parts;
    while (!is_sign("]")) {
      if (!parts.empty()) expect_sign(",");
      parts.push_back(parse_subscribed());
    }
    pass();
    if (parts.size() == 1 && parts[0]->what == node_kind::slice) {
      parts[0]->first = of;
      grow(*parts[0], of);
      return parts[0];
    }
    node& made = make(node_kind::item, mark.line);
    made.first = of;
    grow(made, of);
    if (parts.size() == 1) {
      add(made, parts[0]);
    } else {
      node& tuple = make(node_kind::tuple, mark.line);
      for (node* part : parts) {
        if (part->what == node_kind::slice) fail("one slice in brackets", "a slice among others", part->line);
        add(tuple, part);
      }
      add(made, &tuple);
    }
    return &made;
  }
  [[nodiscard]] node* parse_subscribed() {
    const std::uint32_t line = now().line;
    node* begin = nullptr;
    if (!is_sign(":")) {
      begin = parse_expression();
      if (!is_sign(":")) return begin;
    }
    pass();
    node& made = make(node_kind::slice, line);
    add(made, begin);
    const auto ends = [&] { return is_sign("]") || is_sign(",") || is_sign(":"); };
    add(made, ends() ? nullptr : parse_expression());
    add(made, skip_sign(":") && !ends() ? parse_expression() : nullptr);
    return &made;
  }
  void parse_arguments(node& above) {
    const std::uint32_t line = now().line;
    expect_sign("(");
    call_arguments& made = tree_.calls.emplace_back();
    above.call = &made;
    bool needs_comma = false;
    const auto ensure = [&](bool holds) {
      if (!holds) fail("arguments by place, then by name, then *items and **dict", "another order", line);
    };
    while (!is_sign(")")) {
      if (needs_comma) {
        expect_sign(",");
        if (is_sign(")")) break;
      }
      needs_comma = true;
      node* given = nullptr;
      if (skip_sign("*")) {
        ensure(made.star == nullptr && made.star_star == nullptr);
        given = made.star = parse_expression();
      } else if (skip_sign("**")) {
        ensure(made.star_star == nullptr);
        given = made.star_star = parse_expression();
      } else if (now().kind == token_kind::name && after().kind == token_kind::sign && after().text == "=") {
        ensure(made.star_star == nullptr);
        const value name = tree_.name_of[tree_.name_id(pass().text)];
        if (made.named.size() >= most_names) too_deep();
        pass();
        for (const auto& [other, unused] : made.named) {
          if (other.same(name)) fail("every name of an argument once", "the same one again", line);
        }
        given = parse_expression();
        made.named.emplace_back(name, given);
      } else {
        ensure(made.star == nullptr && made.star_star == nullptr && made.named.empty());
        given = parse_expression();
        made.positional.push_back(given);
      }
      grow(above, given);
    }
    expect_sign(")");
  }
  [[nodiscard]] node* parse_call(node* of) {
    node& made = make(node_kind::call, now().line);
    made.first = of;
    grow(made, of);
    parse_arguments(made);
    return &made;
  }
  [[nodiscard]] std::string dotted_name(std::string_view what) {
    std::string name(expect(token_kind::name, what).text);
    while (skip_sign(".")) name.append(".").append(expect(token_kind::name, what).text);
    return name;
  }
  [[nodiscard]] node* parse_filter(node* of, bool starts_here) {
    while (starts_here || is_sign("|")) {
      if (!starts_here) pass();
      starts_here = false;
      node& made = make(node_kind::filter, now().line);
      made.constant = tree_.text(dotted_name("the name of a filter"));
      made.first = of;
      grow(made, of);
      if (is_sign("(")) parse_arguments(made);
      of = &made;
    }
    return of;
  }
  [[nodiscard]] node* parse_test(node* of) {
    const std::uint32_t line = pass().line;
    const bool negated = skip_name("not");
    node& made = make(node_kind::test, line);
    made.constant = tree_.text(dotted_name("the name of a test"));
    made.first = of;
    grow(made, of);
    if (is_sign("(")) {
      parse_arguments(made);
    } else if (is_sign("[") || is_sign("{") || now().kind == token_kind::string || now().kind == token_kind::integer ||
               now().kind == token_kind::real ||
               (now().kind == token_kind::name && !is_name("else") && !is_name("or") && !is_name("and"))) {
      if (is_name("is")) fail("one test", "a second 'is'");
      node* given = parse_postfix(parse_primary(false));
      made.call = &tree_.calls.emplace_back();
      made.call->positional.push_back(given);
      grow(made, given);
    }
    if (!negated) return &made;
    node& negation = make(node_kind::negation, line);
    negation.first = &made;
    grow(negation, &made);
    return &negation;
  }
};

}  // namespace quipu::text::jinja
