// What json_text.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/core/error.hpp>
#include <quipu/core/json_text.hpp>
#include <quipu/core/printable.hpp>

namespace quipu {

namespace detail {

/// Builds the values from the parser's events. The library's own parser with a callback looks at all children of an
/// object or array again at the end of each of them, and so takes quadratic time.
class json_builder {
 public:
  using json = nlohmann::json;

  explicit json_builder(const std::string& place) : place_(place) {}

  bool null() { return put(json()); }
  bool boolean(bool value) { return put(json(value)); }
  bool number_integer(json::number_integer_t value) { return put(json(value)); }
  bool number_unsigned(json::number_unsigned_t value) { return put(json(value)); }
  bool number_float(json::number_float_t value, const std::string&) { return put(json(value)); }
  bool string(std::string& value) { return put(json(std::move(value))); }
  bool binary(json::binary_t&) { return false; }  // not in texts
  bool start_object(std::size_t) { return open(json::object()); }
  bool start_array(std::size_t) { return open(json::array()); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool key(std::string& name) {
    auto& object = open_.back()->get_ref<json::object_t&>();
    const auto [place, is_new] = object.try_emplace(std::move(name));
    if (!is_new) fail<format_error>(place_, "every key once", concat(printable(place->first), " twice"));
    member_ = &place->second;
    return true;
  }
  [[noreturn]] bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& problem) const {
    fail<format_error>(place_, "JSON", printable(problem.what()));
  }
  [[nodiscard]] json take() { return std::move(root_); }

 private:
  bool put(json value) {
    add(std::move(value));
    return true;
  }
  bool open(json empty) {
    if (open_.size() == static_cast<std::size_t>(largest_json_depth)) {
      fail<format_error>(place_, concat("JSON nested at most ", largest_json_depth, " deep"), "a deeper one");
    }
    open_.push_back(&add(std::move(empty)));
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }
  json& add(json value) {
    if (open_.empty()) return root_ = std::move(value);
    if (open_.back()->is_array()) {
      auto& items = open_.back()->get_ref<json::array_t&>();
      items.push_back(std::move(value));  // what is open lies last in its array, so no address is lost
      return items.back();
    }
    return *member_ = std::move(value);
  }

  const std::string& place_;
  json root_;
  std::vector<json*> open_;  // the objects and arrays around the current position
  json* member_ = nullptr;   // the value of the last key
};

/// Notes the keys of one member of the outermost object, in the order of the text.
class json_key_order {
 public:
  using json = nlohmann::json;

  explicit json_key_order(std::string_view member) : member_(member) {}

  bool null() { return true; }
  bool boolean(bool) { return true; }
  bool number_integer(json::number_integer_t) { return true; }
  bool number_unsigned(json::number_unsigned_t) { return true; }
  bool number_float(json::number_float_t, const std::string&) { return true; }
  bool string(std::string&) { return true; }
  bool binary(json::binary_t&) { return true; }
  bool start_object(std::size_t) { return ++depth_, true; }
  bool start_array(std::size_t) { return ++depth_, true; }
  bool end_object() { return --depth_, true; }
  bool end_array() { return --depth_, true; }
  bool key(std::string& name) {
    if (depth_ == 1) inside_ = name == member_;
    if (depth_ == 2 && inside_) keys.push_back(std::move(name));
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) { return false; }

  std::vector<std::string> keys;

 private:
  std::string_view member_;
  int depth_ = 0;
  bool inside_ = false;
};

}  // namespace detail

QUIPU_INLINE nlohmann::json parse_json(std::string_view text, const std::string& place) {
  detail::json_builder build(place);
  static_cast<void>(nlohmann::json::sax_parse(text.begin(), text.end(), &build));
  return build.take();
}

QUIPU_INLINE std::vector<std::string> json_keys_in_order(std::string_view text, std::string_view member) {
  detail::json_key_order order(member);
  static_cast<void>(nlohmann::json::sax_parse(text.begin(), text.end(), &order));
  return std::move(order.keys);
}

}  // namespace quipu
