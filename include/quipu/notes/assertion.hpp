/// @file Does a note say that something is so, or does it deny it, doubt it, ask for it or tie it to a condition?
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include <quipu/core/compiled.hpp>

namespace quipu::notes {

/// Told from the words around the answer alone, in English, German, Spanish and Chinese. False where every place of the
/// answer in the text lies
///
/// * in a clause that denies or doubts it: "Mozart was not born in Vienna", "Bob, not Alice, is the manager",
/// * in a sentence that asks, or
/// * in one with a condition of which the question says nothing: "If it rains, the meeting is in room 4".
///
/// A question that denies itself ("Who does not eat meat?") may be answered by such a note. What does not stand in the text
/// word for word is taken to be so: this finds words that a note denies, and knows nothing of what it means.
[[nodiscard]] bool asserts(std::string_view text, std::string_view answer, std::string_view question);

}  // namespace quipu::notes

#if !defined(QUIPU_COMPILED)
#include <quipu/notes/assertion.ipp>
#endif
