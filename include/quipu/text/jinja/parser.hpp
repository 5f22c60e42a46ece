/// @file Reads a template's tags.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/text/jinja/expression_parser.hpp>

namespace quipu::text::jinja {

/// Follows jinja2 3.1's grammar with the extensions loop controls and generation.
class parser : public expression_parser {
 public:
  using expression_parser::expression_parser;
  using body = std::vector<statement*>;

  /// The whole template, to `tree.root`.
  /// @throws template_error  syntax, or limits if it is nested too deeply
  void parse() {
    tree_.root = &tree_.functions.emplace_back();
    tree_.root->name = value::none();
    tree_.root->body = parse_body({});
  }

 private:
  using names = std::initializer_list<std::string_view>;

  /// Statements up to a tag of `ends`, which is the current token then; up to the end of the template if there are
  /// none.
  [[nodiscard]] body parse_body(names ends) {
    const deeper guard(*this);
    body result;
    statement* output = nullptr;
    const auto print = [&](node* what) {
      if (output == nullptr) {
        output = &make(tag::output, what->line);
        result.push_back(output);
      }
      output->items.push_back(what);
    };
    while (now().kind != token_kind::end) {
      const token& mark = pass();
      if (mark.kind == token_kind::data) {
        print(make_constant(tree_.text(mark.text), mark.line));
      } else if (mark.kind == token_kind::variable_begin) {
        print(parse_tuple(false, true, false, false));
        expect(token_kind::variable_end, "the end of the print mark");
      } else {
        output = nullptr;
        for (const std::string_view end : ends) {
          if (is_name(end)) return result;
        }
        result.push_back(parse_statement(ends));
        expect(token_kind::block_end, "the end of the tag");
      }
    }
    if (ends.size() != 0) fail(listed(ends), "the end of the template");
    return result;
  }
  [[nodiscard]] static std::string listed(names ends) {
    std::string all;
    for (const std::string_view end : ends) {
      if (!all.empty()) all += " or ";
      all.append("{% ").append(end).append(" %}");
    }
    return all.empty() ? std::string("a tag") : all;
  }
  /// The rest of a tag, then the statements inside.
  [[nodiscard]] body parse_block_of(names ends) {
    skip_sign(":");
    expect(token_kind::block_end, "the end of the tag");
    return parse_body(ends);
  }
  [[nodiscard]] body parse_last_block(std::string_view end) {
    body result = parse_block_of({end});
    pass();
    return result;
  }
  [[nodiscard]] statement& make(tag what, std::uint32_t line) {
    statement& made = tree_.statements.emplace_back();
    made.what = what;
    made.line = line;
    return made;
  }
  using token_stream::make;

  [[nodiscard]] statement* parse_statement(names ends) {
    using parse_function = statement* (parser::*)();
    struct row {
      std::string_view name;
      parse_function parse;
    };
    static constexpr row rows[] = {
        {"for", &parser::parse_for},           {"if", &parser::parse_if},
        {"set", &parser::parse_set},           {"macro", &parser::parse_macro},
        {"call", &parser::parse_call_block},   {"filter", &parser::parse_filter_block},
        {"with", &parser::parse_with},         {"generation", &parser::parse_generation},
        {"block", &parser::parse_named_block}, {"print", &parser::parse_print},
        {"break", &parser::parse_jump},        {"continue", &parser::parse_jump},
        {"include", &parser::parse_loader},    {"import", &parser::parse_loader},
        {"from", &parser::parse_loader},       {"extends", &parser::parse_loader},
    };
    if (now().kind != token_kind::name) fail("the name of a tag", shown(now()));
    for (const row& one : rows) {
      if (now().text == one.name) return (this->*one.parse)();
    }
    if (is_name("autoescape")) fail("a tag that this library has", "'autoescape', which is not supported here");
    fail(listed(ends), concat("the tag ", shown(now())));
  }

