/// @file Gradients that do not make earlier tasks worse: GEM and A-GEM.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include <quipu/conpet/losses/softmax_rows.hpp>
#include <quipu/core/eigen.hpp>
#include <quipu/core/eigen_decompositions.hpp>
#include <quipu/core/error.hpp>

namespace quipu::conpet {

/// The v that minimises v^T Q v / 2 + p^T v under v >= least, for symmetric Q that is positive definite: an active set that grows and
/// shrinks one variable at a time. Source: Lawson, Hanson 1974, algorithm NNLS, in the form of normal equations.
/// @param q  (n, n)
/// @param p  (n)
[[nodiscard]] inline eigen_vector<double> least_above(const double_rows& q, const eigen_vector<double>& p, double least) {
  const Eigen::Index n = p.size();
  // In w = v - least: w >= 0.
  const eigen_vector<double> shifted = p + q * eigen_vector<double>::Constant(n, least);
  eigen_vector<double> w = eigen_vector<double>::Zero(n);
  std::vector<Eigen::Index> free;
  const double small = 1e-12 * (1 + shifted.cwiseAbs().maxCoeff());
  for (Eigen::Index round = 0; round < 10 * n; ++round) {
    const eigen_vector<double> descent = -(q * w + shifted);
    Eigen::Index enter = -1;
    for (Eigen::Index i = 0; i < n; ++i) {
      if (std::find(free.begin(), free.end(), i) == free.end() && descent[i] > small && (enter < 0 || descent[i] > descent[enter])) enter = i;
    }
    if (enter < 0) break;
    free.push_back(enter);
    while (!free.empty()) {
      const eigen_vector<double> target = double_rows(q(free, free)).colPivHouseholderQr().solve(-eigen_vector<double>(shifted(free)));
      double step = 1;
      for (Eigen::Index i = 0; i < target.size(); ++i) {
        const double now = w[free[static_cast<std::size_t>(i)]];
        if (target[i] <= 0) step = std::min(step, now / (now - target[i]));
      }
      for (Eigen::Index i = 0; i < target.size(); ++i) {
        double& now = w[free[static_cast<std::size_t>(i)]];
        now += step * (target[i] - now);
      }
      if (step == 1) break;
      std::erase_if(free, [&](Eigen::Index i) {
        if (w[i] > small) return false;
        w[i] = 0;
        return true;
      });
    }
  }
  return w.array() + least;
}

/// The gradient closest to g whose product with the gradient of no earlier task is negative. Source: Lopez-Paz, Ranzato 2017, "GEM", eq. (11), with
/// the authors' margin and their ridge on the products.
/// @param g        (n_value) in and out
/// @param earlier  (n_task, n_value) gradients on the memories of earlier tasks
/// @param margin   of the dual's variables: above 0 favours earlier tasks
/// @return whether g was changed
/// @throws config_error  sizes that do not fit; a margin that is negative
template <class Scalar>
bool project_gem(std::span<Scalar> g, matrix_view<const Scalar> earlier, double margin = 0.5, double ridge = 1e-3) {
  check_shape("project_gem: width of the earlier gradients", earlier.cols(), g.size());
  if (!(margin >= 0)) fail<config_error>("project_gem: margin", "not negative", margin);
  const double_rows m = in_double<Scalar>(earlier);
  const Eigen::Map<eigen_vector<Scalar>> own(g.data(), static_cast<Eigen::Index>(g.size()));
  const eigen_vector<double> products = m * own.template cast<double>();  // (n_task)
  if (m.rows() == 0 || products.minCoeff() >= 0) return false;
  const double_rows q = m * m.transpose() + ridge * double_rows::Identity(m.rows(), m.rows());
  const eigen_vector<double> v = least_above(q, products, margin);
  Eigen::Map<eigen_vector<Scalar>> out(g.data(), static_cast<Eigen::Index>(g.size()));
  out += (m.transpose() * v).template cast<Scalar>();
  return true;
}

/// Takes from g what it has against a reference gradient. Source: Chaudhry et al. 2019, "A-GEM", eq. (11).
/// @return whether g was changed
/// @throws config_error  sizes that do not fit
template <class Scalar>
bool project_a_gem(std::span<Scalar> g, std::span<const Scalar> reference) {
  check_shape("project_a_gem: reference", reference.size(), g.size());
  double product = 0, square = 0;
  for (std::size_t i = 0; i < g.size(); ++i) {
    product += static_cast<double>(g[i]) * static_cast<double>(reference[i]);
    square += static_cast<double>(reference[i]) * static_cast<double>(reference[i]);
  }
  if (!(product < 0)) return false;
  for (std::size_t i = 0; i < g.size(); ++i) g[i] -= static_cast<Scalar>(product / square * static_cast<double>(reference[i]));
  return true;
}

}  // namespace quipu::conpet
