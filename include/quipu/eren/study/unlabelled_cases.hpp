/// @file Questions with known verdicts from notes alone: what a gate is fitted on when nobody has labelled any.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/core/crc32.hpp>
#include <quipu/data/edit_case.hpp>
#include <quipu/eren/study/evaluation_questions.hpp>
#include <quipu/eren/study/gate_study.hpp>
#include <quipu/eren/study/held_out.hpp>  // studied_part
#include <quipu/eren/study/question_maker.hpp>

namespace quipu::eren {

/// Is this note one of those that are live (about half of them)?
[[nodiscard]] inline bool live_half(std::size_t note) { return crc32("half" + std::to_string(note)) % 2 == 0; }

/// Cases as a set of edits has them, with only half of the notes live: the questions made for these are in their scope;
/// a question made for another note asks for what no note tells (group "neighbor_subj"); and a question of another note
/// with this note's topic in place of its own asks something else of the same subject (group "same_subj"), if both
/// topics have names in them and the two notes have no word in common besides.
///
/// @param notes  guarded, without final periods
/// @param made   see `make_questions`
/// @return one case a note, its id the note's number; cases of notes that are not live have no notes
/// @throws config_error  a question of a note that is not there
[[nodiscard]] std::vector<data::edit_case> unlabelled_cases(std::span<const std::string> notes,
                                                            std::span<const made_question> made,
                                                            std::uint64_t seed = 0);

/// What of the questions made for notes can be learned from (round-trip consistency): of those in scope the half that
/// the reader answers as the question's maker meant it, and most surely; of the others all.
///
/// @param names  of the features that were studied, "ans_v" among them
/// @throws config_error  without that feature, or if no question is read back
/// Source: Alberti et al. 2019, section 2.
[[nodiscard]] studied_part read_back(const studied_part& all, std::span<const std::string> names);

}  // namespace quipu::eren

#if !defined(QUIPU_COMPILED)
#include <quipu/eren/study/unlabelled_cases.ipp>
#endif
