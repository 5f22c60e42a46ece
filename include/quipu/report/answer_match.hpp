/// @file When two answers are the same: normal forms and comparisons of the question-answering benchmarks.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

#include <quipu/core/compiled.hpp>

namespace quipu::report {

/// Lower case (ASCII), punctuation to blanks, without the articles a, an and the, blanks collapsed (the
/// normal form of SQuAD's scorer, with punctuation parting words).
[[nodiscard]] std::string normalised_answer(std::string_view text);

[[nodiscard]] bool answers_match(std::string_view a, std::string_view b);

/// True if one of the accepted answers matches.
[[nodiscard]] bool matches_any(std::string_view answer, std::span<const std::string> accepted);

/// True if the words of `expected` stand in `answer`, side by side; an empty expectation is in nothing.
[[nodiscard]] bool answer_contains(std::string_view answer, std::string_view expected);

/// Harmonic mean of the precision and recall of words, repeats counted; 1 if both answers are empty.
[[nodiscard]] double token_f1(std::string_view answer, std::string_view expected);

}  // namespace quipu::report

#if !defined(QUIPU_COMPILED)
#include <quipu/report/answer_match.ipp>
#endif
