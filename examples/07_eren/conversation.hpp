/// @file What was said so far, as the prompt of the model's own answers.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/token.hpp>
#include <quipu/eren/reading/prompt.hpp>

/// Turns of a chat. Without memory every question stands alone, and what no note answers has the bytes of the unedited
/// model; with it those that this model gives in the same conversation.
class conversation {
 public:
  bool remembers = false;

  void add(std::string question, std::string answer) {
    if (!remembers) return;
    turns_.push_back({"user", std::move(question)});
    turns_.push_back({"assistant", std::move(answer)});
  }
  void forget() { turns_.clear(); }
  [[nodiscard]] std::size_t size() const noexcept { return turns_.size() / 2; }

  /// The whole conversation and the question. The oldest turns are left out where it would pass `n_ctx` tokens.
  template <class Tokenizer>
  [[nodiscard]] std::vector<quipu::token_id> prompt(const Tokenizer& tokenizer, const quipu::eren::prompt_form& form,
                                                    std::string_view question, std::size_t n_ctx) const {
    for (std::size_t first = 0;; first += 2) {
      quipu::eren::prompt p;
      if (remembers) p.messages.assign(turns_.begin() + static_cast<std::ptrdiff_t>(first), turns_.end());
      p.messages.push_back({"user", std::string(question)});
      std::vector<quipu::token_id> ids = form.encode(tokenizer, p);
      if (ids.size() <= n_ctx || p.messages.size() == 1) return ids;
    }
  }

 private:
  std::vector<quipu::text::chat_message> turns_;
};
