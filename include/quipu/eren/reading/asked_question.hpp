/// @file A question as it was asked, and all that is made of it once: its guarded text, its words.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_set>
#include <vector>

#include <quipu/eren/reading/guarded.hpp>
#include <quipu/eren/reading/question_words.hpp>

namespace quipu::eren {

/// Immutable; copies share what was made. Texts convert to it, guarded ones as well: guarding twice changes nothing.
class asked_question {
 public:
  asked_question() : asked_question(std::string_view()) {}
  template <class Text>
    requires std::convertible_to<const Text&, std::string_view> &&
        (!std::is_same_v<Text, asked_question>)asked_question(const Text& raw)
        : parts_(std::make_shared<const parts>(std::string_view(raw))) {}

    /// As it was asked: for retrievers, and for the application's prompt.
    [[nodiscard]] const std::string& raw() const noexcept { return parts_->raw; }
    /// Guarded: for prompts and features.
    [[nodiscard]] const std::string& text() const noexcept { return parts_->text; }
    /// `lower_words` of the text.
    [[nodiscard]] const std::vector<std::string>& words() const noexcept { return parts_->words; }
    /// The same without repeats.
    [[nodiscard]] const std::vector<std::string>& distinct_words() const noexcept { return parts_->distinct_words; }
    /// `stems_of` the words.
    [[nodiscard]] const std::unordered_set<std::string>& stems() const noexcept { return parts_->stems; }
    /// `content_terms` of the text.
    [[nodiscard]] const std::vector<std::string>& content() const noexcept { return parts_->content; }
    /// What `shared_span` looks for in notes.
    [[nodiscard]] const topic_words& topic() const noexcept { return parts_->topic; }

   private:
    struct parts {
      explicit parts(std::string_view question)
          : raw(question),
            text(guarded(question)),
            words(lower_words(text)),
            distinct_words(without_repeats(words)),
            stems(stems_of(words)),
            content(content_terms(text)),
            topic(topic_words_of(text)) {}
      parts(const parts&) = delete;  // `topic` looks into `text`
      parts& operator=(const parts&) = delete;

      std::string raw, text;
      std::vector<std::string> words, distinct_words;
      std::unordered_set<std::string> stems;
      std::vector<std::string> content;
      topic_words topic;
    };
    std::shared_ptr<const parts> parts_;
};

}  // namespace quipu::eren
