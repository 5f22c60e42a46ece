/// @file Several LoRA modules made into one: by concatenation, by arithmetic, by singular values.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <quipu/core/eigen_decompositions.hpp>
#include <quipu/core/error.hpp>
#include <quipu/io/model_config.hpp>
#include <quipu/io/tensor_names.hpp>
#include <quipu/linear/site.hpp>
#include <quipu/pet/lora.hpp>
#include <quipu/pet/targets.hpp>
#include <quipu/pet/task_arithmetic.hpp>

namespace quipu::pet {

/// A module and its weight in a combination; weights may be negative.
template <class Scalar>
struct weighted_module {
  const lora::module<Scalar>* module;
  double weight = 1;
};

namespace detail {

/// One layer of a combination: B (d_out, rank) A (rank, d_in), scale 1.
struct combined_target {
  std::string name;
  std::size_t layer = 0;
  projection_site site{};
  task_tensor a, b;
};

template <class Scalar>
[[nodiscard]] task_tensor widened(const Scalar* values, std::size_t rows, std::size_t cols) {
  return as_eigen(matrix_view<const Scalar>(values, rows, cols)).template cast<double>();
}

/// Calls f(target, parts that have it, their weights, number of the target).
template <class Scalar, class F>
[[nodiscard]] std::vector<combined_target> for_each_combined(const io::model_config& c,
                                                             std::span<const weighted_module<Scalar>> parts, F&& f) {
  using target = typename lora::module<Scalar>::target;
  std::vector<combined_target> all;
  for (std::size_t layer = 0; layer < c.n_layer; ++layer) {
    for (const projection_site site : linear::projection_sites) {
      std::vector<const target*> having;
      std::vector<double> weights;
      for (const weighted_module<Scalar>& part : parts) {
        if (!part.module->touches(site, layer)) continue;
        having.push_back(&part.module->at(layer, site));
        weights.push_back(part.weight);
      }
      if (having.empty()) continue;
      all.push_back({having[0]->name, layer, site, {}, {}});
      f(all.back(), having, weights, all.size() - 1);
    }
  }
  return all;
}

/// A module that has exactly these targets and values.
template <class Scalar>
[[nodiscard]] lora::module<Scalar> build_lora(const io::model_config& c, const std::vector<combined_target>& targets) {
  if (targets.empty()) fail<config_error>("combine: parts", "at least one module", "none");
  lora policy{.rank = static_cast<std::size_t>(targets[0].a.rows())};
  policy.alpha = static_cast<double>(policy.rank);
  std::vector<std::string> names;
  for (const combined_target& t : targets) {
    names.push_back(t.name);
    if (static_cast<std::size_t>(t.a.rows()) == policy.rank) continue;
    policy.rank_pattern.push_back({exact_pattern(t.name), static_cast<double>(t.a.rows())});
    policy.alpha_pattern.push_back(policy.rank_pattern.back());  // so that the scale is 1
  }
  policy.targets = optim::name_pattern::suffixes(std::move(names));
  lora::module<Scalar> made(policy, c, 0);
  for (const combined_target& t : targets) {
    const auto& to = made.at(t.layer, t.site);
    std::transform(t.a.data(), t.a.data() + t.a.size(), to.a, [](double x) { return static_cast<Scalar>(x); });
    std::transform(t.b.data(), t.b.data() + t.b.size(), to.b, [](double x) { return static_cast<Scalar>(x); });
  }
  return made;
}

template <class Scalar>
void check_parts(std::span<const weighted_module<Scalar>> parts, const arithmetic_options& options) {
  if (parts.empty()) fail<config_error>("combine: parts", "at least one module", "none");
  if (!(options.density > 0 && options.density <= 1))
    fail<config_error>("combine: density", "over 0 up to 1", options.density);
  for (const auto& part : parts) {
    if (!std::isfinite(part.weight)) fail<config_error>("combine: weight", "a finite number", part.weight);
  }
}

/// The best factors of rank `rank` of m: B = U S, A = V^T. A template so that only those who combine pay for
/// compiling the decomposition, which takes longer than all the rest of the library.
template <class Matrix>
void factor(const Matrix& m, std::size_t rank, combined_target& into) {
  const Eigen::BDCSVD<Eigen::Matrix<typename Matrix::Scalar, Eigen::Dynamic, Eigen::Dynamic>> svd(
      m, Eigen::ComputeThinU | Eigen::ComputeThinV);
  const auto r = static_cast<Eigen::Index>(rank);
  into.b = svd.matrixU().leftCols(r) * svd.singularValues().head(r).asDiagonal();
  into.a = svd.matrixV().leftCols(r).transpose();
}

}  // namespace detail

/// The exact sum of weight * scale B A over the parts: ranks add up.
/// @throws config_error  no parts, ranks beyond a matrix
template <class Scalar>
[[nodiscard]] lora::module<Scalar> concatenate(const io::model_config& c,
                                               std::span<const weighted_module<Scalar>> parts) {
  detail::check_parts<Scalar>(parts, {});
  return detail::build_lora<Scalar>(
      c, detail::for_each_combined<Scalar>(c, parts, [](auto& t, const auto& having, const auto& weights, std::size_t) {
        Eigen::Index rank = 0, used = 0;
        for (const auto* h : having) rank += static_cast<Eigen::Index>(h->rank);
        t.a.resize(rank, static_cast<Eigen::Index>(having[0]->d_in));
        t.b.resize(static_cast<Eigen::Index>(having[0]->d_out), rank);
        for (std::size_t i = 0; i < having.size(); ++i) {
          const auto& h = *having[i];
          const auto r = static_cast<Eigen::Index>(h.rank);
          t.a.middleRows(used, r) = weights[i] * static_cast<double>(h.scale) * detail::widened(h.a, h.rank, h.d_in);
          t.b.middleCols(used, r) = detail::widened(h.b, h.d_out, h.rank);
          used += r;
        }
      }));
}

/// Combines the factors A and B apart, each weighted by the root of weight * scale. Cheap, and only an
/// approximation of the combined products, since B_1 A_2 and its like come in.
/// @throws config_error  no parts, a density outside 0 .. 1, parts whose ranks differ at a target
template <class Scalar>
[[nodiscard]] lora::module<Scalar> combine_factors(const io::model_config& c,
                                                   std::span<const weighted_module<Scalar>> parts,
                                                   const arithmetic_options& options = {}) {
  detail::check_parts<Scalar>(parts, options);
  return detail::build_lora<Scalar>(
      c, detail::for_each_combined<Scalar>(
             c, parts, [&](auto& t, const auto& having, const auto& weights, std::size_t number) {
               std::vector<task_tensor> a, b;
               std::vector<double> of_a, of_b;
               for (std::size_t i = 0; i < having.size(); ++i) {
                 const auto& h = *having[i];
                 if (h.rank != having[0]->rank)
                   fail<config_error>(concat("combine_factors: rank of ", h.name),
                                      concat(having[0]->rank, ", the first part's"), h.rank);
                 const double factor = weights[i] * static_cast<double>(h.scale);
                 of_a.push_back(std::copysign(std::sqrt(std::abs(factor)), factor));  // a sign in both would cancel
                 of_b.push_back(std::sqrt(std::abs(factor)));
                 a.push_back(detail::widened(h.a, h.rank, h.d_in));
                 b.push_back(detail::widened(h.b, h.d_out, h.rank));
               }
               t.a = combine_tensors(std::move(a), of_a, options, 2 * number);
               t.b = combine_tensors(std::move(b), of_b, options, 2 * number + 1);
             }));
}

/// Combines the products scale B A and factors the result by its largest singular values.
///
/// @param rank  of the result; 0 means the largest of the parts'
/// @throws config_error  no parts, a density outside 0 .. 1
template <class Scalar>
[[nodiscard]] lora::module<Scalar> combine_products(const io::model_config& c,
                                                    std::span<const weighted_module<Scalar>> parts,
                                                    const arithmetic_options& options = {}, std::size_t rank = 0) {
  detail::check_parts<Scalar>(parts, options);
  return detail::build_lora<Scalar>(
      c, detail::for_each_combined<Scalar>(
             c, parts, [&](auto& t, const auto& having, const auto& weights, std::size_t number) {
               std::size_t wanted = rank;
               for (std::size_t i = 0; rank == 0 && i < having.size(); ++i) wanted = std::max(wanted, having[i]->rank);
               wanted = std::min({wanted, having[0]->d_out, having[0]->d_in});
               std::vector<task_tensor> products;
               for (const auto* h : having) {
                 products.push_back(static_cast<double>(h->scale) * detail::widened(h->b, h->d_out, h->rank) *
                                    detail::widened(h->a, h->rank, h->d_in));
               }
               detail::factor(combine_tensors(std::move(products), weights, options, number), wanted, t);
             }));
}

}  // namespace quipu::pet
