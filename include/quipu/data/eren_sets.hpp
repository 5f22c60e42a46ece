/// @file Readers of the four sets that EREN is measured with.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/data/edit_case.hpp>

namespace quipu::data {

/// CounterFact-Hard: one note a record, up to three questions in scope, groups "neighbor_subj" and
/// "same_subj" of unrelated ones. The file's answers for "same_subj" are not one for each question.
/// @throws io_error, format_error
[[nodiscard]] std::vector<edit_case> read_counterfact_hard(const std::string& path);

/// A set of claims to check against notes.
struct fever_set {
  /// The first half of the records are edits, the second half claims that no note touches: their cases
  /// have claims in scope, but their notes are not live.
  std::vector<edit_case> edits, out_of_scope;
};

/// FEVER: one note a record; claims with the labels "yes" and "no". The file's first claim of a record
/// is the note itself and is left out; the truth of the others is the label of the original claim,
/// which they paraphrase.
/// @throws io_error, format_error
[[nodiscard]] fever_set read_fever(const std::string& path);

/// True if the edit turns the answer: only then does success say anything.
[[nodiscard]] bool flips(const probe& claim);

/// HotpotQA: two paragraphs a record are its notes, one question needs both. `kind` is "bridge" or
/// "comparison".
/// @throws io_error, format_error
[[nodiscard]] std::vector<edit_case> read_hotpot(const std::string& path);

}  // namespace quipu::data

#if !defined(QUIPU_COMPILED)
#include <quipu/data/eren_sets.ipp>
#endif
