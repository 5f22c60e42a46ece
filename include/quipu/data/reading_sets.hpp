/// @file Readers of sets whose notes are what people write: paragraphs of articles, everyday notes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <quipu/core/compiled.hpp>
#include <quipu/data/edit_case.hpp>

namespace quipu::data {

/// XQuAD and SQuAD files: {"data": [{"paragraphs": [{"context", "qas": [{"question", "answers": [{"text"}]}]}]}]}. Of the
/// paragraphs of an article the first three fifths are notes, with their questions in scope; the others are no notes and
/// their questions, the group "other_paragraph", must be left alone. The first two thirds of the articles are the
/// development part. Byte order marks are left out.
/// @throws io_error, format_error
[[nodiscard]] edit_set read_xquad(const std::string& path);

/// Everyday notes: {"notes": [text, ...], "questions": [{"question", "answers": [text, ...], "kind", "language"}, ...]}. Notes
/// come in their order, each as a case without questions; then each question as a case without notes, in scope if it has
/// answers, else in a group named after its kind. All of them are the test part.
/// @throws io_error, format_error
[[nodiscard]] edit_set read_everyday(const std::string& path);

}  // namespace quipu::data

#if !defined(QUIPU_COMPILED)
#include <quipu/data/reading_sets.ipp>
#endif
