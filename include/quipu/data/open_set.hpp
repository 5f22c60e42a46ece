/// @file Any of the supported sets of edits by its name, in the common form.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <quipu/core/compiled.hpp>
#include <quipu/data/edit_case.hpp>

namespace quipu::data {

/// The sets that `open_edit_set` knows.
inline constexpr std::string_view edit_set_names[] = {"cfh",         "fever",  "hotpot", "knowedit", "mend",
                                                      "portability", "mquake", "xquad",  "everyday", "templates"};

/// Which half of the records of FEVER and of HotpotQA are the edits.
enum class edited_half : std::uint8_t { first, second };

/// "cfh" (CounterFact-Hard), "fever", "hotpot", "knowedit" (EasyEdit's form too), "mend" (the same reader), "portability",
/// "mquake", "xquad", "everyday" or "templates" (2,400 notes with the seed 0): see the readers. What must not
/// change is always among the unrelated questions: the second half of FEVER and of HotpotQA, whose notes are
/// not live, comes as cases without notes whose questions are in the group "out_of_scope". The order is the file's.
/// @param edited  `second` turns the halves' parts around, for more to learn from; the other sets have none
/// @throws config_error  another name
/// @throws io_error, format_error
[[nodiscard]] edit_set open_edit_set(std::string_view name, const std::string& path,
                                     edited_half edited = edited_half::first);

}  // namespace quipu::data

#if !defined(QUIPU_COMPILED)
#include <quipu/data/open_set.ipp>
#endif
