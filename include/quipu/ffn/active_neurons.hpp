/// @file Lists of active neurons and the walk over their rows: what FFN kernels that skip neurons share.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include <quipu/activation/activation.hpp>
#include <quipu/core/matrix_view.hpp>
#include <quipu/ffn/levels.hpp>
#include <quipu/ffn/thresholds.hpp>
#include <quipu/linear/neuron_kernels.hpp>
#include <quipu/linear/neuron_rows.hpp>
#include <quipu/linear/workspace.hpp>

namespace quipu::ffn {

/// The active neurons of some rows of activations, and sums over their rows of weights.
///
/// Neurons are cut into parts by their number alone. Each part has sums of its own, and these are added in order: a row's result
/// depends neither on the rows beside it nor on the number of threads, and a neuron that is not listed adds nothing.
class active_neurons {
 public:
  static constexpr std::size_t most_rows = 32;

  /// Takes scratch memory of the workspace; what `ws.shared` gave before is lost, and what it gives next ends this.
  /// @param n_row  at most `most_rows`
  active_neurons(linear::workspace& ws, const linear::neuron_rows& rows, std::size_t n_row)
      : ws_(&ws),
        rows_(&rows),
        kernels_(&linear::neuron_kernels_for<float>(ws.kernels().set)),
        n_row_(n_row),
        d_ffn_(rows.up().rows),
        d_model_(rows.up().cols),
        n_part_(std::clamp<std::size_t>(d_ffn_ / 256, 1, most_parts)),
        row_stride_((d_ffn_ + slack + 15) / 16 * 16),
        sum_stride_((d_model_ + 15) / 16 * 16) {
    float* memory = ws.shared<float>(n_row_ * row_stride_ * 3 + n_part_ * n_row_ * sum_stride_);
    const auto take = [&](std::size_t n) { return std::exchange(memory, memory + n); };
    values_ = take(n_row_ * row_stride_);
    ups_ = take(n_row_ * row_stride_);
    sums_ = take(n_part_ * n_row_ * sum_stride_);
    ids_ = reinterpret_cast<std::uint32_t*>(memory);
  }

  /// Lists the neurons of row t whose gate is not below its limit.
  /// @param gate  (d_ffn)
  void list(std::size_t t, const float* gate, const layer_limits& limits) noexcept {
    std::uint32_t* const ids = ids_ + t * row_stride_;
    std::size_t n = 0;
    if (limits.own.empty()) {
      n = ws_->kernels().list_active(gate, d_ffn_, limits.all, ids);
    } else {
      for (std::size_t i = 0; i < d_ffn_; ++i) {
        ids[n] = static_cast<std::uint32_t>(i);
        n += static_cast<std::size_t>(!(gate[i] < limits.own[i]));
      }
    }
    n_[t] = n;
    for (std::size_t i = 0; i < n; ++i) values_[t * row_stride_ + i] = gate[ids[i]];
  }
  /// The same of gates that are known for some neurons alone, in order; all others are skipped.
  void list(std::size_t t, std::span<const std::uint32_t> known, const float* gates, const float* bias,
            const layer_limits& limits) noexcept {
    std::size_t n = 0;
    for (std::size_t i = 0; i < known.size(); ++i) {
      const float gate = bias == nullptr ? gates[i] : gates[i] + bias[known[i]];
      ids_[t * row_stride_ + n] = known[i];
      values_[t * row_stride_ + n] = gate;
      n += static_cast<std::size_t>(!limits.skips(known[i], gate));
    }
    n_[t] = n;
  }

  /// Lists the neurons of row t whose value is in size not below its limit.
  /// @param of  (d_ffn)
  void list_large(std::size_t t, const float* of, const size_limits& limits) noexcept {
    std::uint32_t* const ids = ids_ + t * row_stride_;
    const float* const own = limits.own.empty() ? nullptr : limits.own.data();
    std::size_t n = 0;
    for (std::size_t i = 0; i < d_ffn_; ++i) {
      ids[n] = static_cast<std::uint32_t>(i);
      n += static_cast<std::size_t>(!(std::abs(of[i]) < (own == nullptr ? limits.all : own[i])));
    }
    n_[t] = n;
    for (std::size_t i = 0; i < n; ++i) values_[t * row_stride_ + i] = of[ids[i]];
  }

  /// Keeps of row t's list the neurons for which keep(neuron, value) holds.
  template <class Keep>
  void keep_if(std::size_t t, Keep&& keep) noexcept {
    std::uint32_t* const ids = ids_ + t * row_stride_;
    float* const value = values(t);
    std::size_t n = 0;
    for (std::size_t i = 0; i < n_[t]; ++i) {
      const std::uint32_t id = ids[i];
      const float own = value[i];
      ids[n] = id;
      value[n] = own;
      n += static_cast<std::size_t>(keep(id, own));
    }
    n_[t] = n;
  }

