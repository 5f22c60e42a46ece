/// @file Questions with their answers as statements: what sets that ask questions need for notes.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <quipu/core/compiled.hpp>
#include <quipu/core/requirements.hpp>

namespace quipu::data {

/// An English question and its answer as one sentence: "Which family does Ramalinaceae belong to?" with "Lamiinae" gives
/// "The family that Ramalinaceae belongs to is Lamiinae." The question's own words stay. Known are questions with who, whom,
/// what, which, when and where in front (also after a preposition) or at the end.
///
/// @param subject  what the question is about, as it stands there
/// @return nothing for other questions and for what is none
[[nodiscard]] std::optional<std::string> declarative(std::string_view question, std::string_view subject,
                                                     std::string_view answer);

}  // namespace quipu::data

#if !defined(QUIPU_COMPILED)
#include <quipu/data/declarative.ipp>
#endif
