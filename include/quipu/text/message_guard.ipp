// What message_guard.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <quipu/text/chat_template.hpp>
#include <quipu/text/message_guard.hpp>

namespace quipu::text {

QUIPU_INLINE std::string guarded_message(const chat_template& form, std::string_view message) {
  std::string out;
  for (std::size_t at = 0; at < message.size();) {
    std::size_t length = 0;  // of the longest mark here
    if (message[at] == '<' || message[at] == '[') {
      const std::string_view rest = message.substr(at);
      for (const std::string& mark : form.marks) {
        if (mark.size() > length && rest.starts_with(mark)) length = mark.size();
      }
    }
    if (length == 0) {
      out += message[at++];
    } else {
      out += ' ';
      at += length;
    }
  }
  return out;
}

QUIPU_INLINE std::vector<chat_message> guarded_messages(const chat_template& form,
                                                        std::span<const chat_message> messages) {
  std::vector<chat_message> all(messages.begin(), messages.end());
  for (chat_message& one : all) {
    if (one.role != "assistant") one.content = guarded_message(form, one.content);
  }
  return all;
}

}  // namespace quipu::text
