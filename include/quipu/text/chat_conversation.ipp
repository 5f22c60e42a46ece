// What chat_conversation.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <quipu/core/error.hpp>  // format_error
#include <quipu/text/chat_conversation.hpp>
#include <quipu/text/chat_render.hpp>
#include <quipu/text/jinja/dict.hpp>
#include <quipu/text/jinja/evaluation.hpp>  // type_name
#include <quipu/text/jinja/from_json.hpp>
#include <quipu/text/jinja/value.hpp>
#include <quipu/text/jinja/variables.hpp>

namespace quipu::text {

QUIPU_INLINE jinja::value conversation_from_json(std::string_view json, const std::string& place) {
  const jinja::value read = jinja::value_from_json(json, place);
  if (!read.is(jinja::kind::list)) fail<format_error>(place, "a list of messages", jinja::type_name(read));
  const jinja::values& messages = read.as<jinja::sequence_object>().items;
  if (messages.empty()) fail<format_error>(place, "a conversation of at least one message", "none");
  jinja::values prepared;
  prepared.reserve(messages.size());
  for (const jinja::value& message : messages) {
    if (!message.is(jinja::kind::dict))
      fail<format_error>(place, "messages that are objects", jinja::type_name(message));
    jinja::value kept = jinja::make_dict();
    for (const auto& [name, item] : message.as<jinja::dict_object>().entries) {
      if (item.is(jinja::kind::none)) continue;
      const std::string_view key = jinja::chars_of(name);
      const bool is_role = key == "role" && item.is_text() && detail::is_role_name(jinja::chars_of(item));
      jinja::set_key(kept, key, is_role ? jinja::trusted_text(jinja::chars_of(item)) : item);
    }
    const auto& given = kept.as<jinja::dict_object>();
    for (const std::string_view name : {"reasoning_content", "thinking", "reasoning"}) {
      const jinja::value* const reasoning = given.get(name);
      if (reasoning == nullptr) continue;
      const jinja::value copy = *reasoning;
      jinja::set_key(kept, "reasoning_content", copy);
      jinja::set_key(kept, "thinking", copy);
      break;
    }
    prepared.push_back(std::move(kept));
  }
  return jinja::make_list(std::move(prepared));
}

}  // namespace quipu::text
