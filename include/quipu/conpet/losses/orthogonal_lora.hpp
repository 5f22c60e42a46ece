/// @file Keeps a new module's subspace apart from those of earlier ones: O-LoRA; and finds a module's direction: Arrow.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include <quipu/conpet/losses/softmax_rows.hpp>
#include <quipu/core/eigen.hpp>
#include <quipu/core/eigen_decompositions.hpp>
#include <quipu/core/matrix_view.hpp>

namespace quipu::conpet {

/// How products of rows of A are summed: the paper squares them, the authors' code takes their size.
enum class overlap_norm : std::uint8_t { square, size };

/// strength * sum over the entries of A_t A_i^T, squared or in size. Source: Wang et al. 2023, "O-LoRA", eq. (8).
/// @param now       (r, d_in) A of the module that trains
/// @param earlier   (r', d_in) A of an earlier one
/// @param gradient  (r, d_in) of now, added to
/// @throws config_error  shapes that do not fit
template <class Scalar>
double overlap_loss(matrix_view<const Scalar> now, matrix_view<const Scalar> earlier, double strength, matrix_view<Scalar> gradient,
                    overlap_norm norm = overlap_norm::square) {
  check_shape("overlap_loss: width of the earlier module", earlier.cols(), now.cols());
  const double_rows other = in_double<Scalar>(earlier);
  const double_rows product = in_double<Scalar>(now) * other.transpose();  // (r, r')
  if (norm == overlap_norm::square) {
    add_gradient(product * other, 2 * strength, gradient);
    return strength * product.squaredNorm();
  }
  add_gradient(double_rows(product.array().sign()) * other, strength, gradient);
  return strength * product.cwiseAbs().sum();
}

/// The input that B A changes most, of length 1: the first right singular vector. A token's likeness to a module is |x v|.
/// Source: Ostapenko et al. 2024, "Towards modular LLMs by building and reusing LoRAs", section 4.1 (Arrow).
/// @param a  (r, d_in)
/// @param b  (d_out, r)
/// @throws config_error  ranks that differ
template <class Scalar>
[[nodiscard]] eigen_vector<double> arrow_prototype(matrix_view<const Scalar> a, matrix_view<const Scalar> b) {
  check_shape("arrow_prototype: rank of B", b.cols(), a.rows());
  // A^T = Q R: B A = (B R^T) Q^T, and the singular vectors of the small factor are turned by Q.
  const Eigen::HouseholderQR<Eigen::MatrixXd> qr(in_double<Scalar>(a).transpose());
  const Eigen::Index r = static_cast<Eigen::Index>(std::min(a.rows(), a.cols()));
  const Eigen::MatrixXd upper = qr.matrixQR().topRows(r).template triangularView<Eigen::Upper>();                   // (r, rank)
  const Eigen::MatrixXd q = qr.householderQ() * Eigen::MatrixXd::Identity(static_cast<Eigen::Index>(a.cols()), r);  // (d_in, r)
  const Eigen::MatrixXd small = in_double<Scalar>(b) * upper.transpose();                                           // (d_out, r)
  const Eigen::JacobiSVD<Eigen::MatrixXd> svd(small, Eigen::ComputeThinU | Eigen::ComputeThinV);
  return q * svd.matrixV().col(0);
}

}  // namespace quipu::conpet
