/// @file Gates of those neurons that a bound does not prove inactive.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <quipu/core/buffer.hpp>
#include <quipu/core/config.hpp>  // QUIPU_ASSERT
#include <quipu/core/error.hpp>
#include <quipu/linear/integer_gate.hpp>
#include <quipu/linear/integer_rows.hpp>
#include <quipu/linear/workspace.hpp>

namespace quipu::linear {

/// What a gate that equals its threshold is. FATReLU keeps it; ReLU, whose threshold is 0, need not.
enum class at_threshold : std::uint8_t { active, inactive };

/// When neurons are inactive: gate + bias < threshold, or <= if equality is inactive. NaN is active.
struct gate_thresholds {
  std::span<const float> values;     ///< one for all, or (n_neuron)
  std::span<const float> bias = {};  ///< empty, or (n_neuron)
  at_threshold equal = at_threshold::active;

  /// Whether a value above which the gate cannot lie proves the neuron inactive; the gate itself says whether it is.
  [[nodiscard]] bool inactive(std::size_t neuron, float gate) const noexcept {
    const float t = values[values.size() == 1 ? 0 : neuron], with_bias = bias.empty() ? gate : gate + bias[neuron];
    return equal == at_threshold::inactive ? with_bias <= t : with_bias < t;
  }
  /// @throws config_error  lists of another length, or a threshold that is not finite
  void check(std::size_t n_neuron) const {
    if (values.size() != 1 && values.size() != n_neuron)
      fail<config_error>("gate_thresholds: values", concat("1 or ", n_neuron), values.size());
    if (!bias.empty() && bias.size() != n_neuron)
      fail<config_error>("gate_thresholds: bias", concat("none or ", n_neuron), bias.size());
    for (const float t : values) {
      if (!std::isfinite(t)) fail<config_error>("gate_thresholds: values", "finite ones", t);
    }
  }
};

/// How sure a proof is. What the high nibbles leave open is a sum of independent values c X m with c uniform on -7.5,
/// -6.5 .. 7.5: the dither makes it so, whatever the weights are. ln E exp(l c) <= 21.25 l^2 / 2, so by Chernoff's bound
/// it exceeds kappa sigma with a probability of at most exp(-kappa^2 / 2) = delta, where
/// sigma^2 = 21.25 * sum of (m X)^2. Source: Chernoff 1952.
class gate_certificate {
 public:
  /// @param delta  probability, over the dither, that one decision skips a neuron that is active
  /// @throws config_error  not between 0 and 1
  explicit gate_certificate(double delta) : delta_(delta) {
    if (!(delta > 0 && delta < 1)) fail<config_error>("gate_certificate: delta", "a number between 0 and 1", delta);
    constexpr double wider = 1 + 0x1p-40;  // than any error of the arithmetic around it
    factor_ = kappa() * std::sqrt(21.25) * wider;
  }
  [[nodiscard]] double delta() const noexcept { return delta_; }
  [[nodiscard]] double kappa() const noexcept { return std::sqrt(-2 * std::log(delta_)); }
  /// kappa * sigma = factor * sqrt(sum of (m X)^2)
  [[nodiscard]] double factor() const noexcept { return factor_; }

