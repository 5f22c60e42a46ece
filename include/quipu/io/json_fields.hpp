/// @file Typed fields of a JSON object, with errors that name file, field, expected and found.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include <quipu/core/error.hpp>
#include <quipu/io/checked_size.hpp>  // largest_extent
#include <quipu/core/printable.hpp>

namespace quipu::io {

/// Reads fields of one object. A field that is absent or null counts as not there.
class json_fields {
 public:
  /// @param object  kept by pointer
  /// @throws format_error  `object` is not a JSON object
  json_fields(const nlohmann::json& object, std::string place)
      : object_(&object), place_(std::move(place)) {
    if (!object.is_object()) fail<format_error>(place_, "a JSON object", object.type_name());
  }

  [[nodiscard]] const std::string& place() const noexcept { return place_; }

  /// The field, or null where it is absent.
  [[nodiscard]] const nlohmann::json* find(const char* key) const {
    const auto found = object_->find(key);
    return found == object_->end() || found->is_null() ? nullptr : &*found;
  }

  [[nodiscard]] std::string text_or(const char* key, std::string otherwise) const {
    const nlohmann::json* field = find(key);
    if (field == nullptr) return otherwise;
    if (!field->is_string()) refuse(key, "a string", *field);
    return field->get<std::string>();
  }

  [[nodiscard]] bool flag_or(const char* key, bool otherwise) const {
    const nlohmann::json* field = find(key);
    if (field == nullptr) return otherwise;
    if (!field->is_boolean()) refuse(key, "true or false", *field);
    return field->get<bool>();
  }

  /// A finite number.
  [[nodiscard]] double number_or(const char* key, double otherwise) const {
    const nlohmann::json* field = find(key);
    if (field == nullptr) return otherwise;
    if (!field->is_number()) refuse(key, "a number", *field);
    const auto number = field->get<double>();
    if (!std::isfinite(number)) refuse(key, "a finite number", *field);
    return number;
  }

  [[nodiscard]] double number(const char* key) const {
    if (find(key) == nullptr) fail<format_error>(at(key), "a number", "nothing");
    return number_or(key, 0);
  }

  /// A count from 1 to 2^31.
  [[nodiscard]] std::size_t size(const char* key) const {
    const nlohmann::json* field = find(key);
    if (field == nullptr) fail<format_error>(at(key), "a positive integer", "nothing");
    if (!field->is_number_unsigned()) refuse(key, "a positive integer", *field);
    const auto count = field->get<std::uint64_t>();
    if (count == 0 || count > largest_extent) refuse(key, "an integer from 1 to 2^31", *field);
    return static_cast<std::size_t>(count);
  }

  [[nodiscard]] std::size_t size_or(const char* key, std::size_t otherwise) const {
    return find(key) == nullptr ? otherwise : size(key);
  }

  [[noreturn]] void refuse(const char* key, const char* expected, const nlohmann::json& found) const {
    fail<format_error>(at(key), expected, show(found));
  }

  [[nodiscard]] std::string at(const char* key) const { return concat(place_, ": ", key); }

 private:
  [[nodiscard]] static std::string show(const nlohmann::json& found) {
    if (found.is_structured()) return found.is_array() ? "an array" : "an object";
    return printable(found.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace));
  }

  const nlohmann::json* object_;
  std::string place_;
};

}  // namespace quipu::io
