/// @file Puts text together and keeps apart which bytes of it the template wrote.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>

#include <quipu/text/jinja/value.hpp>

namespace quipu::text::jinja {

/// Origin of the byte at `at`.
[[nodiscard]] inline bool trusted_at(const text_object& text, std::size_t at) noexcept {
  if (text.flips.empty()) return text.trusted;
  const auto before = std::upper_bound(text.flips.begin(), text.flips.end(), at) - text.flips.begin();
  return text.trusted != (before % 2 != 0);
}

/// Did the template write all of it? Empty text counts as written by the template.
[[nodiscard]] inline bool all_trusted(const text_object& text) noexcept {
  return text.chars.empty() || (text.trusted && text.flips.empty());
}

/// Collects pieces of text with their origins.
///
/// The rule of origins: literals of the template and variables that the caller marked are trusted, all else is given.
/// An operation that moves bytes (`+`, `~`, join, slices, replace, strip, format, macros, set blocks ...) keeps the
/// origin of each byte; so does one that maps characters (upper, escape ...). Padding and separators that an operation
/// makes itself are the template's; the newlines and blanks of indent are, if all of its text is. Text made of other
/// kinds (numbers, repr, tojson, dates) is given.
class text_builder {
 public:
  text_builder() : made_(new text_object), owner_(made_) {}

  void reserve(std::size_t bytes) { made_->chars.reserve(bytes); }
  [[nodiscard]] std::size_t size() const noexcept { return made_->chars.size(); }
  [[nodiscard]] const text_object& text() const noexcept { return *made_; }

  void append(std::string_view chars, bool trusted) {
    if (chars.empty()) return;
    turn(trusted);
    made_->chars.append(chars);
  }
  void append(char c, bool trusted) {
    turn(trusted);
    made_->chars.push_back(c);
  }
  void append(std::size_t count, char c, bool trusted) {
    if (count == 0) return;
    turn(trusted);
    made_->chars.append(count, c);
  }
  void append(const text_object& text) { append(text, 0, text.chars.size()); }
  /// Bytes [begin, end) of `text`.
  void append(const text_object& text, std::size_t begin, std::size_t end) {
    const std::string_view chars = text.chars;
    if (text.flips.empty()) return append(chars.substr(begin, end - begin), text.trusted);
    auto flip = std::upper_bound(text.flips.begin(), text.flips.end(), begin);
    bool trusted = text.trusted != ((flip - text.flips.begin()) % 2 != 0);
    while (begin < end) {
      const std::size_t stop = flip == text.flips.end() ? end : std::min(end, *flip);
      append(chars.substr(begin, stop - begin), trusted);
      begin = stop;
      trusted = !trusted;
      if (flip != text.flips.end()) ++flip;
    }
  }
  [[nodiscard]] value take(bool safe = false) {
    made_->safe = safe;
    return std::move(owner_);
  }

 private:
  void turn(bool trusted) {
    if (made_->chars.empty()) {
      made_->trusted = trusted;
      now_ = trusted;
    } else if (now_ != trusted) {
      made_->flips.push_back(made_->chars.size());
      now_ = trusted;
    }
  }

  text_object* made_;
  value owner_;
  bool now_ = false;
};

}  // namespace quipu::text::jinja