  /// Lists all neurons, with 0 for the gates of those that would be skipped.
  void list_all(std::size_t t, const float* gate, const layer_limits& limits) noexcept {
    n_[t] = d_ffn_;
    for (std::size_t i = 0; i < d_ffn_; ++i) {
      ids_[t * row_stride_ + i] = static_cast<std::uint32_t>(i);
      values_[t * row_stride_ + i] = limits.skips(i, gate[i]) ? 0.0f : gate[i];
    }
  }

  [[nodiscard]] std::span<const std::uint32_t> ids(std::size_t t) const noexcept { return {ids_ + t * row_stride_, n_[t]}; }
  /// A value for each listed neuron: its gate at first, what `set` and `hide` make of it later.
  [[nodiscard]] float* values(std::size_t t) noexcept { return values_ + t * row_stride_; }
  /// W_up x for each listed neuron, after `project_up`.
  [[nodiscard]] const float* ups(std::size_t t) const noexcept { return ups_ + t * row_stride_; }

  /// Works out `ups`.
  /// @param x  (n_row, d_model)
  void project_up(matrix_view<const float> x, const float* up_bias) noexcept {
    for_each_piece([&](std::size_t, std::size_t t, std::size_t first, std::size_t n) { up_piece(x, up_bias, t, first, n); });
  }
  /// y += sum over listed neurons of their value times their row of down, + down_bias.
  /// @param y  (n_row, d_model)
  void add_down(const float* down_bias, matrix_view<float> y) noexcept {
    for_each_piece([&](std::size_t part, std::size_t t, std::size_t first, std::size_t n) { down_piece(part, t, first, n); });
    join(down_bias, y);
  }
  /// Both and hidden = f(gate) * up in between, in one walk over the neurons: the same bits.
  template <class Activation>
  void run(const Activation& f, matrix_view<const float> x, const float* up_bias, const float* down_bias,
           matrix_view<float> y) noexcept {
    walk<activation::up_changing_activation<Activation>>(
        x, up_bias, down_bias, y, [&](std::size_t, float gate, float up) { return f(gate) * activation::up_of(f, up); });
  }
  /// The same with hidden(neuron, value, W_up x) in place of it.
  /// @tparam SkipsZeros  whether neurons whose hidden is 0 keep their row of down unread
  template <bool SkipsZeros, class Hidden>
  void walk(matrix_view<const float> x, const float* up_bias, const float* down_bias, matrix_view<float> y, Hidden&& hidden) noexcept {
    for_each_piece([&](std::size_t part, std::size_t t, std::size_t first, std::size_t n) {
      float* const value = values(t);
      const std::uint32_t* const id = ids_ + t * row_stride_;
      for (const std::size_t end = first + n; first < end; first += n) {
        n = std::min(end - first, neurons_at_once);
        up_piece(x, up_bias, t, first, n);
        for (std::size_t i = first; i < first + n; ++i) value[i] = hidden(id[i], value[i], ups(t)[i]);
        if constexpr (SkipsZeros) {
          down_of_nonzero(part, t, first, n);
        } else {
          down_piece(part, t, first, n);
        }
      }
    });
    join(down_bias, y);
  }

 private:
  static constexpr std::size_t most_parts = 16;
  static constexpr std::size_t slack = 16;   // that vector loops may write after a list
  // Whose rows of up and of down, which lie beside them, are read in turn.
  static constexpr std::size_t neurons_at_once = 128;
  static constexpr std::size_t window = 128;  // neurons that several rows share while they are in the second-level cache

