/// @file Reads expressions of the template language: operators in the order in which they bind.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include <quipu/text/jinja/lexer.hpp>
#include <quipu/text/jinja/operand_parser.hpp>
#include <quipu/text/jinja/syntax.hpp>

namespace quipu::text::jinja {

/// Follows jinja2 3.1's grammar of expressions, with its odd precedences (see its parser.py).
class expression_parser : public operand_parser {
 public:
  using operand_parser::operand_parser;

  [[nodiscard]] node* parse_expression(bool with_conditional = true) final {
    const deeper guard(*this);
    return with_conditional ? parse_conditional() : parse_or();
  }

 protected:
  [[nodiscard]] node* parse_conditional() {
    const std::uint32_t line = now().line;
    node* result = parse_or();
    while (skip_name("if")) {
      node& made = make(node_kind::conditional, line);
      made.first = parse_or();
      grow(made, made.first);
      add(made, result);
      add(made, skip_name("else") ? parse_expression() : nullptr);
      result = &made;
    }
    return result;
  }
  [[nodiscard]] node* parse_or() {
    node* first = parse_and();
    if (!is_name("or")) return first;
    node& made = make(node_kind::any_of, first->line);
    add(made, first);
    while (skip_name("or")) add_term(made, parse_and());
    return &made;
  }
  [[nodiscard]] node* parse_and() {
    node* first = parse_not();
    if (!is_name("and")) return first;
    node& made = make(node_kind::all_of, first->line);
    add(made, first);
    while (skip_name("and")) add_term(made, parse_not());
    return &made;
  }
  [[nodiscard]] node* parse_not() {
    if (!is_name("not")) return parse_comparison();
    const deeper guard(*this);
    node& made = make(node_kind::negation, pass().line);
    made.first = parse_not();
    grow(made, made.first);
    return &made;
  }
  [[nodiscard]] bool comparison_sign(sign& found) {
    struct row {
      std::string_view text;
      sign is;
    };
    static constexpr row rows[] = {{"==", sign::equal},      {"!=", sign::unequal}, {"<", sign::less},
                                   {"<=", sign::less_equal}, {">", sign::greater},  {">=", sign::greater_equal}};
    for (const row& one : rows) {
      if (!is_sign(one.text)) continue;
      pass();
      found = one.is;
      return true;
    }
    found = sign::in;
    if (skip_name("in")) return true;
    if (!is_name("not") || after().kind != token_kind::name || after().text != "in") return false;
    pass();
    pass();
    found = sign::not_in;
    return true;
  }
  [[nodiscard]] node* parse_comparison() {
    node* first = parse_sum();
    sign found = sign::in;
    if (!comparison_sign(found)) return first;
    node& made = make(node_kind::comparison, first->line);
    add(made, first);
    do {
      made.signs.push_back(found);
      add(made, parse_sum());
    } while (comparison_sign(found));
    return &made;
  }
  [[nodiscard]] node* parse_sum() {
    node* first = parse_concat();
    if (!is_sign("+") && !is_sign("-")) return first;
    node& made = make(node_kind::arithmetic, first->line);
    add(made, first);
    while (is_sign("+") || is_sign("-")) {
      made.signs.push_back(pass().text == "+" ? sign::add : sign::subtract);
      add_term(made, parse_concat());
    }
    return &made;
  }
  [[nodiscard]] node* parse_concat() {
    node* first = parse_product();
    if (!is_sign("~")) return first;
    node& made = make(node_kind::concat, first->line);
    add(made, first);
    while (skip_sign("~")) add(made, parse_product());
    return &made;
  }
  [[nodiscard]] node* parse_product() {
    node* first = parse_power();
    node* made = nullptr;
    while (is_sign("*") || is_sign("/") || is_sign("//") || is_sign("%")) {
      if (made == nullptr) {
        made = &make(node_kind::arithmetic, first->line);
        add(*made, first);
      }
      const std::string_view text = pass().text;
      made->signs.push_back(text == "*"    ? sign::multiply
                            : text == "/"  ? sign::divide
                            : text == "//" ? sign::floor_divide
                                           : sign::modulo);
      add_term(*made, parse_power());
    }
    return made == nullptr ? first : made;
  }
  [[nodiscard]] node* parse_power() {
    node* first = parse_unary(true);
    if (!is_sign("**")) return first;
    node& made = make(node_kind::arithmetic, first->line);
    add(made, first);
    while (skip_sign("**")) {
      made.signs.push_back(sign::power);
      add_term(made, parse_unary(true));
    }
    return &made;
  }
  [[nodiscard]] node* parse_unary(bool with_filter) {
    node* result = nullptr;
    if (is_sign("-") || is_sign("+")) {
      const deeper guard(*this);
      const token& mark = pass();
      node& made = make(mark.text == "-" ? node_kind::negative : node_kind::positive, mark.line);
      made.first = parse_unary(false);
      grow(made, made.first);
      result = &made;
    } else {
      result = parse_primary(false);
    }
    result = parse_postfix(result);
    return with_filter ? parse_filters_and_tests(result) : result;
  }
};

}  // namespace quipu::text::jinja
