/// @file Readers of KnowEdit, EasyEdit and MQuAKE files.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/core/compiled.hpp>
#include <quipu/core/error.hpp>
#include <quipu/data/edit_case.hpp>
#include <quipu/data/json_reading.hpp>

namespace quipu::data {

namespace detail {

/// Answers as these files give them: a text, a list of texts, or a list of lists of accepted texts, whose
/// entries are all accepted.
std::vector<std::string> read_answers(const json_place& place, int depth = 0);

/// {"name": [{"prompt": ..., "ground_truth": ...}, ...], ...}, or one such object for a list.
std::vector<probe_group> read_groups(const json_place& place);

std::string sentence(std::string text);

}  // namespace detail

/// KnowEdit and EasyEdit: a list of records with `prompt`, `target_new` and `subject`; with optional
/// `rephrase_prompt` (or `rephrase`), `ground_truth`, and either groups under `portability` and `locality`
/// or EasyEdit's flat `portability_prompt`, `portability_ground_truth`, `locality_prompt` and
/// `locality_ground_truth`. The note is the prompt with its new ending. The prompt itself is the first
/// question in scope.
/// @throws io_error, format_error
[[nodiscard]] std::vector<edit_case> read_knowedit(const std::string& path);

/// MQuAKE: every record rewrites one or more facts (its notes, made from the cloze prompts) and asks one
/// question in several hops, in three wordings; an answer or any alias of it is right. Group
/// "single_hop" under `portability` has the questions of the hops after the edit.
/// @throws io_error, format_error
[[nodiscard]] std::vector<edit_case> read_mquake(const std::string& path);

}  // namespace quipu::data

#if !defined(QUIPU_COMPILED)
#include <quipu/data/knowledge_sets.ipp>
#endif
