/// @file What one note may be to an earlier one.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include <quipu/core/requirements.hpp>

namespace quipu::notes {

/// What a note is to an earlier one, as far as their words tell.
enum class revision : std::uint8_t {
  none,           ///< about something else, the same again, or nothing that can be told
  another_value,  ///< of the same subject and relation; both may hold ("Anna speaks French", "... German")
  rival,          ///< likewise; one of them holds, or is more exact ("Tom lives in York", "... in Leeds")
  correction,     ///< the earlier one no longer holds
};

}  // namespace quipu::notes
