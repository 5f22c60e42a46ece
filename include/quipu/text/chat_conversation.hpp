/// @file Conversations in JSON, prepared for a chat template as transformers prepares them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include <quipu/core/compiled.hpp>
#include <quipu/core/error.hpp>  // format_error
#include <quipu/text/jinja/value.hpp>

namespace quipu::text {

/// A list of messages, each an object with a role and whatever the template looks at: content as a text, as parts or null,
/// tool calls, reasoning. As in transformers' `apply_chat_template` (5.24) keys whose value is null are dropped, and what a
/// message has as `reasoning_content`, `thinking` or `reasoning` is there as `reasoning_content` and `thinking`.
///
/// @param json   UTF-8
/// @param place  what to call it in messages
/// @return for `render`
/// @throws format_error  no JSON, no list of objects, or a conversation without a message
[[nodiscard]] jinja::value conversation_from_json(std::string_view json, const std::string& place);

}  // namespace quipu::text

#if !defined(QUIPU_COMPILED)
#include <quipu/text/chat_conversation.ipp>
#endif
