// What chat_families.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>  // config_error
#include <quipu/text/chat_families.hpp>
#include <quipu/text/chat_template.hpp>
#include <quipu/text/utf8.hpp>

namespace quipu::text {

QUIPU_INLINE std::string_view strip_spaces(std::string_view text) noexcept {
  const auto is_space = [](char32_t c) {
    return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 ||
           c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 ||
           c == 0x202F || c == 0x205F || c == 0x3000;
  };
  std::size_t begin = text.size();
  std::size_t end = 0;
  for (std::size_t at = 0; at < text.size();) {
    const utf8_step step = decode_utf8(text, at);
    if (!is_space(step.code_point)) {
      begin = std::min(begin, at);
      end = at + step.length;
    }
    at += step.length;
  }
  return begin < end ? text.substr(begin, end - begin) : std::string_view();
}

namespace detail {

/// Collects pieces, neighbouring texts joined: tokens may reach over the seam between a template's
/// text and a message.
class chat_writer {
 public:
  void control(std::string_view mark) {
    if (!mark.empty()) pieces_.push_back({std::string(mark), true});
  }
  void text(std::string_view words) {
    if (words.empty()) return;
    if (pieces_.empty() || pieces_.back().from_template) pieces_.push_back({});
    pieces_.back().text += words;
  }
  [[nodiscard]] std::vector<chat_piece> take() { return std::move(pieces_); }

 private:
  std::vector<chat_piece> pieces_;
};

inline void render_llama2(chat_writer& out, const chat_template& form,
                          std::span<const chat_message> messages) {
  if (messages.empty()) fail<config_error>("chat template llama-2", "at least one message", "none");
  const bool has_system = messages.front().role == "system";
  const auto turns = messages.subspan(has_system ? 1 : 0);
  for (std::size_t i = 0; i < turns.size(); ++i) {
    const bool is_user = turns[i].role == "user";
    if (is_user != (i % 2 == 0)) {
      throw config_error(
          "chat template llama-2: Conversation roles must alternate "
          "user/assistant/user/assistant/...");
    }
    const bool with_system = i == 0 && has_system;
    if (is_user) {
      out.control(form.bos);
      out.control("[INST]");
      out.text(" ");
      if (with_system) {
        out.control("<<SYS>>");
        out.text("\n" + messages.front().content + "\n");
        out.control("<</SYS>>");
        // The template strips system and user message as one text, which begins with a mark.
        const std::string rest = "\n\n" + turns[i].content;
        out.text(std::string_view(rest).substr(
            0, rest.find(strip_spaces(rest)) + strip_spaces(rest).size()));
      } else {
        out.text(strip_spaces(turns[i].content));
      }
      out.text(" ");
      out.control("[/INST]");
    } else if (turns[i].role == "assistant") {
      out.text(" ");
      out.text(strip_spaces(turns[i].content));
      out.text(" ");
      out.control(form.eos);
    }
  }
}

inline void render_llama3(chat_writer& out, const chat_template& form,
                          std::span<const chat_message> messages, generation_prompt prompt) {
  const auto header = [&](std::string_view role) {
    out.control("<|start_header_id|>");
    out.text(role);
    out.control("<|end_header_id|>");
    out.text("\n\n");
  };
  if (!messages.empty()) out.control(form.bos);
  for (const chat_message& message : messages) {
    header(message.role);
    out.text(strip_spaces(message.content));
    out.control("<|eot_id|>");
  }
  if (prompt == generation_prompt::add) header("assistant");
}

inline void render_chatml(chat_writer& out, std::span<const chat_message> messages, generation_prompt prompt) {
  const auto turn = [&](std::string_view role, std::string_view content) {
    out.control("<|im_start|>");
    out.text(role);
    out.text("\n");
    out.text(content);
    out.control("<|im_end|>");
    out.text("\n");
  };
  for (const chat_message& message : messages) turn(message.role, message.content);
  if (prompt == generation_prompt::add) {
    out.control("<|im_start|>");
    out.text("assistant\n");
  }
}

inline void render_zephyr(chat_writer& out, const chat_template& form,
                          std::span<const chat_message> messages, generation_prompt prompt) {
  for (const chat_message& message : messages) {
    // Other roles are left out without a word, as the template does.
    if (message.role != "user" && message.role != "system" && message.role != "assistant") continue;
    out.control("<|" + message.role + "|>");
    out.text("\n");
    out.text(message.content);
    out.control(form.eos);
    out.text("\n");
  }
  if (prompt == generation_prompt::add && !messages.empty()) {
    out.control("<|assistant|>");
    out.text("\n");
  }
}

}  // namespace detail

QUIPU_INLINE std::vector<chat_piece> render_family(const chat_template& form, std::span<const chat_message> messages,
                                                   generation_prompt prompt) {
  detail::chat_writer out;
  switch (form.family) {
    case chat_family::llama2: detail::render_llama2(out, form, messages); break;  // has no such prompt
    case chat_family::llama3: detail::render_llama3(out, form, messages, prompt); break;
    case chat_family::chatml: detail::render_chatml(out, messages, prompt); break;
    case chat_family::zephyr: detail::render_zephyr(out, form, messages, prompt); break;
  }
  return out.take();
}

}  // namespace quipu::text
