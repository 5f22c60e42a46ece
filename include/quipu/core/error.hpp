/// @file The exceptions of the library and the one place that words them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace quipu {

/// Base of every exception that the library throws itself.
class error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A file or a text that does not have the form it should have.
class format_error : public error {
 public:
  using error::error;
};

/// Sizes that do not fit together.
class shape_error : public error {
 public:
  using error::error;
};

/// Settings, policies or arguments that contradict each other, the model or the library's limits.
class config_error : public error {
 public:
  using error::error;
};

/// The operating system refused: a file cannot be opened, read, written, mapped or locked.
class io_error : public error {
 public:
  using error::error;
};

/// A GPU call failed.
class device_error : public error {
 public:
  using error::error;
};

/// A number that must be finite is not.
class numeric_error : public error {
 public:
  using error::error;
};

/// Writes its arguments one after the other with `operator<<`.
template <class... Parts>
[[nodiscard]] std::string concat(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

/// Throws `Error` with the usual sentence "place: expected ..., found ...".
///
/// @param place     file and field, or function and argument
/// @param expected  what would have been right
/// @param found     what is there instead
template <class Error, class Place, class Expected, class Found>
[[noreturn]] void fail(const Place& place, const Expected& expected, const Found& found) {
  throw Error(concat(place, ": expected ", expected, ", found ", found));
}

}  // namespace quipu
