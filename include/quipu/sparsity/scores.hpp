/// @file Scores of a layer's neurons under a criterion, and what leaving out those below a level does to the layer's output.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <quipu/activation/activation.hpp>
#include <quipu/core/buffer.hpp>
#include <quipu/core/matrix_view.hpp>
#include <quipu/ffn/criteria.hpp>
#include <quipu/ffn/levels.hpp>
#include <quipu/io/dequantise.hpp>
#include <quipu/linear/column_norms.hpp>
#include <quipu/linear/gemm.hpp>
#include <quipu/linear/workspace.hpp>
#include <quipu/sparsity/layer_record.hpp>

namespace quipu::sparsity {

/// A layer's values over a calibration text.
struct calibrated_layer {
  std::size_t layer = 0;
  std::size_t n_token = 0, d_ffn = 0;
  std::vector<float> activated;  ///< (n_token * d_ffn) f(gate)
  std::vector<float> up;         ///< (n_token * d_ffn)
  std::vector<float> hidden;     ///< (n_token * d_ffn) f(gate) * up
  ffn::neuron_sizes sizes;       ///< means of the above
  const ffn::ffn_weights<float>* weights = nullptr;

  /// From a record of the layer under the model's activation.
  template <class Activation>
  [[nodiscard]] static calibrated_layer of(const Activation& f, const layer_record& r) {
    calibrated_layer out{r.layer, r.gate.rows(), r.gate.cols(), {}, {}, {}, {}, r.weights};
    const std::size_t n = out.n_token * out.d_ffn;
    out.activated.reserve(n), out.up.reserve(n), out.hidden.reserve(n);
    std::vector<double> gate(out.d_ffn, 0), up(out.d_ffn, 0);
    for (std::size_t t = 0; t < out.n_token; ++t) {
      for (std::size_t i = 0; i < out.d_ffn; ++i) {
        const float a = f(r.gate(t, i)), u = r.up(t, i);
        out.activated.push_back(a);
        out.up.push_back(u);
        out.hidden.push_back(a * activation::up_of(f, u));
        gate[i] += std::abs(static_cast<double>(a));
        up[i] += std::abs(static_cast<double>(activation::up_of(f, u)));
      }
    }
    const auto mean = [&](const std::vector<double>& sums) {
      std::vector<float> means(out.d_ffn);
      for (std::size_t i = 0; i < out.d_ffn; ++i) means[i] = static_cast<float>(sums[i] / static_cast<double>(out.n_token));
      return means;
    };
    out.sizes = {mean(gate), mean(up), linear::column_norms(r.weights->down)};
    return out;
  }
};

/// Size times weight of every neuron for every token: a kernel leaves out what is below the level.
/// @return (n_token * d_ffn)
template <class Criterion>
[[nodiscard]] std::vector<float> scores_of(const Criterion& criterion, const calibrated_layer& layer) {
  static_assert(Criterion::value != ffn::criterion_value::none, "scores_of: every_neuron has no scores");
  const std::vector<float>& values = Criterion::value == ffn::criterion_value::gate ? layer.activated
                                     : Criterion::value == ffn::criterion_value::up ? layer.up
                                                                                    : layer.hidden;
  std::vector<float> weights(layer.d_ffn), out(values.size());
  for (std::size_t i = 0; i < layer.d_ffn; ++i) weights[i] = ffn::weight_of(criterion, layer.sizes, i);
  for (std::size_t at = 0; at < out.size(); ++at) out[at] = std::abs(values[at]) * weights[at % layer.d_ffn];
  return out;
}

/// The level below which `share` of the scores lie; scores that equal it stay.
/// @param scores  not empty; reordered
[[nodiscard]] inline double level_for_share(std::vector<float>& scores, double share) {
  const auto n = static_cast<std::size_t>(share * static_cast<double>(scores.size()));
  if (n == 0) return 0;
  const auto at = scores.begin() + static_cast<std::ptrdiff_t>(std::min(n, scores.size() - 1));
  std::nth_element(scores.begin(), at, scores.end());
  return static_cast<double>(*at);
}

/// How the errors of tokens become one of a text: lost is the length of what left-out neurons would have added, whole that of the output.
enum class error_mean : std::uint8_t {
  ratios,   ///< mean of lost / whole: the definition of CETT
  sums,     ///< sum of lost / sum of whole: tokens of long outputs count more
  squares,  ///< sqrt(sum of lost^2 / sum of whole^2): those count most
};

/// Cumulative error of tail truncation (CETT) of a layer: the length of what left-out neurons would have added to the output over the
/// output's length, the mean over tokens. Source: Zhang et al. 2024, "ReLU^2 Wins", eq. (4).
class truncation_error {
 public:
  /// @param hidden   (n_token * d_ffn) f(gate) * up
  /// @param n_token  of them that are looked at, evenly spaced; 0: all
  truncation_error(const thread_team& team, std::span<const float> hidden, const linear::stored_matrix& down, std::size_t n_token = 0,
                   error_mean mean = error_mean::ratios)
      : ws_(team), mean_(mean), d_ffn_(down.cols), down_(down.cols * down.rows) {
    const std::size_t n_all = hidden.size() / d_ffn_, n = n_token == 0 ? n_all : std::min(n_token, n_all);
    for (std::size_t t = 0; t < n; ++t) tokens_.push_back(t * n_all / n);
    std::vector<float> row(d_ffn_);
    for (std::size_t r = 0; r < down.rows; ++r) {
      io::dequantise_row(down.type, down.row(r), row.data(), d_ffn_);
      std::copy(row.begin(), row.end(), down_.begin() + static_cast<std::ptrdiff_t>(r * d_ffn_));
    }
    kept_.resize(n * d_ffn_);
    out_.resize(n * down.rows);
    hidden_ = hidden;
    lengths_ = lengths([](std::size_t) { return true; });
  }

