// What chat_render.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>  // config_error
#include <quipu/text/chat_families.hpp>
#include <quipu/text/chat_render.hpp>
#include <quipu/text/chat_template.hpp>
#include <quipu/text/jinja.hpp>
#include <quipu/text/jinja/dict.hpp>
#include <quipu/text/jinja/error.hpp>
#include <quipu/text/jinja/value.hpp>
#include <quipu/text/jinja/variables.hpp>

namespace quipu::text {

namespace detail {

QUIPU_INLINE bool is_role_name(std::string_view role) noexcept {
  return !role.empty() && role.size() <= 32 && std::all_of(role.begin(), role.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

[[nodiscard]] inline jinja::value values_of(std::span<const chat_message> messages) {
  jinja::values all;
  all.reserve(messages.size());
  for (const chat_message& m : messages) {
    all.push_back(jinja::make_dict({{"role", jinja::make_text(m.role, is_role_name(m.role))},
                                    {"content", jinja::make_text(m.content)}}));
  }
  return jinja::make_list(std::move(all));
}

}  // namespace detail

QUIPU_INLINE std::vector<chat_piece> render(const chat_template& form, const jinja::value& messages,
                                            generation_prompt prompt, const chat_extras& extras) {
  if (form.own == nullptr) {
    fail<config_error>("chat template", "the checkpoint's own, for messages of this form",
                       concat("the family ", name_of(form.family)));
  }
  jinja::value variables = jinja::make_dict();
  for (const auto& [name, text] : form.special_tokens) jinja::set_key(variables, name, jinja::trusted_text(text));
  jinja::set_key(variables, "messages", messages);
  jinja::set_key(variables, "tools", extras.tools);
  jinja::set_key(variables, "documents", extras.documents);
  jinja::set_key(variables, "add_generation_prompt", jinja::value(prompt == generation_prompt::add));
  for (const auto& [name, item] : extras.variables.as<jinja::dict_object>().entries)
    jinja::set_key(variables, jinja::chars_of(name), item);
  std::vector<chat_piece> pieces;
  try {
    for (jinja::rendered_piece& piece : form.own->render_pieces(variables, extras.options))
      pieces.push_back({std::move(piece.text), piece.from_template});
  } catch (const jinja::template_error& problem) {
    throw config_error(concat(problem.what(), " (a template of the library can be named instead; programs: --chat)"));
  }
  return pieces;
}

QUIPU_INLINE std::vector<chat_piece> render(const chat_template& form, std::span<const chat_message> messages,
                                            generation_prompt prompt) {
  if (form.own == nullptr) return render_family(form, messages, prompt);
  return render(form, detail::values_of(messages), prompt);
}

QUIPU_INLINE std::string render_text(const chat_template& form, std::span<const chat_message> messages,
                                     generation_prompt prompt) {
  std::string all;
  for (const chat_piece& piece : render(form, messages, prompt)) all += piece.text;
  return all;
}

}  // namespace quipu::text
