/// @file Where in a text control tokens may be found.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include <quipu/core/requirements.hpp>  // C++20, exceptions

namespace quipu::text {

/// May control tokens be found in a text?
enum class special : std::uint8_t {
  plain,  ///< no: "<s>" in a text is three characters; the choice for anything that a user typed
  parse,  ///< yes: the text is trusted, for example a rendered chat template
};

/// A stretch of a text in bytes, `end` not in it.
struct text_range {
  std::size_t begin = 0, end = 0;
};

/// Where in a text control tokens may be found: nowhere, everywhere, or in some stretches alone, such as what a chat
/// template wrote around messages.
class special_places {
 public:
  special_places(special mode) noexcept : everywhere_(mode == special::parse) {}  // NOLINT: a mode is the usual choice
  /// @param trusted  in order, apart; referred to
  explicit special_places(std::span<const text_range> trusted) noexcept : trusted_(trusted) {}

  [[nodiscard]] bool everywhere() const noexcept { return everywhere_; }
  [[nodiscard]] bool nowhere() const noexcept { return !everywhere_ && trusted_.empty(); }
  /// Whether a token may stand there: all of it must lie in one stretch.
  [[nodiscard]] bool allow(std::size_t begin, std::size_t end) const noexcept {
    if (everywhere_) return true;
    const auto after = std::upper_bound(trusted_.begin(), trusted_.end(), begin,
                                        [](std::size_t at, const text_range& r) { return at < r.begin; });
    return after != trusted_.begin() && end <= (after - 1)->end;
  }

 private:
  std::span<const text_range> trusted_;
  bool everywhere_ = false;
};

}  // namespace quipu::text
