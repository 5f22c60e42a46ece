/// @file Notes without their ends as questions: what sets that ask in whole questions lack.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/data/edit_case.hpp>

namespace quipu::data {

/// Adds to the edits of the development part, where their one note names the subject and ends in an answer, the note
/// without that answer as a question in scope ("Ada Berg's mother tongue is"), and in the group "cloze" beginnings of
/// other edits' notes with this subject in them, which must be left alone ("Ada Berg plays"). Taken are beginnings that
/// never share an answer with this one's, nor with one that does: so two ways to ask for a place are never told apart.
///
/// @param n_near_miss  for each edit at most
/// @return edits that were given questions
std::size_t add_cloze_probes(std::vector<edit_case>& cases, std::size_t n_near_miss = 2);

}  // namespace quipu::data

#if !defined(QUIPU_COMPILED)
#include <quipu/data/cloze_probes.ipp>
#endif
