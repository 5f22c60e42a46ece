/// @file Tokens one after the other, and the nodes that a parser makes of them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>      // concat
#include <quipu/core/printable.hpp>  // source in messages
#include <quipu/text/jinja/error.hpp>
#include <quipu/text/jinja/lexer.hpp>
#include <quipu/text/jinja/syntax.hpp>

namespace quipu::text::jinja {

/// A place among the tokens of a template, what is expected there, and the nodes made so far.
class token_stream {
 public:
  token_stream(syntax_tree& tree, std::vector<token> tokens, std::string_view place)
      : tree_(tree),
        tokens_(std::move(tokens)),
        place_(place),
        stack_(static_cast<char*>(__builtin_frame_address(0))) {}

 protected:
  // Nesting that the parser follows; jinja2 itself ends at 69 brackets, 98 tags, 197 filters and 491 terms.
  static constexpr std::size_t deepest_nesting = 250;
  static constexpr std::uint32_t highest_tree = 600;
  static constexpr std::size_t most_stack = 2 << 20;
  static constexpr std::size_t most_names =
      500;  // of arguments or parameters in one place: each is compared with all others

  [[noreturn, gnu::cold, gnu::noinline]] void fail(std::string_view expected, std::string_view found,
                                                   std::uint32_t line = 0) const {
    throw template_error(error_kind::syntax, place_, line != 0 ? line : now().line,
                         concat("expected ", expected, ", found ", found));
  }
  [[noreturn, gnu::cold, gnu::noinline]] void too_deep() const {
    throw template_error(error_kind::limits, place_, now().line,
                         "expected a template nested less deeply and with fewer names, found a larger one");
  }

  class deeper {
   public:
    explicit deeper(token_stream& of) : of_(of) {
      auto* here = static_cast<char*>(__builtin_frame_address(0));
      const auto used = static_cast<std::size_t>(here < of.stack_ ? of.stack_ - here : here - of.stack_);
      if (of.nesting_ >= deepest_nesting || used > most_stack) of.too_deep();
      ++of.nesting_;
    }
    ~deeper() { --of_.nesting_; }
    deeper(const deeper&) = delete;
    deeper& operator=(const deeper&) = delete;

   private:
    token_stream& of_;
  };

  [[nodiscard]] const token& now() const noexcept { return tokens_[at_]; }
  [[nodiscard]] const token& after() const noexcept { return tokens_[at_ + 1 < tokens_.size() ? at_ + 1 : at_]; }
  const token& pass() noexcept {
    const token& passed = tokens_[at_];
    if (at_ + 1 < tokens_.size()) ++at_;
    return passed;
  }
  [[nodiscard]] bool is_sign(std::string_view text) const noexcept {
    return now().kind == token_kind::sign && now().text == text;
  }
  [[nodiscard]] bool is_name(std::string_view text) const noexcept {
    return now().kind == token_kind::name && now().text == text;
  }
  bool skip_sign(std::string_view text) noexcept {
    if (!is_sign(text)) return false;
    pass();
    return true;
  }
  bool skip_name(std::string_view text) noexcept {
    if (!is_name(text)) return false;
    pass();
    return true;
  }
  [[nodiscard]] std::string shown(const token& one) const {
    switch (one.kind) {
      case token_kind::end: return "the end of the template";
      case token_kind::variable_end: return "the end of the print mark";
      case token_kind::block_end: return "the end of the tag";
      default: return printable(one.text);
    }
  }
  void expect_sign(std::string_view text) {
    if (!skip_sign(text)) fail(concat("'", text, "'"), shown(now()));
  }
  void expect_name(std::string_view text) {
    if (!skip_name(text)) fail(concat("'", text, "'"), shown(now()));
  }
  const token& expect(token_kind kind, std::string_view what) {
    if (now().kind != kind) fail(what, shown(now()));
    return pass();
  }

  [[nodiscard]] node& make(node_kind what, std::uint32_t line) {
    node& made = tree_.nodes.emplace_back();
    made.what = what;
    made.line = line;
    return made;
  }
  /// Adds a term to a chain. jinja2 nests them, and so ends at 491.
  void add_term(node& chain, node* term) const {
    add(chain, term);
    if (chain.items.size() > highest_tree) too_deep();
  }
  /// Notes that `below` is a part of `above`.
  void grow(node& above, const node* below) const {
    if (below == nullptr) return;
    if (below->height + 1 > above.height) above.height = below->height + 1;
    if (above.height > highest_tree) too_deep();
  }
  void add(node& above, node* below) const {
    above.items.push_back(below);
    grow(above, below);
  }
  [[nodiscard]] node* make_name(const token& from) {
    node& made = make(node_kind::name, from.line);
    made.name = tree_.name_id(from.text);
    if (from.text == "loop") ++seen_.loop;
    if (from.text == "caller") ++seen_.caller;
    if (from.text == "varargs") ++seen_.varargs;
    if (from.text == "kwargs") ++seen_.kwargs;
    made.constant = tree_.name_of[made.name];
    return &made;
  }
  [[nodiscard]] node* make_constant(value constant, std::uint32_t line) {
    node& made = make(node_kind::constant, line);
    made.constant = std::move(constant);
    return &made;
  }

  /// How often the special names were read so far: tells whether a body uses them.
  struct special_names {
    std::size_t loop = 0;
    std::size_t caller = 0;
    std::size_t varargs = 0;
    std::size_t kwargs = 0;
  };

  syntax_tree& tree_;
  special_names seen_;
  std::vector<token> tokens_;
  std::string_view place_;
  std::size_t at_ = 0;
  std::size_t nesting_ = 0;
  char* stack_;
};

}  // namespace quipu::text::jinja
