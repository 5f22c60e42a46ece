/// @file How long operations tell how far they are.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

#include <quipu/core/requirements.hpp>  // C++20, exceptions

namespace quipu {

/// State of a running operation. `total` is 0 if the end is not known.
struct progress_state {
  std::string_view stage;  ///< "loading", "prefill", ...
  std::size_t done = 0;
  std::size_t total = 0;
};

/// Called on the caller's thread, now and then. Returning false asks the operation to stop; it then
/// throws `cancelled` if it cannot return what it has. Exceptions pass through. May be empty.
using progress_callback = std::function<bool(const progress_state&)>;

/// Reports and says whether to go on.
inline bool report_progress(const progress_callback& callback, const progress_state& state) {
  return !callback || callback(state);
}

}  // namespace quipu
