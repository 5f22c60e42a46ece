/// @file The exceptions of the library and the one place that words them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

#include <quipu/core/message_text.hpp>
#include <quipu/core/number_text.hpp>
#include <quipu/core/requirements.hpp>  // C++20, exceptions

namespace quipu {

/// Base of every exception that the library throws itself. Its message may be shown anywhere, whatever file or user the
/// names in it came from: it is a `message_text`.
class error : public std::runtime_error {
 public:
  explicit error(std::string_view message) : std::runtime_error(message_text(message)) {}
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

/// A callback asked an operation to stop that has nothing to return then; what was there before is as it was.
/// (A `config_error`, as which it was thrown before it had a name.)
class cancelled : public config_error {
 public:
  using config_error::config_error;
};

/// The operating system refused: a file cannot be opened, read, written, mapped or locked.
class io_error : public error {
 public:
  using error::error;
};

/// A number that must be finite is not.
class numeric_error : public error {
 public:
  using error::error;
};

namespace detail {

/// A value and how to write it: so that thousands of messages share one function and cost little to compile.
struct text_part {
  const void* value;
  void (*append)(std::string& out, const void* value);
};

template <class T>
void append_text(std::string& out, const void* pointer) {
  const T& value = *static_cast<const T*>(pointer);
  if constexpr (std::is_convertible_v<const T&, std::string_view>) {
    out += std::string_view(value);
  } else if constexpr (std::is_same_v<T, char>) {
    out += value;
  } else if constexpr (std::is_floating_point_v<T>) {
    out += general_text(static_cast<double>(value));
  } else if constexpr (std::is_signed_v<T> || std::is_enum_v<T>) {
    static_assert(std::is_convertible_v<T, long long>, "concat: an enum with a scope has no text");
    append_whole(out, static_cast<long long>(value));
  } else {
    static_assert(std::is_unsigned_v<T>, "concat: texts, characters and numbers");
    append_whole(out, static_cast<unsigned long long>(value));
  }
}
inline void append_characters(std::string& out, const void* pointer) { out += static_cast<const char*>(pointer); }

template <class T>
[[nodiscard]] text_part part_of(const T& value) noexcept {
  if constexpr (std::is_array_v<T>) {
    return {value, append_characters};
  } else {
    return {std::addressof(value), append_text<T>};
  }
}

[[nodiscard]] inline std::string joined(std::initializer_list<text_part> parts) {
  std::string out;
  for (const text_part& part : parts) part.append(out, part.value);
  return out;
}

template <class Error>
[[noreturn, gnu::cold, gnu::noinline]] void throw_error(text_part place, text_part expected, text_part found) {
  throw Error(joined({place, part_of(": expected "), expected, part_of(", found "), found}));
}

}  // namespace detail

/// Writes its arguments one after the other: texts, characters, and numbers as streams write them in the "C" locale,
/// whatever the program's locale is (reals with six digits, truth as 0 or 1).
template <class... Parts>
[[nodiscard]] std::string concat(const Parts&... parts) {
  return detail::joined({detail::part_of(parts)...});
}

/// Throws `Error` with the usual sentence "place: expected ..., found ...".
///
/// @param place     file and field, or function and argument
/// @param expected  what would have been right
/// @param found     what is there instead
template <class Error, class Place, class Expected, class Found>
[[noreturn]] void fail(const Place& place, const Expected& expected, const Found& found) {
  detail::throw_error<Error>(detail::part_of(place), detail::part_of(expected), detail::part_of(found));
}

}  // namespace quipu
