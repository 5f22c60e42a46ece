/// @file Fields of a recipe and of the settings of its stages, each of which must be known.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/core/error.hpp>
#include <quipu/core/printable.hpp>

namespace quipu::prosparse::detail {

/// Takes the fields of an object one by one; `end` refuses those that nobody took.
/// @tparam Json  with fields in any order
template <class Json = nlohmann::json>
class recipe_fields {
 public:
  recipe_fields(const Json& object, std::string place) : object_(object), place_(std::move(place)) {
    if (!object.is_object()) fail<format_error>(place_, "an object", object.type_name());
  }

  [[nodiscard]] const Json* find(const char* name) {
    taken_.emplace_back(name);
    const auto found = object_.find(name);
    return found == object_.end() ? nullptr : &*found;
  }
  template <class Value>
  void take(const char* name, Value& to) {
    if (const Json* found = find(name)) to = value<Value>(*found, concat(place_, ": ", name));
  }
  template <std::size_t N, class Enum>
  void take_name(const char* name, const std::string_view (&names)[N], Enum& to) {
    std::string chosen(names[static_cast<std::size_t>(to)]);
    take(name, chosen);
    std::string known;
    for (std::size_t i = 0; i < N; ++i) {
      if (names[i] == chosen) return static_cast<void>(to = static_cast<Enum>(i));
      known += concat(i == 0 ? "" : ", ", names[i]);
    }
    fail<config_error>(concat(place_, ": ", name), concat("one of ", known), printable(chosen));
  }
  void end() const {
    for (const auto& [key, unused] : object_.items()) {
      bool known = false;
      std::string all;
      for (const std::string& name : taken_) {
        known = known || name == key;
        all += concat(all.empty() ? "" : ", ", name);
      }
      if (!known) fail<config_error>(concat(place_, ": field"), concat("one of ", all), printable(key));
    }
  }
  [[nodiscard]] const std::string& place() const noexcept { return place_; }

 private:
  template <class Value>
  static Value value(const Json& from, const std::string& where) {
    if constexpr (std::is_same_v<Value, bool>) {
      if (from.is_boolean()) return from.template get<bool>();
      fail<format_error>(where, "true or false", from.dump());
    } else if constexpr (std::is_same_v<Value, std::string>) {
      if (from.is_string()) return from.template get<std::string>();
      fail<format_error>(where, "a text", from.dump());
    } else if constexpr (std::unsigned_integral<Value>) {
      if (from.is_number_unsigned() || (from.is_number_integer() && from.template get<std::int64_t>() >= 0)) return from.template get<Value>();
      fail<format_error>(where, "a whole number of at least 0", from.dump());
    } else if constexpr (std::floating_point<Value>) {
      if (from.is_number()) return from.template get<Value>();
      fail<format_error>(where, "a number", from.dump());
    } else {
      if (!from.is_array()) fail<format_error>(where, "a list", from.dump());
      Value all;
      for (const auto& one : from) all.push_back(value<typename Value::value_type>(one, where));
      return all;
    }
  }

  const Json& object_;
  std::string place_;
  std::vector<std::string> taken_;
};

}  // namespace quipu::prosparse::detail
