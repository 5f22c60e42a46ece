/// @file Notes and questions made from frames and fillers, to teach readers with: templates.json of 09_train_reader.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include <quipu/core/compiled.hpp>
#include <quipu/data/edit_case.hpp>

namespace quipu::data {

struct note_template_options {
  std::uint64_t seed = 0;
  std::size_t n_note = 2400;  ///< at least so many; a case of two notes may end it
};

/// Everyday notes that nobody wrote, a pure function of file and options. A case has a note of one sentence or of
/// several, or two notes whose facts lead to an answer together (its question has `bridges`). Its questions are in
/// scope with the value as the note has it, or in a group that must be left alone: "other_attribute" of the subject,
/// "other_subject" (one that shares a name, if it is a person), "denied" (the note denies, doubts or asks),
/// "one_hop_missing" (two hops, and no note for the second). No note contradicts another, none answers a question of
/// a group. `kind` is the relation, "two_hop" or "alias"; `level` is the note's language, which a few questions are
/// not in; relations that the file holds back are the test part.
/// @throws io_error
/// @throws format_error  names the place in the file
/// @throws config_error  more notes than there are different subjects for
[[nodiscard]] edit_set read_note_templates(const std::string& path, const note_template_options& options = {});

}  // namespace quipu::data

#if !defined(QUIPU_COMPILED)
#include <quipu/data/note_templates.ipp>
#endif
