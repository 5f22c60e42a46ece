/// @file Conversations as training examples: the assistant's turns are learned, with the end that the template gives them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/token.hpp>
#include <quipu/llama/loss.hpp>  // ignored_label
#include <quipu/text/chat_render.hpp>
#include <quipu/text/chat_template.hpp>
#include <quipu/text/tokenizer.hpp>
#include <quipu/train/example_source.hpp>

namespace quipu::train {

/// A conversation of any number of turns, as its template writes it. Labels are the assistant's words and the end of its
/// turn up to the token that ends a generation: what the model must write for a chat to go on. All else is only read.
///
/// @throws config_error  no assistant's turn; or a template that writes a turn otherwise once more follows (some leave
///                       out earlier reasoning, or the prompt of an answer), so that its tokens cannot be told apart
template <text::tokenizer Tokenizer>
[[nodiscard]] example chat_example(const Tokenizer& tokenizer, const text::chat_template& form,
                                   std::span<const text::chat_message> messages) {
  const auto encode = [&](std::size_t n, text::generation_prompt prompt) {
    return text::encode_chat(tokenizer, form, messages.first(n), prompt);
  };
  const auto is_assistant = [](const text::chat_message& m) { return m.role == "assistant"; };
  std::size_t n_message = messages.size();
  while (n_message > 0 && !is_assistant(messages[n_message - 1])) --n_message;
  if (n_message == 0) fail<config_error>("chat_example", "a conversation with a turn of the assistant", "none");
  example e;
  e.tokens = encode(n_message, text::generation_prompt::omit);
  e.labels.assign(e.tokens.size(), llama::ignored_label);
  std::size_t last = 0;
  for (std::size_t i = 0; i < n_message; ++i) {
    if (!is_assistant(messages[i])) continue;
    const std::vector<token_id> before = encode(i, text::generation_prompt::add);
    const std::vector<token_id> with = encode(i + 1, text::generation_prompt::omit);
    const auto begins = [&](const std::vector<token_id>& part) {
      return part.size() <= e.tokens.size() && std::equal(part.begin(), part.end(), e.tokens.begin());
    };
    if (!begins(before) || !begins(with) || with.size() <= before.size()) {
      fail<config_error>("chat_example: chat template",
                         "one that writes a turn in the same way whatever follows (give single turns)",
                         concat("another one at message ", i + 1));
    }
    std::size_t end = with.size();
    const auto ends = [&](token_id id) { return tokenizer.is_end(id); };
    const auto place = std::find_if(with.begin() + static_cast<std::ptrdiff_t>(before.size()), with.end(), ends);
    if (place != with.end()) end = static_cast<std::size_t>(place - with.begin()) + 1;
    std::copy(with.begin() + static_cast<std::ptrdiff_t>(before.size()), with.begin() + static_cast<std::ptrdiff_t>(end),
              e.labels.begin() + static_cast<std::ptrdiff_t>(before.size()));
    last = end;
  }
  e.tokens.resize(last);  // nothing after it is learned
  e.labels.resize(last);
  return e;
}

}  // namespace quipu::train
