/// @file Adafactor: second moments of matrices as row and column sums.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

#include <quipu/core/buffer.hpp>
#include <quipu/optim/optimizer.hpp>

namespace quipu::optim {

/// Adafactor without momentum, as PyTorch computes it. Source: Shazeer, Stern 2018, algorithms 4 and 5.
/// A matrix needs rows + cols numbers of state instead of rows * cols.
struct adafactor {
  static constexpr std::string_view name = "adafactor";

  double learning_rate = 1e-2;  ///< upper bound; relative to a tensor's size if `eps2` is smaller
  double decay = -0.8;          ///< beta2 of step t is 1 - t^decay
  double eps2 = 1e-3;           ///< least size of a tensor
  double clip = 1.0;            ///< largest root mean square of an update
  double weight_decay = 0;

  /// All other numbers, for the record of a run.
  [[nodiscard]] std::string numbers() const {
    return concat("decay ", exact_text(decay), ", eps2 ", exact_text(eps2), ", clip ", exact_text(clip));
  }

  template <class Scalar>
  class state {
   public:
    state(const adafactor&, std::span<const parameter<Scalar>> parameters) {
      std::size_t n = 0;
      for (const auto& p : parameters) {
        first_.push_back(n);
        n += factored(p) ? p.rows() + p.cols() : p.size();
      }
      sums_ = buffer<Scalar>(n);
    }

    /// Tensors are shared out among the threads; a tensor is worked on by one.
    void step(const adafactor& a, const step_context& s, std::span<const parameter<Scalar>> parameters,
              std::span<const tensor_settings> settings) {
      const double t = static_cast<double>(s.t);
      s.team.parallel_for(parameters.size(), 1, [&](std::size_t i, std::size_t, std::size_t) {
        update(a, parameters[i], settings[i], std::pow(t, a.decay),
               std::min(settings[i].learning_rate, 1 / std::sqrt(t)), s.gradient_scale, sums_.data() + first_[i]);
      });
    }

    [[nodiscard]] std::vector<state_array> arrays() {
      return {{"second_moments", std::as_writable_bytes(sums_.span())}};
    }
    [[nodiscard]] std::size_t n_byte() const noexcept { return sums_.n_byte(); }

   private:
    static bool factored(const parameter<Scalar>& p) noexcept { return p.shape.size() >= 2; }

    static void update(const adafactor& a, const parameter<Scalar>& p, tensor_settings own, double fresh, double rho,
                       double scale, Scalar* state) noexcept {
      const std::size_t n = p.size(), rows = p.rows(), cols = p.cols();
      const auto gradient = [&](std::size_t i) { return static_cast<double>(p.gradient[i]) * scale; };
      const auto mix = [&](Scalar& old, double value) {
        old = static_cast<Scalar>(static_cast<double>(old) + fresh * (value - static_cast<double>(old)));
      };
      double square = 0;
      for (std::size_t i = 0; i < n; ++i) square += static_cast<double>(p.value[i]) * static_cast<double>(p.value[i]);
      const double size = std::max(a.eps2, std::sqrt(square / static_cast<double>(n)));
      double mean_row = 1;
      if (factored(p)) {
        mean_row = 0;
        std::vector<double> column(cols, 0.0);
        for (std::size_t r = 0; r < rows; ++r) {
          double sum = 0;
          for (std::size_t c = 0; c < cols; ++c) {
            const double g = gradient(r * cols + c), gg = g * g;
            sum += gg;
            column[c] += gg;
          }
          mix(state[r], sum / static_cast<double>(cols));
          mean_row += static_cast<double>(state[r]);
        }
        mean_row =
            std::max(mean_row / static_cast<double>(rows), static_cast<double>(std::numeric_limits<Scalar>::epsilon()));
        for (std::size_t c = 0; c < cols; ++c) mix(state[rows + c], column[c] / static_cast<double>(rows));
      } else {
        for (std::size_t i = 0; i < n; ++i) mix(state[i], gradient(i) * gradient(i));
      }
      constexpr double eps1 = std::numeric_limits<Scalar>::epsilon();
      const auto raw = [&](std::size_t i) {
        const double variance =
            factored(p) ? static_cast<double>(state[i / cols]) * static_cast<double>(state[rows + i % cols]) / mean_row
                        : static_cast<double>(state[i]);
        return gradient(i) / std::sqrt(std::max(variance, eps1 * eps1));
      };
      double update_square = 0;
      for (std::size_t i = 0; i < n; ++i) update_square += raw(i) * raw(i);
      const double shrink = std::max(1.0, std::sqrt(update_square / static_cast<double>(n)) / a.clip);
      const double keep = 1 - own.learning_rate * own.weight_decay, step = size * rho / shrink;
      for (std::size_t i = 0; i < n; ++i) {
        p.value[i] = static_cast<Scalar>(static_cast<double>(p.value[i]) * keep - step * raw(i));
      }
    }

    std::vector<std::size_t> first_;
    buffer<Scalar> sums_;
  };
};

static_assert(optimizer_policy<adafactor>);

}  // namespace quipu::optim
