/// @file What notes tell about whom, so that none contradicts another and open questions stay open.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/requirements.hpp>  // C++20, exceptions

namespace quipu::data {

/// What the notes say about whom. One subject is taken for another if all words of the one are in the other: "Anna" may
/// be "Anna Berg".
class told_facts {
 public:
  void add(const std::string& theme, const std::string& subject) { by_theme_[theme].push_back(words_of(subject)); }
  [[nodiscard]] bool has(const std::string& theme, const std::string& subject) const {
    const auto found = by_theme_.find(theme);
    if (found == by_theme_.end()) return false;
    const std::set<std::string> words = words_of(subject);
    return std::any_of(found->second.begin(), found->second.end(), [&](const std::set<std::string>& other) {
      return std::includes(words.begin(), words.end(), other.begin(), other.end()) ||
             std::includes(other.begin(), other.end(), words.begin(), words.end());
    });
  }

 private:
  static std::set<std::string> words_of(std::string_view text) {
    std::set<std::string> words;
    std::string word;
    for (const char c : text) {
      if (c == ' ') {
        if (!word.empty()) words.insert(std::exchange(word, {}));
      } else {
        word += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      }
    }
    if (!word.empty()) words.insert(word);
    return words;
  }

  std::map<std::string, std::vector<std::set<std::string>>> by_theme_;
};

}  // namespace quipu::data
