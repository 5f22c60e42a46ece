/// @file The error of the template language.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <quipu/core/error.hpp>  // concat, error

namespace quipu::text::jinja {

/// Why a template was refused.
enum class error_kind : std::uint8_t {
  syntax,     ///< it is no template, or uses what the library does not have; found when it is compiled
  undefined,  ///< it needs a value that is not there
  runtime,    ///< an operation that its operands do not allow
  security,   ///< it asks for what templates may not have
  raised,     ///< it called raise_exception: `raised_message()` is what it said
  limits      ///< it took more than `limits` allow
};

[[nodiscard]] constexpr const char* name_of(error_kind kind) noexcept {
  constexpr const char* names[] = {"syntax", "undefined", "runtime", "security", "raised", "limits"};
  return names[static_cast<std::size_t>(kind)];
}

/// A template that cannot be compiled or rendered. `what()` is "<place> line <n>: <sentence>".
class template_error : public quipu::error {
 public:
  template_error(error_kind kind, std::string_view place, std::size_t line, std::string_view sentence,
                 std::string raised = {})
      : quipu::error(concat(place, " line ", std::to_string(line), ": ", sentence)),
        kind_(kind),
        line_(line),
        raised_(std::move(raised)) {}

  [[nodiscard]] error_kind kind() const noexcept { return kind_; }
  [[nodiscard]] std::size_t line() const noexcept { return line_; }
  /// The argument of raise_exception, as the template wrote it (`what()` shows it with other than printable
  /// ASCII escaped); empty for other kinds.
  [[nodiscard]] const std::string& raised_message() const noexcept { return raised_; }

 private:
  error_kind kind_;
  std::size_t line_;
  std::string raised_;
};

}  // namespace quipu::text::jinja
