// What question_maker.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/progress.hpp>
#include <quipu/core/random.hpp>
#include <quipu/core/token.hpp>
#include <quipu/eren/reading/extractive_reader.hpp>
#include <quipu/eren/reading/prompt.hpp>
#include <quipu/eren/reading/question_words.hpp>
#include <quipu/eren/study/question_maker.hpp>
#include <quipu/llama/sampler.hpp>
#include <quipu/llama/sequence_input.hpp>
#include <quipu/text/stream_decoder.hpp>

namespace quipu::eren {

namespace detail {

QUIPU_INLINE std::vector<std::string> asked_words(std::string_view note) {
  const std::vector<std::string> words = answer_candidates(note, {});
  std::vector<std::string> asked;
  if (words.empty()) return asked;
  for (const std::string& word : {words.back(), words.front()}) {
    std::string name = whole_name(note, word, words);
    if (std::find(asked.begin(), asked.end(), name) == asked.end()) asked.push_back(std::move(name));
  }
  return asked;
}

QUIPU_INLINE std::optional<std::string> usable_question(std::string_view written, std::string_view note,
                                                        std::string_view answer) {
  const std::size_t end = written.find('?');
  if (end == std::string_view::npos) return {};
  std::string question(text::strip_spaces(written.substr(0, end + 1)));
  const std::vector<std::string> words = lower_words(question), told = lower_words(answer);
  if (words.size() < 3 || told.empty()) return {};
  if (std::search(words.begin(), words.end(), told.begin(), told.end()) != words.end()) return {};
  const bool about = [&] {
    for (const std::string& word : lower_words(shared_span(question, note))) {
      if (!notes::is_stop_word(word)) return true;
    }
    return false;
  }();
  if (!about) return {};
  return question;
}

}  // namespace detail


}  // namespace quipu::eren