  /// Names that get a value: `a`, `a, b`, `(a, (b, c))`, and with `with_namespace` `ns.a`.
  [[nodiscard]] node* parse_target(bool with_namespace) {
    node* target = parse_tuple(true, true, false, with_namespace);
    check_target(*target);
    return target;
  }
  void check_target(const node& target) {
    if (target.what == node_kind::tuple) {
      for (const node* part : target.items) check_target(*part);
    } else if (target.what == node_kind::name) {
      if (target.constant.is_text() && chars_of(target.constant) == "loop") stores_loop_ = true;
    } else if (target.what != node_kind::namespace_part) {
      fail("a name to assign to", "a constant or an expression", target.line);
    }
  }
  [[nodiscard]] const token& parse_plain_name() {
    const token& name = expect(token_kind::name, "a name");
    for (const std::string_view word : {"true", "True", "false", "False", "none", "None"}) {
      if (name.text == word) fail("a name to assign to", shown(name), name.line);
    }
    return name;
  }

  [[nodiscard]] statement* parse_for() {
    statement& made = make(tag::loop, pass().line);
    const bool outer = std::exchange(stores_loop_, false);
    made.target = parse_target(false);
    expect_name("in");
    made.subject = parse_tuple(false, false, false, false);
    if (skip_name("if")) made.test = parse_expression();
    made.recursive = skip_name("recursive");
    if (made.recursive) made.function = &make_function(value::none());
    const std::size_t loops = n_loop_;
    n_loop_ = made.recursive ? 1 : loops + 1;
    const std::size_t seen = seen_.loop;
    made.body = parse_block_of({"endfor", "else"});
    made.uses_loop = made.recursive || seen_.loop != seen;
    n_loop_ = made.recursive ? 0 : loops;
    if (pass().text == "else") made.otherwise = parse_last_block("endfor");
    n_loop_ = loops;
    if (stores_loop_) fail("another name than 'loop' to assign to in a loop", "'loop'", made.line);
    stores_loop_ = outer;
    return &made;
  }
  [[nodiscard]] statement* parse_if() {
    statement& made = make(tag::condition, pass().line);
    while (true) {
      node* test = parse_tuple(false, false, false, false);
      made.branches.push_back({test, parse_block_of({"elif", "else", "endif"})});
      const token& end = pass();
      if (end.text == "elif") continue;
      if (end.text == "else") made.otherwise = parse_last_block("endif");
      return &made;
    }
  }
  [[nodiscard]] statement* parse_set() {
    statement& made = make(tag::set, pass().line);
    made.target = parse_target(true);
    if (skip_sign("=")) {
      made.subject = parse_tuple(false, true, false, false);
    } else {
      made.what = tag::set_block;
      made.subject = parse_filter(nullptr, false);
      made.body = parse_last_block("endset");
    }
    return &made;
  }
  [[nodiscard]] function_code& make_function(value name) {
    function_code& made = tree_.functions.emplace_back();
    made.name = std::move(name);
    return made;
  }
  void parse_signature(function_code& function) {
    expect_sign("(");
    while (!is_sign(")")) {
      if (!function.parameters.empty()) expect_sign(",");
      const token& name = parse_plain_name();
      if (function.parameters.size() >= most_names) too_deep();
      function_code::parameter made;
      made.id = tree_.name_id(name.text);
      made.name = tree_.name_of[made.id];
      for (const auto& other : function.parameters) {
        if (other.id == made.id) fail("every parameter once", concat(shown(name), " twice"), name.line);
      }
      const bool needs_fallback = !function.parameters.empty() && function.parameters.back().fallback != nullptr;
      if (skip_sign("=")) {
        made.fallback = parse_expression();
      } else if (needs_fallback) {
        fail("a default value, as the parameter before has", "none");
      }
      function.explicit_caller = function.explicit_caller || name.text == "caller";
      function.parameters.push_back(std::move(made));
    }
    pass();
  }
  /// The body of a function: no loop around it to break out of.
  void parse_function_body(function_code& function, std::string_view end) {
    const std::size_t loops = std::exchange(n_loop_, 0);
    const special_names before = seen_;
    function.body = parse_last_block(end);
    n_loop_ = loops;
    if (seen_.caller != before.caller) function.caller = 0;  // a place is found later
    if (seen_.varargs != before.varargs) function.varargs = 0;
    if (seen_.kwargs != before.kwargs) function.kwargs = 0;
  }
  [[nodiscard]] statement* parse_macro() {
    statement& made = make(tag::macro, pass().line);
    made.target = make_name(parse_plain_name());
    made.function = &make_function(made.target->constant);
    parse_signature(*made.function);
    parse_function_body(*made.function, "endmacro");
    return &made;
  }
  [[nodiscard]] statement* parse_call_block() {
    statement& made = make(tag::call, pass().line);
    made.function = &make_function(value::none());
    if (is_sign("(")) parse_signature(*made.function);
    made.subject = parse_expression();
    if (made.subject->what != node_kind::call) fail("a call", "another expression", made.line);
    parse_function_body(*made.function, "endcall");
    return &made;
  }
  [[nodiscard]] statement* parse_filter_block() {
    statement& made = make(tag::filter, pass().line);
    made.subject = parse_filter(nullptr, true);
    made.body = parse_last_block("endfilter");
    return &made;
  }
  [[nodiscard]] statement* parse_with() {
    statement& made = make(tag::with, pass().line);
    while (now().kind != token_kind::block_end) {
      if (!made.items.empty()) expect_sign(",");
      made.items.push_back(parse_target(false));
      expect_sign("=");
      made.items.push_back(parse_expression());
    }
    made.body = parse_last_block("endwith");
    return &made;
  }
  [[nodiscard]] statement* parse_generation() {
    statement& made = make(tag::generation, pass().line);
    made.function = &make_function(value::none());
    parse_function_body(*made.function, "endgeneration");
    return &made;
  }
  [[nodiscard]] statement* parse_named_block() {
    statement& made = make(tag::block, pass().line);
    const token& name = expect(token_kind::name, "the name of a block");
    made.function = &make_function(tree_.name_of[tree_.name_id(name.text)]);
    if (blocks_.size() >= most_names) too_deep();
    for (const value& other : blocks_) {
      if (other.same(made.function->name)) fail("every block once", concat("block ", shown(name), " twice"), name.line);
    }
    blocks_.push_back(made.function->name);
    if (is_name("scoped") || is_name("required"))
      fail("a plain block", concat("a block that is ", shown(now()), ", which is not supported here"));
    parse_function_body(*made.function, "endblock");
    skip_name(name.text);
    return &made;
  }
  [[nodiscard]] statement* parse_print() {
    statement& made = make(tag::output, pass().line);
    while (now().kind != token_kind::block_end) {
      if (!made.items.empty()) expect_sign(",");
      made.items.push_back(parse_expression());
    }
    return &made;
  }
  [[nodiscard]] statement* parse_jump() {
    const token& name = pass();
    if (n_loop_ == 0) fail("a loop around it", shown(name), name.line);
    return &make(name.text == "break" ? tag::leave : tag::next, name.line);
  }
  /// Tags that would load another template: none can be found, but only rendering says so.
  [[nodiscard]] statement* parse_loader() {
    statement& made = make(tag::loader, now().line);
    const std::string_view which = pass().text;
    made.subject = parse_expression();
    const auto context = [&] {
      if ((!is_name("with") && !is_name("without")) || after().text != "context") return false;
      pass();
      pass();
      return true;
    };
    if (which == "include") {
      if (is_name("ignore") && after().text == "missing") {
        pass();
        pass();
      }
      context();
    } else if (which == "import") {
      expect_name("as");
      (void)parse_plain_name();
      context();
    } else if (which == "from") {
      expect_name("import");
      bool first = true;
      while (true) {
        if (!first) expect_sign(",");
        if (context()) break;
        const token& name = parse_plain_name();
        if (name.text.starts_with('_')) fail("a name without underline to import", shown(name), name.line);
        if (skip_name("as")) (void)parse_plain_name();
        first = false;
        if (context() || !is_sign(",")) break;
      }
    }
    return &made;
  }

  std::size_t n_loop_ = 0;  // around the current tag, inside the same function
  bool stores_loop_ = false;
  values blocks_;
};

}  // namespace quipu::text::jinja
