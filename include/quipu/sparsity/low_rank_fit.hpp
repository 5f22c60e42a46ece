/// @file Low-rank predictors of active neurons, from weights and a calibration text.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <quipu/core/eigen.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/token.hpp>
#include <quipu/ffn/place.hpp>
#include <quipu/ffn/predictors.hpp>
#include <quipu/ffn/thresholds.hpp>
#include <quipu/io/dequantise.hpp>
#include <quipu/linear/stored_matrix.hpp>
#include <quipu/llama/model.hpp>
#include <quipu/sparsity/layer_record.hpp>

namespace quipu::sparsity {

struct low_rank_options {
  std::size_t rank = 256;
  double recall = 0.99;      ///< share of the tokens that a neuron is active for that it is predicted for, on the calibration text
  bool whiten = true;        ///< weigh errors by the inputs' covariance; else those of the weights
  ffn::thresholds thresholds = {};  ///< that gates must reach besides the activation's own
  record_options record = {};
};

namespace detail {

/// The first eigenvectors of M^T M, M = W L with L L^T the second moments of the inputs: W x ~ (M V) (V^T L^-1 x).
inline void fit_low_rank_layer(const eigen_matrix<double>& w, const eigen_matrix<double>& moments, std::size_t rank, eigen_matrix<float>& first,
                               eigen_matrix<float>& second) {
  const Eigen::LLT<Eigen::MatrixXd> cholesky(moments);
  if (cholesky.info() != Eigen::Success) fail<numeric_error>("fit_low_rank: moments of the inputs", "a positive definite matrix", "one that is not");
  const Eigen::MatrixXd lower = cholesky.matrixL();
  const Eigen::MatrixXd m = w * lower;  // (d_ffn, d_model)
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(m.transpose() * m);
  const Eigen::MatrixXd v = solver.eigenvectors().rightCols(static_cast<Eigen::Index>(rank));  // values ascend
  second = (m * v).cast<float>();
  first = lower.transpose().triangularView<Eigen::Upper>().solve(v).transpose().cast<float>();
}

}  // namespace detail

/// A low-rank predictor for every layer: the gate's whitened truncated SVD, and for each neuron the output that the share `recall` of
/// the tokens reach for which it is active; a neuron that was never active is never predicted. Source: "SVDP", arXiv 2603.14110,
/// section 3.
/// @param m     a model whose activation models `thresholded_activation`
/// @param text  in windows that do not know of each other
/// @throws config_error  a rank above d_model, a recall outside 0 .. 1; thresholds of another model; see `for_each_layer`
template <class Policies>
[[nodiscard]] ffn::low_rank fit_low_rank(const llama::basic_model<Policies>& m, std::span<const token_id> text, const low_rank_options& options = {}) {
  const auto& c = m.config();
  if (options.rank == 0 || options.rank > c.d_model) fail<config_error>("fit_low_rank: rank", concat("1 .. d_model = ", c.d_model), options.rank);
  if (!(options.recall > 0 && options.recall <= 1)) fail<config_error>("fit_low_rank: recall", "above 0, at most 1", options.recall);
  auto data = std::make_shared<ffn::predictor_data>();
  data->content_hash = m.identity()->content->hash();
  for_each_layer(m, text, options.record, [&](const layer_record& r) {
    const auto n = static_cast<Eigen::Index>(r.x.rows()), d = static_cast<Eigen::Index>(c.d_model);
    eigen_matrix<double> w(static_cast<Eigen::Index>(c.d_ffn), d);
    for (std::size_t i = 0; i < c.d_ffn; ++i) io::dequantise_row(r.weights->gate.type, r.weights->gate.row(i), w.data() + i * c.d_model, c.d_model);
    const eigen_matrix<double> x = as_eigen(r.x).template cast<double>();
    eigen_matrix<double> moments = eigen_matrix<double>::Identity(d, d);
    if (options.whiten) {
      moments = x.transpose() * x / static_cast<double>(n);
      moments.diagonal().array() += 1e-6 * moments.trace() / static_cast<double>(d);  // fewer tokens than columns leave some without any
    }
    auto first = std::make_shared<eigen_matrix<float>>(), second = std::make_shared<eigen_matrix<float>>();
    detail::fit_low_rank_layer(w, moments, options.rank, *first, *second);
    const ffn::layer_limits limits(m.ffn().activation, options.thresholds,
                                   ffn::place{r.layer, c, *m.identity()->content, options.record.team, options.record.progress});
    // The bias of the gate counts as an output that the predictor does not see.
    const eigen_matrix<float> z = (as_eigen(r.x) * first->transpose()) * second->transpose();  // (n_token, d_ffn)
    std::vector<float> least(c.d_ffn, std::numeric_limits<float>::infinity()), active;
    for (std::size_t i = 0; i < c.d_ffn; ++i) {
      active.clear();
      for (std::size_t t = 0; t < r.x.rows(); ++t) {
        if (!limits.skips(i, r.gate(t, i))) active.push_back(z(static_cast<Eigen::Index>(t), static_cast<Eigen::Index>(i)));
      }
      if (active.empty()) continue;
      const auto at = active.begin() + static_cast<std::ptrdiff_t>((1 - options.recall) * static_cast<double>(active.size()));
      std::nth_element(active.begin(), at, active.end());
      // The predictor adds up in another order: what equals the least output must not fall below it.
      least[i] = *at - 1e-5f * z.col(static_cast<Eigen::Index>(i)).cwiseAbs().maxCoeff();
    }
    data->layers.push_back({linear::store_plain(first->data(), options.rank, c.d_model), linear::store_plain(second->data(), c.d_ffn, options.rank),
                            std::move(least)});
    data->memory.push_back(std::move(first));
    data->memory.push_back(std::move(second));
  });
  return {std::move(data)};
}

}  // namespace quipu::sparsity