  // Calls f(part, row, first, n) for stretches of all lists, those of a part in order on one thread.
  template <class F>
  void for_each_piece(F&& f) noexcept {
    ws_->team().parallel_for(n_part_, 1, [&](std::size_t begin, std::size_t end, std::size_t) {
      for (std::size_t part = begin; part < end; ++part) {
        const std::size_t first = d_ffn_ * part / n_part_, last = d_ffn_ * (part + 1) / n_part_;
        std::fill_n(sums_ + part * n_row_ * sum_stride_, n_row_ * sum_stride_, 0.0f);
        std::array<std::size_t, most_rows> at;
        for (std::size_t t = 0; t < n_row_; ++t) at[t] = position(t, first);
        const std::size_t step = n_row_ == 1 ? last - first : window;
        for (std::size_t to = std::min(first + step, last);; to = std::min(to + step, last)) {
          for (std::size_t t = 0; t < n_row_; ++t) {
            const std::size_t next = position(t, to);
            if (next > at[t]) f(part, t, at[t], next - at[t]);
            at[t] = next;
          }
          if (to == last) break;
        }
      }
    });
  }
  // Where neurons from `id` on begin in the list of row t.
  [[nodiscard]] std::size_t position(std::size_t t, std::size_t id) const noexcept {
    const auto all = ids(t);
    return static_cast<std::size_t>(std::lower_bound(all.begin(), all.end(), static_cast<std::uint32_t>(id)) - all.begin());
  }
  void up_piece(matrix_view<const float> x, const float* up_bias, std::size_t t, std::size_t first, std::size_t n) noexcept {
    const std::uint32_t* const ids = ids_ + t * row_stride_ + first;
    float* const up = ups_ + t * row_stride_ + first;
    kernels_->dot(rows_->up(), ids, n, x.row(t), up);
    for (std::size_t i = 0; up_bias != nullptr && i < n; ++i) up[i] += up_bias[ids[i]];
  }
  void down_piece(std::size_t part, std::size_t t, std::size_t first, std::size_t n) noexcept {
    kernels_->add(rows_->down(), ids_ + t * row_stride_ + first, n, values(t) + first, 0, d_model_,
                  sums_ + (part * n_row_ + t) * sum_stride_);
  }
  // The same without the rows of neurons that the activation's part on up made 0.
  void down_of_nonzero(std::size_t part, std::size_t t, std::size_t first, std::size_t n) noexcept {
    constexpr std::size_t at_once = 256;
    std::uint32_t ids[at_once];
    float value[at_once];
    for (std::size_t begin = first; begin < first + n; begin += at_once) {
      std::size_t m = 0;
      for (std::size_t i = begin; i < std::min(begin + at_once, first + n); ++i) {
        ids[m] = ids_[t * row_stride_ + i];
        value[m] = values(t)[i];
        m += static_cast<std::size_t>(value[m] != 0);
      }
      kernels_->add(rows_->down(), ids, m, value, 0, d_model_, sums_ + (part * n_row_ + t) * sum_stride_);
    }
  }
  void join(const float* down_bias, matrix_view<float> y) noexcept {
    constexpr std::size_t block = 512;
    const std::size_t n_block = (d_model_ + block - 1) / block;
    ws_->team().parallel_for(n_row_ * n_block, std::max<std::size_t>(n_block / ws_->team().size(), 1),
                             [&](std::size_t begin, std::size_t end, std::size_t) {
      for (std::size_t i = begin; i < end; ++i) {
        const std::size_t t = i / n_block, first = i % n_block * block, last = std::min(first + block, d_model_);
        float* const out = y.row(t);
        const float* const own = sums_ + t * sum_stride_;
        for (std::size_t part = 1; part < n_part_; ++part) {
          const float* const more = sums_ + (part * n_row_ + t) * sum_stride_;
          float* const sum = sums_ + t * sum_stride_;
          for (std::size_t j = first; j < last; ++j) sum[j] += more[j];
        }
        for (std::size_t j = first; j < last; ++j) out[j] += own[j];
        for (std::size_t j = first; down_bias != nullptr && j < last; ++j) out[j] += down_bias[j];
      }
    });
  }

  linear::workspace* ws_;
  const linear::neuron_rows* rows_;
  const linear::neuron_kernel_table<float>* kernels_;
  std::size_t n_row_, d_ffn_, d_model_, n_part_, row_stride_, sum_stride_;
  std::array<std::size_t, most_rows> n_{};
  float* values_;       // (n_row, row_stride)
  float* ups_;          // (n_row, row_stride)
  float* sums_;         // (n_part, n_row, sum_stride)
  std::uint32_t* ids_;  // (n_row, row_stride)
};

/// Calls f(first, n) for blocks of rows that `active_neurons` takes together.
template <class F>
void for_each_block(std::size_t n_row, F&& f) {
  for (std::size_t first = 0; first < n_row; first += active_neurons::most_rows) f(first, std::min(active_neurons::most_rows, n_row - first));
}

/// Values of listed neurons in their places, 0 elsewhere.
/// @param out  (n)
inline void spread(std::span<const std::uint32_t> ids, const float* values, float* out, std::size_t n) noexcept {
  std::fill_n(out, n, 0.0f);
  for (std::size_t i = 0; i < ids.size(); ++i) out[ids[i]] = values[i];
}

}  // namespace quipu::ffn