 private:
  double delta_, factor_;
};

/// The neurons of tiles first .. last that are not proved inactive, ascending: a thread's part of `estimate`.
///
/// What is proved is about the very float that `multiply` gives: z is at most the bound, and rounding keeps that order.
/// @param x     one row, rounded with the dither of `planes`
/// @param ids   (16 (last - first)) out
/// @param base  (16 (last - first)) out, what the high nibbles add to their sums
/// @return how many
inline std::size_t estimate_tiles(const integer_kernel_table& kernels, const gate_planes& planes, const integer_rows& x,
                                  const gate_thresholds& thresholds, const gate_certificate& certificate,
                                  std::size_t first, std::size_t last, std::uint32_t* ids, double* base) noexcept {
  const double scale = double{*x.scale};
  std::size_t n = 0;
  constexpr std::size_t tiles_at_once = 2;
  for (std::size_t from = first; from < last; from += tiles_at_once) {
    high_sums sums[tiles_at_once];
    const std::size_t end = std::min(from + tiles_at_once, last);
    kernels.add_high(planes.tile(from), end - from, x, certificate.factor(), sums);
    for (std::size_t neuron = from * integer_tile_rows; neuron < std::min(end * integer_tile_rows, planes.n_neuron);
         ++neuron) {
      const high_sums& own = sums[neuron / integer_tile_rows - from];
      const std::size_t k = neuron % integer_tile_rows;
      // z is a whole number below 2^41: one more than the bound covers the rounding of this sum.
      const double most = own.middle[k] + own.reach[k] + 1;
      const float gate = static_cast<float>(most * (double{planes.scale[neuron]} * scale));
      ids[n] = static_cast<std::uint32_t>(neuron);
      base[n] = own.base[k];
      n += thresholds.inactive(neuron, gate) ? 0 : 1;
    }
  }
  return n;
}

/// The gates of listed neurons: a thread's part of `finish`.
/// @param base    (ids.size()) from `estimate_tiles`
/// @param values  (ids.size()) out, the bits of `multiply`
inline void finish_listed(const integer_kernel_table& kernels, const gate_planes& planes, const integer_rows& x,
                          std::span<const std::uint32_t> ids, const double* base, float* values) noexcept {
  for (std::size_t from = 0; from < ids.size(); from += low_rows_at_once) {
    const std::size_t n = std::min(low_rows_at_once, ids.size() - from);
    const std::byte* rows[low_rows_at_once];
    double z[low_rows_at_once];
    for (std::size_t k = 0; k < low_rows_at_once; ++k) {
      rows[k] = planes.low_row(ids[from + std::min(k, n - 1)]);
      z[k] = base[from + std::min(k, n - 1)];
    }
    kernels.add_low(rows, x, z);
    for (std::size_t k = 0; k < n; ++k)
      values[from + k] = static_cast<float>(z[k] * (double{planes.scale[ids[from + k]]} * double{*x.scale}));
  }
}

/// Neurons that are not proved inactive, and their gates; in memory that is used again.
class listed_gates {
 public:
  /// Ascending.
  [[nodiscard]] std::span<const std::uint32_t> ids() const noexcept { return {ids_.data(), n_}; }
  /// (ids().size()) what the high nibbles add to the sums.
  [[nodiscard]] std::span<const double> base() const noexcept { return {base_.data(), n_}; }
  /// (ids().size()) gates without a bias, after `finish`.
  [[nodiscard]] std::span<const float> values() const noexcept { return {values_.data(), n_}; }

  /// Lists what `thresholds` and the high nibbles do not prove inactive.
  /// @pre `thresholds` passed its check
  friend void estimate(workspace& ws, const gate_planes& planes, const integer_rows& x,
                       const gate_thresholds& thresholds, const gate_certificate& certificate, listed_gates& out) {
    QUIPU_ASSERT(x.n_row == 1 && x.n_col == planes.n_col);
    const std::size_t n_tile = planes.n_tile(), n_thread = ws.team().size();
    out.ids_.reserve_discarding(n_tile * integer_tile_rows);
    out.base_.reserve_discarding(n_tile * integer_tile_rows);
    out.values_.reserve_discarding(n_tile * integer_tile_rows);
    out.count_.assign(n_thread, 0);
    out.n_ = 0;
    if (n_tile == 0) return;
    const integer_kernel_table& kernels = integer_kernels_of(ws);
    const std::size_t grain = (n_tile + n_thread - 1) / n_thread;
    ws.team().parallel_for(n_tile, grain, [&](std::size_t begin, std::size_t end, std::size_t) {
      const std::size_t at = begin * integer_tile_rows;
      out.count_[begin / grain] = estimate_tiles(kernels, planes, x, thresholds, certificate, begin, end,
                                                 out.ids_.data() + at, out.base_.data() + at);
    });
    for (std::size_t piece = 0; piece < n_thread; ++piece) {
      const std::size_t at = piece * grain * integer_tile_rows, n = out.count_[piece];
      if (n == 0) continue;
      std::copy_n(out.ids_.data() + at, n, out.ids_.data() + out.n_);
      std::copy_n(out.base_.data() + at, n, out.base_.data() + out.n_);
      out.n_ += n;
    }
  }

  /// Reads the low nibbles of the listed neurons and completes their gates.
  friend void finish(workspace& ws, const gate_planes& planes, const integer_rows& x, listed_gates& out) {
    if (out.n_ == 0) return;
    const integer_kernel_table& kernels = integer_kernels_of(ws);
    const std::size_t n_step = (out.n_ + low_rows_at_once - 1) / low_rows_at_once;
    const std::size_t grain = (n_step + ws.team().size() - 1) / ws.team().size();
    ws.team().parallel_for(n_step, grain, [&](std::size_t begin, std::size_t end, std::size_t) {
      const std::size_t at = begin * low_rows_at_once, n = std::min(end * low_rows_at_once, out.n_) - at;
      finish_listed(kernels, planes, x, out.ids().subspan(at, n), out.base_.data() + at, out.values_.data() + at);
    });
  }

 private:
  buffer<std::uint32_t> ids_;
  buffer<double> base_;
  buffer<float> values_;
  std::vector<std::size_t> count_;
  std::size_t n_ = 0;
};

}  // namespace quipu::linear
