/// @file JSON text as a value of the template language.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/core/error.hpp>  // format_error
#include <quipu/core/printable.hpp>
#include <quipu/text/jinja/big_integer.hpp>
#include <quipu/text/jinja/dict.hpp>
#include <quipu/text/jinja/value.hpp>

namespace quipu::text::jinja {

/// Builds a value from a parser's events, so that keys keep their order and numbers their kind.
class value_from_events {
 public:
  using number_integer_t = nlohmann::json::number_integer_t;
  using number_unsigned_t = nlohmann::json::number_unsigned_t;
  using number_float_t = nlohmann::json::number_float_t;
  using string_t = nlohmann::json::string_t;
  using binary_t = nlohmann::json::binary_t;

  bool null() { return add(value::none()); }
  bool boolean(bool truth) { return add(value(truth)); }
  bool number_integer(number_integer_t number) { return add(value(std::int64_t{number})); }
  bool number_unsigned(number_unsigned_t number) {
    if (number <= INT64_MAX) return add(value(static_cast<std::int64_t>(number)));
    return add(make_integer(big_integer::of_digits(std::to_string(number), 10)));
  }
  bool number_float(number_float_t number, const string_t& written) {
    // Whole numbers beyond 64 bits come as floats, too.
    constexpr std::size_t most_digits = 4300;
    const bool negative = !written.empty() && written[0] == '-';
    const std::string_view digits = std::string_view(written).substr(negative ? 1 : 0);
    if (digits.empty() || digits.size() > most_digits || digits.find_first_not_of("0123456789") != digits.npos)
      return add(value(number));
    big_integer whole = big_integer::of_digits(digits, 10);
    if (negative) whole.negate();
    return add(make_integer(std::move(whole)));
  }
  bool string(string_t& text) { return add(make_text(text)); }
  bool binary(binary_t&) { return false; }
  bool start_object(std::size_t) { return open(true); }
  bool key(string_t& text) {
    open_.back().key = make_text(text);
    return true;
  }
  bool end_object() { return close(); }
  bool start_array(std::size_t) { return open(false); }
  bool end_array() { return close(); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception& problem) {
    problem_ = problem.what();
    return false;
  }

  [[nodiscard]] const std::string& problem() const noexcept { return problem_; }
  [[nodiscard]] value take() { return std::move(result_); }

 private:
  struct container {
    value dict;  ///< missing for a list
    value key;
    values items;
  };

  bool open(bool is_dict) {
    if (open_.size() + 1 >= deepest_value) {
      problem_ = concat("nested deeper than ", deepest_value);
      return false;
    }
    open_.emplace_back();
    if (is_dict) open_.back().dict = value(new dict_object);
    return true;
  }
  bool close() {
    container done = std::move(open_.back());
    open_.pop_back();
    return add(done.dict.is(kind::dict) ? std::move(done.dict) : make_sequence(kind::list, std::move(done.items)));
  }
  bool add(value item) {
    if (open_.empty()) {
      result_ = std::move(item);
    } else if (open_.back().dict.is(kind::dict)) {
      open_.back().dict.as<dict_object>().set(std::move(open_.back().key), std::move(item));
    } else {
      open_.back().items.push_back(std::move(item));
    }
    return true;
  }

  std::vector<container> open_;
  value result_;
  std::string problem_;
};

/// The value that a JSON text stands for: objects are dicts with their keys in order (of equal ones the last value
/// stays), 1 is a whole number and 1.0 is none; all text is given, not trusted.
///
/// @param place  what to call the text in messages
/// @throws format_error  not JSON, not UTF-8, or nested deeper than `deepest_value`
[[nodiscard]] inline value value_from_json(std::string_view text, const std::string& place) {
  value_from_events events;
  bool done = false;
  try {
    done = nlohmann::json::sax_parse(text.begin(), text.end(), &events);
  } catch (const nlohmann::json::exception& problem) {
    fail<format_error>(place, "JSON", printable(problem.what()));
  }
  if (!done) fail<format_error>(place, "JSON", printable(events.problem()));
  return events.take();
}

}  // namespace quipu::text::jinja
