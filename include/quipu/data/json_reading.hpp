/// @file Reading JSON files of records with errors that name the record and the field.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/core/compiled.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/json_text.hpp>  // parse_json
#include <quipu/core/mapped_file.hpp>

namespace quipu::data {

/// A place inside a JSON file. Steps into it check what is there.
class json_place {
 public:
  json_place(const nlohmann::json& value, std::string name) : value_(&value), name_(std::move(name)) {}

  [[nodiscard]] const nlohmann::json& value() const noexcept { return *value_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

  [[nodiscard]] bool has(const char* field) const {
    const auto found = value_->is_object() ? value_->find(field) : value_->end();
    return found != value_->end() && !found->is_null();
  }
  /// @throws format_error  not an object, or without the field
  [[nodiscard]] json_place operator[](const char* field) const {
    if (!value_->is_object()) fail<format_error>(name_, "an object", value_->type_name());
    const auto found = value_->find(field);
    if (found == value_->end()) fail<format_error>(name_, concat("a field '", field, "'"), "none");
    return {*found, concat(name_, ".", field)};
  }
  /// @throws format_error  not an array, or shorter
  [[nodiscard]] json_place at(std::size_t index) const {
    if (index >= size()) fail<format_error>(name_, concat("more than ", index, " entries"), size());
    return {(*value_)[index], concat(name_, "[", index, "]")};
  }
  /// @throws format_error  not an array
  [[nodiscard]] std::size_t size() const {
    if (!value_->is_array()) fail<format_error>(name_, "an array", value_->type_name());
    return value_->size();
  }
  /// @throws format_error  not a string
  [[nodiscard]] std::string text() const {
    if (!value_->is_string()) fail<format_error>(name_, "a string", value_->type_name());
    return value_->get<std::string>();
  }
  /// A string, or a number as its decimal digits.
  [[nodiscard]] std::string text_or_number() const {
    return value_->is_number_integer() ? value_->dump() : text();
  }
  /// A string or an array of strings.
  [[nodiscard]] std::vector<std::string> texts() const {
    if (value_->is_string()) return {text()};
    std::vector<std::string> all;
    for (std::size_t i = 0; i < size(); ++i) all.push_back(at(i).text());
    return all;
  }
  /// The text of a field, empty if it is missing or null.
  [[nodiscard]] std::string text_or_empty(const char* field) const {
    return has(field) ? (*this)[field].text() : std::string();
  }

 private:
  const nlohmann::json* value_;
  std::string name_;
};

/// @throws io_error      the file cannot be read
/// @throws format_error  not JSON in UTF-8, nested too deep, or a key twice
[[nodiscard]] nlohmann::json read_json_file(const std::string& path);

}  // namespace quipu::data

#if !defined(QUIPU_COMPILED)
#include <quipu/data/json_reading.ipp>
#endif
