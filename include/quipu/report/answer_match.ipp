// What answer_match.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <quipu/report/answer_match.hpp>

namespace quipu::report {

namespace detail {

inline std::vector<std::string> answer_words(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  const auto end = [&] {
    if (!word.empty() && word != "a" && word != "an" && word != "the") words.push_back(word);
    word.clear();
  };
  for (const char c : text) {
    const bool upper = c >= 'A' && c <= 'Z';
    const bool plain =
        upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
    if (plain) {
      word.push_back(upper ? static_cast<char>(c + 32) : c);
    } else {
      end();
    }
  }
  end();
  return words;
}

}  // namespace detail

QUIPU_INLINE std::string normalised_answer(std::string_view text) {
  std::string out;
  for (const std::string& word : detail::answer_words(text)) (out += out.empty() ? "" : " ") += word;
  return out;
}

QUIPU_INLINE bool answers_match(std::string_view a, std::string_view b) {
  return normalised_answer(a) == normalised_answer(b);
}

QUIPU_INLINE bool matches_any(std::string_view answer, std::span<const std::string> accepted) {
  const std::string form = normalised_answer(answer);
  return std::any_of(accepted.begin(), accepted.end(),
                     [&](const std::string& a) { return normalised_answer(a) == form; });
}

QUIPU_INLINE bool answer_contains(std::string_view answer, std::string_view expected) {
  const auto words = detail::answer_words(answer), wanted = detail::answer_words(expected);
  return !wanted.empty() && std::search(words.begin(), words.end(), wanted.begin(), wanted.end()) != words.end();
}

QUIPU_INLINE double token_f1(std::string_view answer, std::string_view expected) {
  const auto words = detail::answer_words(answer), wanted = detail::answer_words(expected);
  if (words.empty() || wanted.empty()) return words.empty() && wanted.empty() ? 1 : 0;
  std::map<std::string, std::size_t> left;
  for (const std::string& word : wanted) ++left[word];
  std::size_t common = 0;
  for (const std::string& word : words) {
    if (const auto found = left.find(word); found != left.end() && found->second > 0) {
      --found->second;
      ++common;
    }
  }
  if (common == 0) return 0;
  return 2.0 * static_cast<double>(common) / static_cast<double>(words.size() + wanted.size());
}

}  // namespace quipu::report
