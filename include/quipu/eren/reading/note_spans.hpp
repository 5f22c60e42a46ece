/// @file The spans of notes: what an answer that only copies may consist of.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <quipu/core/compiled.hpp>

namespace quipu::eren {

/// Where spans of a text may begin and end: not inside a word, with a mark apart from its letter, or at a blank. Scripts
/// that are written without blanks may be cut between any two letters.
class note_spans {
 public:
  /// @param notes  UTF-8; no span goes from one into the next
  explicit note_spans(std::span<const std::string> notes);

  /// All notes, a line feed after each.
  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  /// Offsets at which a span may begin, ascending.
  [[nodiscard]] const std::vector<std::size_t>& begins() const noexcept { return begins_; }
  /// May a span end in front of the byte `at`?
  [[nodiscard]] bool may_end(std::size_t at) const noexcept { return at < ends_.size() && ends_[at]; }
  /// What follows `at` in its note.
  [[nodiscard]] std::string_view rest(std::size_t at) const noexcept {
    const std::string_view from = std::string_view(text_).substr(at);
    return from.substr(0, from.find('\n'));
  }

 private:
  std::string text_;
  std::vector<std::size_t> begins_;
  std::vector<bool> ends_;
};

}  // namespace quipu::eren

#if !defined(QUIPU_COMPILED)
#include <quipu/eren/reading/note_spans.ipp>
#endif
