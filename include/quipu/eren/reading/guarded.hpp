/// @file Notes and questions made harmless, before they stand in a prompt.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <quipu/core/compiled.hpp>
#include <quipu/notes/note.hpp>  // without_final_period

namespace quipu::eren {

/// Longest text of one note or question in a prompt, in bytes; the rest is cut off.
inline constexpr std::size_t max_prompt_field = 4096;

/// A note or a question as it may stand in a prompt: one line of UTF-8, blanks and control characters
/// collapsed, marks of all chat templates replaced by a blank (some vocabularies have no tokens for them, so
/// that encoding alone would not tell them from the template's own), at most `max_prompt_field` bytes.
[[nodiscard]] std::string guarded(std::string_view raw);

/// A note as prompts and indexes know it: guarded, without its final period.
[[nodiscard]] inline std::string guarded_note(std::string_view raw) {
  return std::string(notes::without_final_period(guarded(raw)));
}

}  // namespace quipu::eren

#if !defined(QUIPU_COMPILED)
#include <quipu/eren/reading/guarded.ipp>
#endif
