/// @file What a calibration knows of a sparse model: thresholds, predictor, and the kernel of each layer.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/ffn/certified_sparse.hpp>
#include <quipu/ffn/gate_sparse.hpp>
#include <quipu/ffn/per_layer.hpp>
#include <quipu/ffn/predicted_sparse.hpp>
#include <quipu/ffn/predictors.hpp>
#include <quipu/ffn/row_dense.hpp>
#include <quipu/ffn/thresholds.hpp>
#include <quipu/prosparse/cost_model.hpp>
#include <quipu/prosparse/report.hpp>

namespace quipu::prosparse {

/// What a calibration chooses from for every layer: kernels that skip without loss, and the dense one over the same rows.
template <class Activation>
using exact_kernels = ffn::per_layer<ffn::row_dense<Activation>, ffn::gate_sparse<Activation>, ffn::certified_sparse<Activation>>;
inline constexpr std::string_view exact_kernel_names[] = {"row_dense", "gate_sparse", "certified_sparse"};

/// Of one layer, on the text that costs were measured on. Shares are of all neurons, the mean over tokens.
struct layer_calibration {
  double active = 1;         ///< whose gate reaches its threshold
  std::size_t kernel = 0;    ///< of `exact_kernel_names`: the one that pays at this share
  double predicted = 1;      ///< that the predictor names; 1 without one
  double recall = 1;         ///< of active neurons those that are predicted
  double energy_recall = 1;  ///< of the output's energy what predicted neurons carry, see `sparsity::prediction_meter`
};

/// A plain value. Thresholds and predictor are tied to the weights by their hash: kernels of other weights refuse them.
struct calibrated {
  ffn::thresholds thresholds{};
  ffn::low_rank predictor{};                ///< without data: none was asked for
  std::vector<layer_calibration> layers{};  ///< (n_layer)
  double dense_perplexity = 0;              ///< without thresholds besides the activation's own
  double perplexity = 0;                    ///< with them
  std::size_t n_token = 0, n_cost_token = 0;  ///< that thresholds and predictor come from, and that costs were measured on
  std::size_t rank = 0;                     ///< of the predictor; 0: none
  double recall = 0;                        ///< that it was calibrated for
  model_shape shape{};

  /// (n_layer) shares of active neurons, which `ffn::per_layer` chooses kernels by.
  [[nodiscard]] std::vector<double> densities() const;
  /// Matrices of an FFN's three that a token reads of a layer.
  [[nodiscard]] double matrices_exact(std::size_t layer) const;      ///< all of the gate, rows of active neurons
  [[nodiscard]] double matrices_predicted(std::size_t layer) const;  ///< the predictor, the gate of predicted neurons, rows of active ones
  /// Title "Calibration", for reports.
  [[nodiscard]] report_section section() const;

  /// The kernel of each layer, with the thresholds; `Kernels` take them and declare `pays_below`, as `ffn::per_layer` asks.
  /// @tparam First  and others: `ffn::row_dense`, `ffn::gate_sparse`, `ffn::certified_sparse` or the user's
  template <class First, class... Others>
  [[nodiscard]] ffn::per_layer<First, Others...> per_layer(typename First::activation_type f = {}) const {
    static_assert(std::constructible_from<First, typename First::activation_type, ffn::thresholds> &&
                      (std::constructible_from<Others, typename Others::activation_type, ffn::thresholds> && ...),
                  "calibrated: kernels must take thresholds (ffn::row_dense in place of ffn::dense)");
    ffn::per_layer<First, Others...> all(densities(), First(f, thresholds), Others(f, thresholds)...);
    all.activation = std::move(f);
    return all;
  }
  /// The same from the library's kernels.
  template <class Activation>
  [[nodiscard]] exact_kernels<Activation> kernel(Activation f = {}) const {
    return per_layer<ffn::row_dense<Activation>, ffn::gate_sparse<Activation>, ffn::certified_sparse<Activation>>(std::move(f));
  }
  /// The kernel that goes by the predictor. @pre there is one
  template <class Activation>
  [[nodiscard]] ffn::predicted_sparse<ffn::low_rank, Activation> predicted_kernel(Activation f = {}) const {
    return {predictor, std::move(f), thresholds};
  }
};

}  // namespace quipu::prosparse

#if !defined(QUIPU_COMPILED)
#include <quipu/prosparse/calibrated.ipp>
#endif
