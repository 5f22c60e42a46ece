// What jinja.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>  // concat, config_error
#include <quipu/text/jinja.hpp>
#include <quipu/text/jinja/evaluator.hpp>
#include <quipu/text/jinja/filters.hpp>
#include <quipu/text/jinja/lexer.hpp>
#include <quipu/text/jinja/parser.hpp>
#include <quipu/text/jinja/scopes.hpp>
#include <quipu/text/jinja/syntax.hpp>
#include <quipu/text/jinja/tests.hpp>

namespace quipu::text::jinja {

QUIPU_INLINE compiled_template::compiled_template(std::string_view source, std::string place, const limits& allowed)
    : place_(std::move(place)) {
  if (source.size() > allowed.template_bytes) {
    throw template_error(error_kind::limits, place_, 1,
                         concat("expected a template of at most ", std::to_string(allowed.template_bytes),
                                " bytes, found ", std::to_string(source.size())));
  }
  auto tree = std::make_shared<syntax_tree>();
  tree->source = normal_source(source);
  parser(*tree, lexer(tree->source, place_).tokens(), place_).parse();
  scope_analysis(*tree, place_, find_filter, find_test).run();
  tree_ = std::move(tree);
}

QUIPU_INLINE std::vector<rendered_piece> compiled_template::render_pieces(const value& variables,
                                                                          const render_options& options) const {
  std::vector<rendered_piece> pieces;
  const value rendered = render_value(variables, options);
  const text_object& text = text_of(rendered);
  std::size_t begin = 0;
  bool trusted = text.trusted;
  for (std::size_t i = 0; i <= text.flips.size(); ++i) {
    const std::size_t end = i < text.flips.size() ? text.flips[i] : text.chars.size();
    if (end > begin) pieces.push_back({text.chars.substr(begin, end - begin), trusted});
    begin = end;
    trusted = !trusted;
  }
  return pieces;
}

QUIPU_INLINE std::string compiled_template::render(const value& variables, const render_options& options) const {
  const value rendered = render_value(variables, options);
  return std::string(chars_of(rendered));
}

QUIPU_INLINE bool compiled_template::mentions(std::string_view name) const { return tree_->names.contains(name); }

QUIPU_INLINE value compiled_template::render_value(const value& variables, const render_options& options) const {
  if (!variables.is(kind::dict)) fail<config_error>(place_, "a dict of variables", type_name(variables));
  evaluator run(*tree_, variables, options.allowed, options.clock, place_);
  return run.run();
}

}  // namespace quipu::text::jinja
