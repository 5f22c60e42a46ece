// Projected gradients and subspaces of modules against brute force.
#include <quipu/conpet/losses/gradient_projection.hpp>
#include <quipu/conpet/losses/orthogonal_lora.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/core/eigen.hpp>
#include <quipu/core/eigen_decompositions.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/matrix_view.hpp>
#include <quipu/core/random.hpp>

namespace quipu_conpet_subspaces_test {

namespace conpet = quipu::conpet;
using rows = conpet::double_rows;
using vector = quipu::eigen_vector<double>;

rows random_rows(Eigen::Index n, Eigen::Index d, std::uint64_t seed) {
  quipu::random_stream random(seed);
  rows m(n, d);
  for (Eigen::Index i = 0; i < m.size(); ++i) m.data()[i] = random.normal();
  return m;
}
quipu::matrix_view<const double> view(const rows& m) { return {m.data(), static_cast<std::size_t>(m.rows()), static_cast<std::size_t>(m.cols())}; }
std::span<double> span_of(vector& v) { return {v.data(), static_cast<std::size_t>(v.size())}; }

// The best v over all sets of variables that stand on their bound.
vector best_by_sets(const rows& q, const vector& p, double least) {
  const Eigen::Index n = p.size();
  double lowest = std::numeric_limits<double>::infinity();
  vector best;
  for (unsigned bound = 0; bound < (1u << n); ++bound) {
    std::vector<Eigen::Index> free;
    vector v = vector::Constant(n, least);
    for (Eigen::Index i = 0; i < n; ++i) {
      if ((bound >> i & 1u) == 0) free.push_back(i);
    }
    if (!free.empty()) {
      const vector right = -(p + q * v);
      const vector more = rows(q(free, free)).fullPivHouseholderQr().solve(vector(right(free)));
      for (std::size_t i = 0; i < free.size(); ++i) v[free[i]] += more[static_cast<Eigen::Index>(i)];
    }
    if (v.minCoeff() < least - 1e-12) continue;
    const double value = 0.5 * v.dot(q * v) + p.dot(v);
    if (value < lowest) lowest = value, best = v;
  }
  return best;
}

TEST_CASE("GEM's dual is solved as by a search over all active sets", "[conpet][subspaces]") {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const Eigen::Index n = 1 + static_cast<Eigen::Index>(seed % 6);
    const rows m = random_rows(n, 9, 2 * seed);
    const rows q = m * m.transpose() + 1e-3 * rows::Identity(n, n);
    const vector p = random_rows(n, 1, 2 * seed + 1).col(0) * 3;
    for (const double least : {0.0, 0.5}) {
      const vector found = conpet::least_above(q, p, least);
      CHECK((found - best_by_sets(q, p, least)).cwiseAbs().maxCoeff() < 1e-8);
    }
  }
}

TEST_CASE("a projected gradient is against no earlier task, and is the closest such one", "[conpet][subspaces]") {
  std::size_t n_changed = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const rows earlier = random_rows(1 + static_cast<Eigen::Index>(seed % 4), 12, seed);
    const vector before = random_rows(12, 1, 100 + seed).col(0);
    vector g = before;
    const bool changed = conpet::project_gem<double>(span_of(g), view(earlier), 0, 0);
    n_changed += changed ? 1 : 0;
    CHECK(changed == ((earlier * before).minCoeff() < 0));
    CHECK((earlier * g).minCoeff() > -1e-9);
    if (!changed) CHECK(g == before);
    // No feasible point near it is closer to what it was.
    quipu::random_stream random(seed);
    for (int i = 0; i < 200; ++i) {
      vector other = g;
      for (Eigen::Index k = 0; k < other.size(); ++k) other[k] += 0.05 * random.normal();
      if ((earlier * other).minCoeff() >= 0) CHECK((other - before).norm() > (g - before).norm() - 1e-9);
    }
    if (earlier.rows() != 1) continue;
    vector a = before;
    const vector reference = earlier.row(0).transpose();
    CHECK(conpet::project_a_gem<double>(span_of(a), {reference.data(), 12}) == changed);
    CHECK((a - g).cwiseAbs().maxCoeff() < 1e-9);  // of one task both are the same
  }
  CHECK(n_changed > 10);
  vector g = vector::Ones(3);
  CHECK_THROWS_AS(conpet::project_gem<double>(span_of(g), view(rows::Ones(2, 4))), quipu::config_error);
  CHECK_THROWS_AS(conpet::project_gem<double>(span_of(g), view(rows::Ones(2, 3)), -1), quipu::config_error);
}

TEST_CASE("the overlap of modules, its gradient, and none for rows at right angles", "[conpet][subspaces]") {
  const rows earlier = random_rows(3, 7, 2);
  rows now = random_rows(2, 7, 1);
  for (const auto norm : {conpet::overlap_norm::square, conpet::overlap_norm::size}) {
    rows d = rows::Zero(2, 7);
    const double loss = conpet::overlap_loss<double>(view(now), view(earlier), 0.5, {d.data(), 2, 7}, norm);
    double by_hand = 0;
    for (Eigen::Index i = 0; i < 2; ++i) {
      for (Eigen::Index j = 0; j < 3; ++j) {
        const double product = now.row(i).dot(earlier.row(j));
        by_hand += 0.5 * (norm == conpet::overlap_norm::square ? product * product : std::abs(product));
      }
    }
    CHECK(loss == Approx(by_hand));
    for (Eigen::Index i = 0; i < now.size(); ++i) {
      const double v = now.data()[i], step = 1e-6;
      rows unused = rows::Zero(2, 7);
      now.data()[i] = v + step;
      const double above = conpet::overlap_loss<double>(view(now), view(earlier), 0.5, {unused.data(), 2, 7}, norm);
      now.data()[i] = v - step;
      const double below = conpet::overlap_loss<double>(view(now), view(earlier), 0.5, {unused.data(), 2, 7}, norm);
      now.data()[i] = v;
      CHECK(d.data()[i] == Approx((above - below) / (2 * step)).margin(1e-7));
    }
  }
  rows apart = rows::Zero(1, 7), other = rows::Zero(1, 7), d = rows::Zero(1, 7);
  apart(0, 0) = 2;
  other(0, 3) = 5;
  CHECK(conpet::overlap_loss<double>(view(apart), view(other), 1, {d.data(), 1, 7}) == 0);
}

TEST_CASE("Arrow's prototype is the first right singular vector of B A", "[conpet][subspaces]") {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const rows a = random_rows(4, 20, seed), b = random_rows(15, 4, 50 + seed);
    const vector v = conpet::arrow_prototype<double>(view(a), view(b));
    CHECK(v.norm() == Approx(1));
    const Eigen::JacobiSVD<Eigen::MatrixXd> svd(Eigen::MatrixXd(b * a), Eigen::ComputeThinV);
    CHECK(std::abs(v.dot(svd.matrixV().col(0))) == Approx(1).epsilon(1e-9));
  }
  CHECK_THROWS_AS(conpet::arrow_prototype<double>(view(rows::Ones(3, 5)), view(rows::Ones(5, 4))), quipu::config_error);
}

}  // namespace quipu_conpet_subspaces_test
