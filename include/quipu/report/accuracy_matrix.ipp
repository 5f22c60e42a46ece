// What accuracy_matrix.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/report/accuracy_matrix.hpp>

namespace quipu::report {

namespace detail {

/// Mean of f(i) for i of first .. last - 1; nothing if one of them does not exist or there is none.
template <class F>
std::optional<double> mean_of(std::size_t first, std::size_t last, F&& f) {
  if (first >= last) return std::nullopt;
  double sum = 0;
  for (std::size_t i = first; i < last; ++i) {
    const std::optional<double> value = f(i);
    if (!value) return std::nullopt;
    sum += *value;
  }
  return sum / static_cast<double>(last - first);
}

inline std::optional<double> difference(std::optional<double> a, std::optional<double> b) {
  if (!a || !b) return std::nullopt;
  return *a - *b;
}

}  // namespace detail

QUIPU_INLINE void accuracy_matrix::add_row(std::vector<tally> row) {
  const std::size_t n = rows_.size() + 1;
  if (n > names_.size()) fail<shape_error>("accuracy_matrix: rows", concat("at most ", names_.size()), n);
  if (row.size() < n || row.size() > names_.size())
    fail<shape_error>("accuracy_matrix: row", concat(n, " to ", names_.size(), " tasks"), row.size());
  rows_.push_back(std::move(row));
}

QUIPU_INLINE std::optional<double> accuracy_matrix::at(std::size_t after, std::size_t on) const noexcept {
  if (after >= rows_.size() || on >= rows_[after].size()) return std::nullopt;
  return rows_[after][on].rate();
}

QUIPU_INLINE std::optional<double> accuracy_matrix::whole(std::size_t after) const {
  if (after >= rows_.size()) return std::nullopt;
  tally all;
  for (std::size_t i = 0; i <= after; ++i) all += rows_[after][i];
  return all.rate();
}

QUIPU_INLINE std::optional<double> accuracy_matrix::average(std::size_t after) const {
  return detail::mean_of(0, after + 1, [&](std::size_t i) { return at(after, i); });
}

QUIPU_INLINE std::optional<double> accuracy_matrix::average_incremental() const {
  return detail::mean_of(0, rows_.size(), [&](std::size_t k) { return average(k); });
}

QUIPU_INLINE std::optional<double> accuracy_matrix::backward_transfer() const {
  const std::size_t n = rows_.size();
  return detail::mean_of(0, n == 0 ? 0 : n - 1, [&](std::size_t i) { return detail::difference(at(n - 1, i), at(i, i)); });
}

QUIPU_INLINE std::optional<double> accuracy_matrix::forgetting(forgetting_maximum over) const {
  const std::size_t n = rows_.size();
  const std::size_t moments = over == forgetting_maximum::all ? n : n - 1;
  return detail::mean_of(0, n == 0 ? 0 : n - 1, [&](std::size_t i) {
    std::optional<double> best;
    for (std::size_t k = i; k < moments; ++k) {
      if (const auto r = at(k, i); r && (!best || *r > *best)) best = r;
    }
    return detail::difference(best, at(n - 1, i));
  });
}

QUIPU_INLINE std::optional<double> accuracy_matrix::forward_transfer(std::span<const double> untaught) const {
  const std::size_t n = rows_.size();
  if (untaught.size() < n) fail<shape_error>("forward transfer: accuracies before training", concat("at least ", n), untaught.size());
  return detail::mean_of(1, n, [&](std::size_t i) { return detail::difference(at(i - 1, i), untaught[i]); });
}

QUIPU_INLINE std::vector<std::optional<double>> accuracy_matrix::intransigence(std::span<const double> joint) const {
  const std::size_t n = rows_.size();
  if (joint.size() < n) fail<shape_error>("intransigence: accuracies of joint training", concat("at least ", n), joint.size());
  std::vector<std::optional<double>> each;
  for (std::size_t i = 0; i < n; ++i) each.push_back(detail::difference(joint[i], at(i, i)));
  return each;
}

QUIPU_INLINE table accuracy_matrix::as_table() const {
  std::vector<table::column> columns{{"after"}};
  for (const std::string& name : names_) columns.push_back({name});
  columns.push_back({"average"});
  columns.push_back({"whole"});
  table out(std::move(columns));
  for (std::size_t k = 0; k < rows_.size(); ++k) {
    std::vector<cell> cells{names_[k]};
    for (std::size_t i = 0; i < names_.size(); ++i) cells.push_back(percent(at(k, i)));
    cells.push_back(percent(average(k)));
    cells.push_back(percent(whole(k)));
    out.add_row(std::move(cells));
  }
  return out;
}

QUIPU_INLINE void confusion_matrix::count(std::size_t right, std::size_t answered) {
  const std::size_t n = classes_.size();
  if (right >= n || answered > n) fail<shape_error>("confusion_matrix: class", concat("below ", n), std::max(right, answered));
  ++(answered == n ? other_[right] : counts_[right * n + answered]);
}

QUIPU_INLINE tally confusion_matrix::of_class(std::size_t right) const {
  tally t{at(right, right), other_.at(right)};
  for (std::size_t c = 0; c < classes_.size(); ++c) t.trials += at(right, c);
  return t;
}

QUIPU_INLINE table confusion_matrix::worst(std::size_t n_pair) const {
  std::vector<std::tuple<std::size_t, std::size_t, std::size_t>> pairs;  // count, right, answered
  for (std::size_t r = 0; r < classes_.size(); ++r) {
    for (std::size_t a = 0; a < classes_.size(); ++a) {
      if (r != a && at(r, a) > 0) pairs.emplace_back(at(r, a), r, a);
    }
  }
  std::stable_sort(pairs.begin(), pairs.end(), [](const auto& a, const auto& b) { return std::get<0>(a) > std::get<0>(b); });
  table out({{"right"}, {"answered"}, {"texts"}});
  for (std::size_t i = 0; i < pairs.size() && i < n_pair; ++i) {
    const auto& [n, r, a] = pairs[i];
    out.add_row({classes_[r], classes_[a], static_cast<std::int64_t>(n)});
  }
  return out;
}

QUIPU_INLINE repeated_figure over_runs(std::span<const double> values) {
  if (values.empty()) fail<shape_error>("over_runs: runs", "at least one", 0);
  repeated_figure f{values.size()};
  for (const double v : values) f.mean += v / static_cast<double>(f.n);
  if (f.n == 1) return f;
  double squares = 0;
  for (const double v : values) squares += (v - f.mean) * (v - f.mean);
  f.deviation = std::sqrt(squares / static_cast<double>(f.n - 1));
  // The 97.5 % quantiles of Student's t by degrees of freedom; beyond them Cornish and Fisher's expansion has three digits.
  static constexpr std::array t = {12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281};
  const std::size_t freedom = f.n - 1;
  const double z = 1.959964, v = static_cast<double>(freedom);
  const double far = z + (z * z * z + z) / (4 * v) + (5 * z * z * z * z * z + 16 * z * z * z + 3 * z) / (96 * v * v);
  f.half_width = (freedom <= t.size() ? t[freedom - 1] : far) * f.deviation / std::sqrt(static_cast<double>(f.n));
  return f;
}

}  // namespace quipu::report
