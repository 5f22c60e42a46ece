/// @file Messages that people type, made unable to write the marks of a chat format.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/text/chat_template.hpp>

namespace quipu::text {

/// The message with a blank in place of every mark of the format.
///
/// Control tokens need none of this: `encode_pieces` takes them from the template's own text alone. Two kinds of marks
/// it cannot tell from a user's words: those that a template writes as plain text ("[INST]" of Llama 2, "<|user|>" of
/// Zephyr), and those that a vocabulary has as tokens of users ("<tool_call>", "<think>"), which are tokens wherever they
/// stand. `chat_template::marks` lists both.
[[nodiscard]] std::string guarded_message(const chat_template& form, std::string_view message);

/// The conversation with every message guarded, but for the model's own (role "assistant"): what `encode_chat` is given
/// if people type the messages. Without marks in them the messages stay as they are.
[[nodiscard]] std::vector<chat_message> guarded_messages(const chat_template& form,
                                                         std::span<const chat_message> messages);

}  // namespace quipu::text

#if !defined(QUIPU_COMPILED)
#include <quipu/text/message_guard.ipp>
#endif
