/// @file A template as a tree: expressions, tags, functions and the variables that they touch.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <quipu/core/keyed_hash.hpp>
#include <quipu/text/jinja/value.hpp>

namespace quipu::text::jinja {

enum class node_kind : std::uint8_t {
  constant,
  name,
  list,
  tuple,
  dict,       ///< items: key, value, key, value ...
  attribute,  ///< first.constant
  item,       ///< first[items[0]]
  slice,      ///< first[a:b:c], items may be null
  call,
  filter,  ///< first may be null: the text of a filter block
  test,
  negative,
  positive,
  negation,
  all_of,      ///< and
  any_of,      ///< or
  arithmetic,  ///< items[0] signs[0] items[1] ..., from the left
  comparison,
  concat,
  conditional,    ///< items[0] if first else items[1], which may be null
  namespace_part  ///< target only: name.constant
};

enum class sign : std::uint8_t {
  add,
  subtract,
  multiply,
  divide,
  floor_divide,
  modulo,
  power,
  equal,
  unequal,
  less,
  less_equal,
  greater,
  greater_equal,
  in,
  not_in
};

struct node;

struct call_arguments {
  std::vector<node*> positional;
  std::vector<std::pair<value, node*>> named;
  node* star = nullptr;       ///< *items
  node* star_star = nullptr;  ///< **dict
};

/// A variable: so many functions further out, and its place there.
struct slot {
  std::uint32_t hops = 0;
  std::uint32_t index = 0;
};

/// An expression.
struct node {
  node_kind what = node_kind::constant;
  std::uint32_t line = 1;
  std::uint32_t height = 1;  ///< one more than the highest below
  std::uint32_t name = 0;    ///< number of the variable's name
  slot place;                ///< of the variable
  value constant;            ///< the constant; name of a variable, attribute, filter or test
  node* first = nullptr;
  std::vector<node*> items;
  std::vector<sign> signs;
  call_arguments* call = nullptr;
  const void* entry = nullptr;  ///< the filter or test; null if there is none of that name
};

/// What happens to a variable when its scope is entered.
struct load {
  enum class from : std::uint8_t { nowhere, outer, given };
  from source = from::nowhere;
  std::uint32_t index = 0;  ///< place in the function
  slot outer;
  std::uint32_t name = 0;
};
struct scope {
  std::vector<load> loads;
};

struct statement;

/// What becomes a call of its own: a macro, the body of a call block, a recursive loop, a block, the whole template.
struct function_code {
  struct parameter {
    value name;
    std::uint32_t id = 0;
    std::uint32_t index = 0;
    node* fallback = nullptr;
  };
  value name;  ///< none for call blocks
  std::vector<parameter> parameters;
  std::uint32_t n_slot = 0;
  static constexpr std::uint32_t no_slot = 0xFFFFFFFFu;
  std::uint32_t caller = no_slot;  ///< places of the special variables that the body uses
  std::uint32_t varargs = no_slot;
  std::uint32_t kwargs = no_slot;
  bool explicit_caller = false;  ///< "caller" is a parameter
  scope outermost;
  std::vector<statement*> body;
};

enum class tag : std::uint8_t {
  output,      ///< items
  condition,   ///< branches; otherwise
  loop,        ///< target in subject if test
  set,         ///< target = subject
  set_block,   ///< target = body, through the filter `subject` if any
  macro,       ///< function, to `place`
  call,        ///< subject with `function` as caller
  filter,      ///< body through the filter `subject`
  with,        ///< targets and values alternate in items
  generation,  ///< function, called at once
  block,       ///< function, called at once
  leave,       ///< break
  next,        ///< continue
  loader       ///< include and its like: there is nothing to load from
};

struct statement {
  struct branch {
    node* test;
    std::vector<statement*> body;
  };
  tag what = tag::output;
  bool recursive = false;
  bool uses_loop = false;  ///< the loop's body asks for `loop`
  std::uint32_t line = 1;
  node* target = nullptr;
  node* subject = nullptr;
  node* test = nullptr;
  std::vector<node*> items;
  std::vector<branch> branches;
  std::vector<statement*> body;
  std::vector<statement*> otherwise;
  function_code* function = nullptr;
  scope inner;
  scope test_scope;
  scope else_scope;
  slot place;                    ///< of the macro's name
  node* test_target = nullptr;   ///< the target again, in the variables of the test
  std::uint32_t loop_index = 0;  ///< place of `loop`
};

/// Everything that a compiled template owns. Addresses stay when it moves.
struct syntax_tree {
  std::string source;
  std::deque<node> nodes;
  std::deque<statement> statements;
  std::deque<function_code> functions;
  std::deque<call_arguments> calls;
  std::deque<value> constants;  ///< keeps texts alive that nodes share without counting
  std::unordered_map<std::string_view, std::uint32_t, keyed_text_hash, std::equal_to<>> names;
  values name_of;
  std::vector<std::uint32_t> root_slot;  ///< by name: its place among the template's own variables, or no_slot
  function_code* root = nullptr;

  syntax_tree() = default;
  syntax_tree(const syntax_tree&) = delete;
  syntax_tree& operator=(const syntax_tree&) = delete;
  ~syntax_tree() {
    nodes.clear();
    statements.clear();
    functions.clear();
    calls.clear();
    name_of.clear();
    for (const value& one : constants) one.pointer()->refs = 1;  // no longer immortal, and nobody else's
  }

  /// A text of the template. Threads that render at once copy it: it is not counted.
  [[nodiscard]] value text(std::string_view chars) {
    constants.push_back(make_text(chars, true));
    constants.back().pointer()->refs |= object::immortal;
    return constants.back();
  }
  [[nodiscard]] value big(value number) {
    if (number.is(kind::big)) {
      constants.push_back(number);
      number.pointer()->refs |= object::immortal;
    }
    return number;
  }
  [[nodiscard]] std::uint32_t name_id(std::string_view name) {
    const auto [at, is_new] = names.try_emplace(name, static_cast<std::uint32_t>(name_of.size()));
    if (is_new) name_of.push_back(text(name));
    return at->second;
  }
};

}  // namespace quipu::text::jinja
