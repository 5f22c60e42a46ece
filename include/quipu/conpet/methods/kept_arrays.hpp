/// @file What a method against forgetting keeps between tasks, as named arrays of numbers for files.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <concepts>
#include <cstddef>
#include <map>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>

namespace quipu::conpet {

struct kept_array {
  std::vector<std::size_t> shape;
  std::vector<double> values;  ///< row by row; floats and whole numbers below 2^53 are exact
};

/// Names have letters, digits, '_' and '-'.
using kept_arrays = std::map<std::string, kept_array>;

/// Values of any type of number as an array of one dimension.
template <class Values>
[[nodiscard]] kept_array kept_of(const Values& values) {
  return {{values.size()}, {values.begin(), values.end()}};
}
template <class Values>
[[nodiscard]] kept_array kept_of(const Values& values, std::size_t n_row) {
  return {{n_row, n_row == 0 ? 0 : values.size() / n_row}, {values.begin(), values.end()}};
}

/// An array by its name. @throws format_error  none of that name
[[nodiscard]] inline const kept_array& array_of(const kept_arrays& all, const std::string& name) {
  const auto found = all.find(name);
  if (found == all.end()) fail<format_error>("state of a method", concat("an array '", name, "'"), "none");
  return found->second;
}
/// @throws format_error  no such array; for whole numbers also values that are none, or that a double does not hold exactly
template <class T>
[[nodiscard]] std::vector<T> values_of(const kept_arrays& all, const std::string& name) {
  std::vector<T> out;
  for (const double v : array_of(all, name).values) {
    if constexpr (std::is_integral_v<T>) {
      if (!(v >= 0 && v < 9007199254740992.0 && v == std::floor(v)))
        fail<format_error>(concat("state of a method: '", name, "'"), "whole numbers below 2^53", v);
    }
    out.push_back(static_cast<T>(v));
  }
  return out;
}

/// A list of lists of numbers, as their lengths and all of them one after the other.
template <class T>
void keep_lists(kept_arrays& all, const std::string& name, const std::vector<std::vector<T>>& lists) {
  std::vector<std::size_t> sizes;
  std::vector<T> together;
  for (const auto& list : lists) {
    sizes.push_back(list.size());
    together.insert(together.end(), list.begin(), list.end());
  }
  all[name + "-sizes"] = kept_of(sizes);
  all[name] = kept_of(together);
}
/// @throws format_error  arrays that are missing or do not fit each other
template <class T>
[[nodiscard]] std::vector<std::vector<T>> kept_lists(const kept_arrays& all, const std::string& name) {
  const auto together = values_of<T>(all, name);
  std::vector<std::vector<T>> lists;
  std::size_t at = 0;
  for (const std::size_t n : values_of<std::size_t>(all, name + "-sizes")) {
    if (n > together.size() - at)
      fail<format_error>(concat("state of a method: numbers of '", name, "'"), concat("at least ", at + n), together.size());
    const auto first = together.begin() + static_cast<std::ptrdiff_t>(at);
    lists.emplace_back(first, first + static_cast<std::ptrdiff_t>(n));
    at += n;
  }
  if (at != together.size()) fail<format_error>(concat("state of a method: numbers of '", name, "'"), at, together.size());
  return lists;
}

template <class State>
concept gives_kept_arrays = requires(const State& s) {
  { s.arrays() } -> std::same_as<kept_arrays>;
};
/// Optional of a method's state: what files keep of it. `restore` throws before it changes anything.
template <class State>
concept has_kept_arrays = gives_kept_arrays<State> && requires(State& s, const kept_arrays& saved) { s.restore(saved); };

}  // namespace quipu::conpet
