/// @file The chat formats that the library knows by name, for checkpoints that bring no template.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/core/error.hpp>  // config_error
#include <quipu/text/chat_template.hpp>

namespace quipu::text {

/// `text` without white space at both ends, as Python's str.strip and Jinja's trim see it.
[[nodiscard]] std::string_view strip_spaces(std::string_view text) noexcept;

/// A conversation in the form of a named family.
/// @throws config_error  the family refuses the conversation
[[nodiscard]] std::vector<chat_piece> render_family(const chat_template& form, std::span<const chat_message> messages,
                                                    generation_prompt prompt);

}  // namespace quipu::text

#if !defined(QUIPU_COMPILED)
#include <quipu/text/chat_families.ipp>
#endif
