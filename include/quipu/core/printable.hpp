/// @file Names from files as they may appear in messages.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include <quipu/core/compiled.hpp>

namespace quipu {

/// `text` in quotes, with everything but printable ASCII as `\xHH` and long texts cut at 80 bytes: a name
/// from a hostile file must not fill or steer the terminal that shows the message.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace quipu

#if !defined(QUIPU_COMPILED)
#include <quipu/core/printable.ipp>
#endif
