/// @file Reads fields of a tokenizer.json, each with its name in the error.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include <quipu/core/error.hpp>  // format_error
#include <quipu/core/printable.hpp>

namespace quipu::text {

/// The fields of one file. `key` is where a field stands, for the errors: "added_tokens.id".
class tokenizer_json_fields {
 public:
  using json = nlohmann::json;

  explicit tokenizer_json_fields(std::string place) : place_(std::move(place)) {}

  [[nodiscard]] std::string at(std::string_view key) const { return concat(place_, ": ", key); }
  [[nodiscard]] const std::string& place() const noexcept { return place_; }

  /// Refuses what the library does not have, and says the way out.
  /// @param found  from the file by way of `printable`
  [[noreturn]] void refuse(std::string_view key, std::string_view expected, std::string_view found) const {
    fail<format_error>(at(key), expected,
                       concat(found, "; a tokenizer that does without can stand in for this file (--tokenizer)"));
  }

  /// @throws format_error  a field beside those listed: what it asks for would go unheard
  void only(const json& parent, std::string_view key, std::initializer_list<std::string_view> known) const {
    for (const auto& [name, value] : parent.items()) {
      bool found = false;
      for (const std::string_view one : known) found = found || one == name;
      if (!found) refuse(key.empty() ? "the file" : key, "no such key", printable(name));
    }
  }

  [[nodiscard]] const json& object(const json& parent, const char* name, std::string_view key) const {
    const auto found = parent.find(name);
    if (found == parent.end() || !found->is_object()) fail<format_error>(at(key), "an object", "none");
    return *found;
  }
  [[nodiscard]] const json& array(const json& parent, const char* name, std::string_view key) const {
    const auto found = parent.find(name);
    if (found == parent.end() || !found->is_array()) fail<format_error>(at(key), "an array", "none");
    return *found;
  }
  /// Of an absent field or null: `otherwise`.
  [[nodiscard]] std::string string(const json& parent, const char* name, std::string_view key,
                                   const char* otherwise = "") const {
    const auto found = parent.find(name);
    if (found == parent.end() || found->is_null()) return otherwise;
    if (!found->is_string()) fail<format_error>(at(key), "a string", found->type_name());
    return found->get<std::string>();
  }
  [[nodiscard]] bool flag(const json& parent, const char* name, std::string_view key, bool otherwise = false) const {
    const auto found = parent.find(name);
    if (found == parent.end() || found->is_null()) return otherwise;
    if (!found->is_boolean()) fail<format_error>(at(key), "true or false", found->type_name());
    return found->get<bool>();
  }
  [[nodiscard]] std::size_t id(const json& value, std::string_view key) const {
    if (!value.is_number_unsigned()) fail<format_error>(at(key), "an id", value.type_name());
    const auto number = value.get<std::uint64_t>();
    if (number > 0x7FFFFFFF) fail<format_error>(at(key), "an id below 2^31", number);
    return static_cast<std::size_t>(number);
  }
  [[nodiscard]] std::size_t count(const json& parent, const char* name, std::string_view key) const {
    const auto found = parent.find(name);
    return found == parent.end() || found->is_null() ? 0 : id(*found, key);
  }

  /// Is there a field that is not null?
  [[nodiscard]] static bool present(const json& parent, const char* name) {
    const auto found = parent.find(name);
    return found != parent.end() && !found->is_null();
  }

 private:
  std::string place_;
};

}  // namespace quipu::text
