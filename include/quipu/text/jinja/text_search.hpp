/// @file Finding text in text in linear time, whatever both are.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include <quipu/core/requirements.hpp>  // C++20, exceptions

namespace quipu::text::jinja {

/// Looks for one text again and again (Knuth, Morris, Pratt; short ones by the library's search, whose worst case is
/// their length).
class text_finder {
 public:
  static constexpr std::size_t npos = std::string_view::npos;

  explicit text_finder(std::string_view wanted) : wanted_(wanted) {
    if (wanted.size() <= longest_plain) return;
    border_.assign(wanted.size() + 1, 0);
    for (std::size_t i = 1, k = 0; i < wanted.size(); ++i) {
      while (k > 0 && wanted[i] != wanted[k]) k = border_[k];
      if (wanted[i] == wanted[k]) ++k;
      border_[i + 1] = k;
    }
  }

  /// First place at or behind `from`.
  [[nodiscard]] std::size_t first(std::string_view text, std::size_t from = 0) const {
    if (border_.empty()) return text.find(wanted_, from);
    for (std::size_t i = from, k = 0; i < text.size(); ++i) {
      while (k > 0 && text[i] != wanted_[k]) k = border_[k];
      if (text[i] == wanted_[k] && ++k == wanted_.size()) return i + 1 - k;
    }
    return npos;
  }
  /// Every place, overlapping ones too.
  [[nodiscard]] std::vector<std::size_t> all(std::string_view text) const {
    std::vector<std::size_t> places;
    if (border_.empty()) {
      for (std::size_t at = text.find(wanted_); at != npos; at = text.find(wanted_, at + 1)) places.push_back(at);
      return places;
    }
    for (std::size_t i = 0, k = 0; i < text.size(); ++i) {
      while (k > 0 && (k == wanted_.size() || text[i] != wanted_[k])) k = border_[k];
      if (text[i] == wanted_[k] && ++k == wanted_.size()) places.push_back(i + 1 - k);
    }
    return places;
  }
  /// Last place.
  [[nodiscard]] std::size_t last(std::string_view text) const {
    if (border_.empty()) return text.rfind(wanted_);
    const std::vector<std::size_t> places = all(text);
    return places.empty() ? npos : places.back();
  }

 private:
  static constexpr std::size_t longest_plain = 32;
  std::string_view wanted_;
  std::vector<std::size_t> border_;
};

[[nodiscard]] inline std::size_t find_text(std::string_view text, std::string_view wanted) {
  return text_finder(wanted).first(text);
}

}  // namespace quipu::text::jinja
