/// @file Text that may be shown on a terminal, whoever wrote it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <quipu/core/compiled.hpp>

namespace quipu {

/// `text` as it may stand in a message or on a terminal: UTF-8 stays, but for characters that steer (controls, escape
/// sequences, changes of the writing direction) and bytes that are no UTF-8, which become `\xHH`. Longer texts lose
/// their middle.
/// @param longest  of the result, in bytes, about
[[nodiscard]] std::string message_text(std::string_view text, std::size_t longest = 2000);

}  // namespace quipu

#if !defined(QUIPU_COMPILED)
#include <quipu/core/message_text.ipp>
#endif
