/// @file Prompts: notes and a question put into a conversation, encoded for any model.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/token.hpp>
#include <quipu/eren/reading/guarded.hpp>
#include <quipu/text/chat_render.hpp>
#include <quipu/text/chat_template.hpp>
#include <quipu/text/message_guard.hpp>
#include <quipu/text/tokenizer.hpp>

namespace quipu::eren {

/// What is said, and how the answer begins.
struct prompt {
  std::vector<text::chat_message> messages;
  std::string answer_begin;  ///< written for the assistant, for example "Answer:"
};

/// How prompts become tokens: by the chat template of a model, or as plain text if it has none.
class prompt_form {
 public:
  /// Plain text: the system message, an empty line, the user's message, a line feed, the answer's begin.
  prompt_form() = default;
  explicit prompt_form(text::chat_template chat) : chat_(std::move(chat)) {}

  /// The form that a tokenizer's checkpoint asks for.
  /// @throws config_error  it has a chat template that cannot be compiled; give another form
  template <text::tokenizer Tokenizer>
  [[nodiscard]] static prompt_form of(const Tokenizer& tokenizer) {
    if constexpr (text::chat_tokenizer<Tokenizer>) {
      if (!tokenizer.vocab().chat_template.empty()) return prompt_form(text::chat_template_of(tokenizer));
    }
    return {};
  }

  /// The pieces of the prompt, marks apart from text.
  [[nodiscard]] std::vector<text::chat_piece> pieces(const prompt& p) const {
    std::vector<text::chat_piece> all;
    std::string begin = p.answer_begin;
    if (chat_) {
      all = text::render(*chat_, text::guarded_messages(*chat_, p.messages), text::generation_prompt::add);
      // Llama 2 and others have no opening of the answer: a blank parts it from the mark before.
      const bool parted = !all.empty() && (all.back().text.ends_with(' ') || all.back().text.ends_with('\n'));
      if (!chat_->opens_answers() && !parted && !begin.empty()) begin.insert(0, " ");
    } else {
      all.push_back({});
      for (std::size_t i = 0; i < p.messages.size(); ++i) {
        all.back().text += p.messages[i].content;
        all.back().text += i + 1 < p.messages.size() ? "\n\n" : begin.empty() ? "" : "\n";
      }
    }
    if (!begin.empty()) {
      if (all.empty() || all.back().from_template) all.push_back({});
      all.back().text += begin;
    }
    return all;
  }
  /// For people to read.
  [[nodiscard]] std::string text(const prompt& p) const {
    std::string all;
    for (const text::chat_piece& piece : pieces(p)) all += piece.text;
    return all;
  }
  /// Ids, with the bos that plain text has if the model expects it.
  template <text::tokenizer Tokenizer>
  [[nodiscard]] std::vector<token_id> encode(const Tokenizer& tokenizer, const prompt& p) const {
    std::vector<token_id> ids = text::encode_pieces(tokenizer, pieces(p));
    if (!chat_ && tokenizer.add_bos() && tokenizer.bos() != no_token) ids.insert(ids.begin(), tokenizer.bos());
    return ids;
  }

 private:
  std::optional<text::chat_template> chat_;
};

/// Ids of `text` if it continues a text that ends with `before`: vocabularies that write a blank in front
/// of every text would otherwise write one in the middle.
template <text::tokenizer Tokenizer>
[[nodiscard]] std::vector<token_id> continuation_ids(const Tokenizer& tokenizer, std::string_view before,
                                                     std::string_view text) {
  const std::vector<token_id> head = tokenizer.encode(before, text::special::plain);
  std::vector<token_id> all = tokenizer.encode(std::string(before) + std::string(text), text::special::plain);
  if (all.size() <= head.size() || !std::equal(head.begin(), head.end(), all.begin()))
    return tokenizer.encode(text, text::special::plain);
  all.erase(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(head.size()));
  return all;
}

}  // namespace quipu::eren
