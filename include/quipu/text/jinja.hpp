/// @file Chat templates as checkpoints bring them: jinja2's language, parsed once and rendered many times.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/text/jinja/error.hpp>
#include <quipu/text/jinja/limits.hpp>
#include <quipu/text/jinja/value.hpp>

namespace quipu::text::jinja {

struct syntax_tree;

/// A part of a rendered text. Control tokens may be recognised in what the template wrote, never in what it was given.
struct rendered_piece {
  std::string text;
  bool from_template = false;
};

struct render_options {
  limits allowed;
  wall_clock clock;  ///< for strftime_now
};

/// A template, ready to render.
///
/// It does what jinja2 3.1.6 does as transformers sets it up for chat templates: ImmutableSandboxedEnvironment with
/// trim_blocks and lstrip_blocks, the tags break, continue and generation, the functions raise_exception and
/// strftime_now, and a tojson that escapes nothing for HTML. Not here, and refused by name: autoescape, scoped and
/// required blocks, the filters random, urlize and pprint, lipsum, encode, translate and `\N{...}`.
///
/// Any template may be compiled and rendered, hostile ones too: what takes too long, too much memory or too much
/// stack ends in an error of kind `limits`.
///
/// A chat template of transformers is given: `messages` (a list of dicts with role, content, tool_calls ...; keys whose
/// value is null are left out before), `tools` and `documents` (none if there are none), `add_generation_prompt`,
/// `bos_token`, `eos_token` and the other special tokens, and whatever the user adds (`enable_thinking` ...).
///
/// Threads: const; several may render at once, each with variables of its own (values count without locks).
/// Example: tests/text/jinja_test.cpp
class compiled_template {
 public:
  /// @param source  UTF-8; bytes that are not count as U+FFFD one by one
  /// @param place   what to call the template in messages
  /// @throws template_error  syntax, or limits if it is too long or nested too deeply
  explicit compiled_template(std::string_view source, std::string place = "chat template", const limits& allowed = {});

  /// The rendered text in pieces: neighbours differ in origin, and put together they are the text. `text_builder`
  /// tells the rule of origins. Names that the template puts into marks, as in '<|' + message.role + '|>', are from the
  /// template only if the caller hands them in as `trusted_text`; so are bos_token and its like. Text that the caller
  /// trusts is to come from a list of its own, never from a message.
  ///
  /// @param variables  a dict: the template's variables by name (`make_dict`, or `value_from_json`)
  /// @throws template_error  see `error_kind`
  /// @throws config_error    `variables` is no dict
  [[nodiscard]] std::vector<rendered_piece> render_pieces(const value& variables,
                                                          const render_options& options = {}) const;

  /// The rendered text as one string, for people to read: encoding it would make control tokens of whatever looks like
  /// them in the messages. Parameters and errors as of `render_pieces`.
  [[nodiscard]] std::string render(const value& variables, const render_options& options = {}) const;

  /// Does the template use a variable of that name, or assign to one?
  [[nodiscard]] bool mentions(std::string_view name) const;
  [[nodiscard]] const std::string& place() const noexcept { return place_; }

 private:
  [[nodiscard]] value render_value(const value& variables, const render_options& options) const;

  std::string place_;
  std::shared_ptr<const syntax_tree> tree_;
};

}  // namespace quipu::text::jinja

#if !defined(QUIPU_COMPILED)
#include <quipu/text/jinja.ipp>
#endif
