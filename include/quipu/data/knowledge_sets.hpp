/// @file Readers of KnowEdit, EasyEdit, MEND and MQuAKE files.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <quipu/core/compiled.hpp>
#include <quipu/data/edit_case.hpp>

namespace quipu::data {

/// KnowEdit, EasyEdit and MEND: a list of records with `prompt` (or `src`), `target_new` (or `alt`) and `subject`; with optional
/// `rephrase_prompt` (or `rephrase`), `ground_truth` (or `answers`), groups under `portability` and `locality` or EasyEdit's
/// flat `portability_prompt`, `portability_ground_truth`, `locality_prompt` and `locality_ground_truth`; MEND's `loc` and
/// `loc_ans` become the group "locality", EasyEdit's "New Question" and "New Answer" the group "portability". KnowEdit's
/// WikiBio (`text`, `labels`, `concept`) asks to go on with the text, which the note does.
///
/// The note is the prompt with its new ending; of a question it is the statement that `declarative` makes, or the question
/// followed by the answer. The prompt itself is the first question in scope. Records with an empty target are left out.
/// @throws io_error, format_error
[[nodiscard]] edit_set read_knowedit(const std::string& path);

/// EasyEdit's portability file as questions in two hops. Of the records whose `Recalled Relation` begins with the new target
/// ("(Lamiinae, subfamily of, Cerambycidae)") that relation is the second note, and the new question is the only one in
/// scope; the new target is its bridge. Other records are left out.
/// @throws io_error, format_error
[[nodiscard]] edit_set read_portability(const std::string& path);

/// MQuAKE: every record rewrites one or more facts (its notes, made from the cloze prompts) and asks one
/// question in several hops, in three wordings; an answer or any alias of it is right. Group
/// "single_hop" under `portability` has the questions of the hops after the edit; the answers of all but the last one are
/// the question's bridges.
/// @throws io_error, format_error
[[nodiscard]] edit_set read_mquake(const std::string& path);

}  // namespace quipu::data

#if !defined(QUIPU_COMPILED)
#include <quipu/data/knowledge_sets.ipp>
#endif
