/// @file Telling from a text that the model found no answer in the notes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <quipu/text/chat_render.hpp>  // strip_spaces

namespace quipu::eren {

enum class abstention_rule : std::uint8_t {
  strict,  ///< the paper's: the text is one of the words, but for case and blanks around it
  robust,  ///< also with punctuation around it, with more text after it, in other wordings, or empty
};

/// Finds abstentions. The lists are yours to extend, in lower case (ASCII); the texts' own letters are
/// compared without regard to ASCII case.
struct abstention_detector {
  abstention_rule rule = abstention_rule::robust;
  std::vector<std::string> exact = {"unanswerable", "it's impossible to say"};
  std::vector<std::string> openings = {"unanswerable",
                                       "not answerable",
                                       "cannot be answered",
                                       "can't be answered",
                                       "cannot be determined",
                                       "can't be determined",
                                       "no answer",
                                       "not mentioned",
                                       "not stated",
                                       "not specified",
                                       "not provided",
                                       "i don't know",
                                       "i do not know",
                                       "unknown",
                                       "none",
                                       "n/a",
                                       "the notes do not",
                                       "the notes don't",
                                       "the note does not",
                                       "the note doesn't",
                                       "the context does not",
                                       "the context doesn't",
                                       "the passage does not",
                                       "the passage doesn't",
                                       "no relevant fact",
                                       "no relevant information",
                                       "it's impossible to say",
                                       "it is impossible to say"};

  [[nodiscard]] bool operator()(std::string_view answer) const {
    const std::string plain = lower(text::strip_spaces(answer));
    if (rule == abstention_rule::strict) return std::find(exact.begin(), exact.end(), plain) != exact.end();
    constexpr std::string_view around = " \t\r\n.,;:!?\"'`*()[]";
    const std::size_t first = plain.find_first_not_of(around);
    if (first == std::string::npos) return true;
    const std::string_view rest = std::string_view(plain).substr(first);
    return std::any_of(openings.begin(), openings.end(), [&](const std::string& opening) {
      if (!rest.starts_with(opening)) return false;
      if (rest.size() == opening.size()) return true;
      // "none" must not find "nonetheless".
      const char next = rest[opening.size()];
      return !((next >= 'a' && next <= 'z') || (next >= '0' && next <= '9') ||
               static_cast<unsigned char>(next) >= 0x80);
    });
  }

 private:
  static std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    }
    return out;
  }
};

/// A generated answer without what small models put around it: "Answer:", quotes, a final period.
[[nodiscard]] inline std::string tidy_answer(std::string_view raw) {
  std::string_view answer = text::strip_spaces(raw);
  if (answer.starts_with("Answer:")) answer = text::strip_spaces(answer.substr(7));
  if (answer.size() >= 2 && answer.front() == '"' && answer.back() == '"') answer = answer.substr(1, answer.size() - 2);
  if (answer.size() > 1 && answer.back() == '.' && answer[answer.size() - 2] != '.') answer.remove_suffix(1);
  return std::string(answer);
}

}  // namespace quipu::eren