  /// Mean length of the layer's output.
  [[nodiscard]] double output_length() const noexcept {
    double sum = 0;
    for (const double l : lengths_) sum += l;
    return sum / static_cast<double>(lengths_.size());
  }
  /// Scores of the tokens that are looked at, ascending: where the error changes.
  /// @param scores  (n_token * d_ffn)
  [[nodiscard]] std::vector<float> steps(std::span<const float> scores) const {
    std::vector<float> sorted;
    sorted.reserve(tokens_.size() * d_ffn_);
    for (const std::size_t t : tokens_) {
      const auto row = scores.subspan(t * d_ffn_, d_ffn_);
      sorted.insert(sorted.end(), row.begin(), row.end());
    }
    std::sort(sorted.begin(), sorted.end());
    return sorted;
  }
  /// The error if neurons are left out whose score is below the level. Tokens whose output is 0 count as 0.
  /// @param scores  (n_token * d_ffn) as `hidden`
  [[nodiscard]] double of(std::span<const float> scores, double level) {
    const auto limit = static_cast<float>(level);
    const std::vector<double> lost = lengths([&](std::size_t at) { return scores[at] < limit; });
    double sum = 0, whole = 0;
    for (std::size_t t = 0; t < lost.size(); ++t) {
      switch (mean_) {
        case error_mean::ratios: sum += lengths_[t] == 0 ? 0 : lost[t] / lengths_[t], whole += 1; break;
        case error_mean::sums: sum += lost[t], whole += lengths_[t]; break;
        case error_mean::squares: sum += lost[t] * lost[t], whole += lengths_[t] * lengths_[t]; break;
      }
    }
    const double ratio = whole == 0 ? 0 : sum / whole;
    return mean_ == error_mean::squares ? std::sqrt(ratio) : ratio;
  }

 private:
  // Lengths of W_down times the hidden values for which counts(place in hidden) holds.
  template <class Counts>
  [[nodiscard]] std::vector<double> lengths(Counts&& counts) {
    const std::size_t n = tokens_.size(), d_model = down_.size() / d_ffn_;
    for (std::size_t t = 0; t < n; ++t) {
      const std::size_t from = tokens_[t] * d_ffn_;
      for (std::size_t i = 0; i < d_ffn_; ++i) kept_[t * d_ffn_ + i] = counts(from + i) ? hidden_[from + i] : 0.0f;
    }
    rows_.pack(ws_, linear::plain_operand<float>::along(matrix_view<const float>(kept_.data(), n, d_ffn_)));
    linear::gemm(ws_, rows_, linear::plain_operand<float>::along(matrix_view<const float>(down_.data(), d_model, d_ffn_)),
                 matrix_view<float>(out_.data(), n, d_model), linear::gemm_output::overwrite);
    std::vector<double> result(n, 0);
    for (std::size_t t = 0; t < n; ++t) {
      for (std::size_t j = 0; j < d_model; ++j) result[t] += static_cast<double>(out_[t * d_model + j]) * static_cast<double>(out_[t * d_model + j]);
      result[t] = std::sqrt(result[t]);
    }
    return result;
  }

  linear::workspace ws_;
  linear::packed_rows<float> rows_;
  error_mean mean_;
  std::size_t d_ffn_;
  std::vector<float> down_;           // (d_model, d_ffn)
  std::vector<std::size_t> tokens_;
  std::span<const float> hidden_;
  std::vector<float> kept_, out_;     // (n, d_ffn), (n, d_model)
  std::vector<double> lengths_;       // (n) of the whole output
};

/// The largest level whose CETT is within a budget, by bisection between no neuron and all.
/// @param scores  (n_token * d_ffn)
[[nodiscard]] inline double level_for_cett(truncation_error& error, std::span<const float> scores, double budget, std::size_t n_step = 32) {
  const std::vector<float> sorted = error.steps(scores);
  std::size_t low = 0, high = sorted.size();
  for (std::size_t step = 0; step < n_step && high - low > 1; ++step) {
    const std::size_t middle = low + (high - low) / 2;
    (error.of(scores, static_cast<double>(sorted[middle])) <= budget ? low : high) = middle;
  }
  return low == 0 ? 0 : static_cast<double>(sorted[low]);
}

}  // namespace quipu::sparsity
