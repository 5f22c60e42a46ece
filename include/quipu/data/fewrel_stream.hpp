/// @file FewRel as the stream of ConPET: relations between two entities of a sentence.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <quipu/core/compiled.hpp>
#include <quipu/data/task_stream.hpp>

namespace quipu::data {

/// FewRel (Han et al. 2018), 80 relations as 10 tasks of 8 by the split that ConPET ships (`conpet_splits/fewrel_*`). Training texts are
/// those of `fewrel_train64/few-shot-N-seed0.json`, tokens joined by blanks; the file names entities without their places, so that the
/// first occurrence of a name counts (`find_mention`). Of each class's texts the last tenth, at least 3, is held out for validation: 12 of 128, 3 of 16. Test
/// texts are those of `fewrel_train64/test_bert.json` without its marks, whose labels number the relations in the order in which the
/// 128-shot file first names them.
/// @param folder  with conpet_splits/ and fewrel_train64/
/// @param n_shot  training texts a class: the number in a file's name
/// @throws io_error, format_error  also an entity that is not in its text, marks that do not fit together
[[nodiscard]] task_stream fewrel_stream(const std::string& folder, std::size_t n_shot = 128);

}  // namespace quipu::data

#if !defined(QUIPU_COMPILED)
#include <quipu/data/fewrel_stream.ipp>
#endif
