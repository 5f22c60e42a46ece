#include <quipu/statistics/class_moments.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/core/eigen_decompositions.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/random.hpp>

using namespace quipu;
using statistics::class_moments;

namespace {

struct labelled_cloud {
  std::size_t n_feature, n_class;
  std::vector<float> x;
  std::vector<std::size_t> labels;

  labelled_cloud(std::size_t n, std::size_t features, std::size_t classes, std::uint64_t seed) : n_feature(features), n_class(classes) {
    random_stream random(seed);
    for (std::size_t i = 0; i < n; ++i) {
      labels.push_back(i % classes);
      const double common = random.normal();  // features that go together: a covariance with something to undo
      for (std::size_t f = 0; f < features; ++f)
        x.push_back(static_cast<float>(random.normal() + 2 * common + (f % classes == labels.back() ? 1.5 : 0)));
    }
  }
  [[nodiscard]] matrix_view<const float> rows() const { return {x.data(), labels.size(), n_feature}; }
  [[nodiscard]] double accuracy(const statistics::linear_scores& s) const {
    std::vector<double> scores(s.n_class());
    std::size_t right = 0;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      s.score(rows().row_span(i), scores);
      right += static_cast<std::size_t>(std::max_element(scores.begin(), scores.end()) - scores.begin()) == labels[i] ? 1 : 0;
    }
    return static_cast<double>(right) / static_cast<double>(labels.size());
  }
};

}  // namespace

TEST_CASE("the discriminant is the textbook's", "[statistics][class_moments]") {
  const labelled_cloud cloud(300, 5, 3, 4);
  class_moments m(5);
  m.grow(3);
  m.add(cloud.rows(), cloud.labels);
  const double ridge = 0.1;
  const auto s = m.discriminant({.ridge = ridge, .priors = true});

  // Directly: means, the mean of (x - mean)(x - mean)^T, its inverse.
  eigen_matrix<double> mean = eigen_matrix<double>::Zero(3, 5), covariance = eigen_matrix<double>::Zero(5, 5);
  const eigen_matrix<double> x = as_eigen(cloud.rows()).cast<double>();
  for (int i = 0; i < 300; ++i) mean.row(static_cast<int>(cloud.labels[static_cast<std::size_t>(i)])) += x.row(i) / 100;
  for (int i = 0; i < 300; ++i) {
    const Eigen::RowVectorXd d = x.row(i) - mean.row(static_cast<int>(cloud.labels[static_cast<std::size_t>(i)]));
    covariance += d.transpose() * d / 300;
  }
  covariance += ridge * covariance.diagonal().mean() * eigen_matrix<double>::Identity(5, 5);
  const eigen_matrix<double> w = mean * Eigen::MatrixXd(covariance).colPivHouseholderQr().inverse();
  for (int c = 0; c < 3; ++c) {
    CHECK(s.bias[static_cast<std::size_t>(c)] == Approx(-0.5 * w.row(c).dot(mean.row(c)) + std::log(1.0 / 3)));
    for (int f = 0; f < 5; ++f) CHECK(s.weights[static_cast<std::size_t>(c * 5 + f)] == Approx(w(c, f)));
  }
  CHECK(cloud.accuracy(s) > cloud.accuracy(m.nearest_means()));
  const auto near = m.nearest_means();
  for (int c = 0; c < 3; ++c) CHECK(near.bias[static_cast<std::size_t>(c)] == Approx(-0.5 * mean.row(c).squaredNorm()));
}

TEST_CASE("tasks in any order, and sums of parts, give the same classifier", "[statistics][class_moments]") {
  const labelled_cloud cloud(240, 6, 4, 9);
  const auto part = [&](std::size_t task, class_moments& to) {  // classes 2 task, 2 task + 1
    std::vector<float> x;
    std::vector<std::size_t> labels;
    for (std::size_t i = 0; i < cloud.labels.size(); ++i) {
      if (cloud.labels[i] / 2 != task) continue;
      labels.push_back(cloud.labels[i]);
      x.insert(x.end(), cloud.rows().row(i), cloud.rows().row(i) + 6);
    }
    to.add({x.data(), labels.size(), 6}, labels);
  };
  class_moments forward(6), backward(6), first(6), second(6);
  for (auto* m : {&forward, &backward, &first, &second}) m->grow(4);
  part(0, forward), part(1, forward), part(1, backward), part(0, backward), part(0, first), part(1, second);
  first.add(second);
  const auto a = forward.discriminant(), b = backward.discriminant(), c = first.discriminant();
  for (std::size_t i = 0; i < a.weights.size(); ++i) {
    CHECK(b.weights[i] == Approx(a.weights[i]).epsilon(1e-10));
    CHECK(c.weights[i] == Approx(a.weights[i]).epsilon(1e-10));
  }
  class_moments read(6);
  read.restore({forward.counts().begin(), forward.counts().end()}, {forward.sums().begin(), forward.sums().end()}, {forward.squares().begin(), forward.squares().end()},
               forward.n_spread());
  const auto d = read.discriminant();
  for (std::size_t i = 0; i < a.weights.size(); ++i) CHECK(d.weights[i] == a.weights[i]);
}

TEST_CASE("a class that is removed leaves the others as they were", "[statistics][class_moments]") {
  const labelled_cloud cloud(200, 4, 4, 2);
  class_moments m(4);
  m.grow(4);
  m.add(cloud.rows(), cloud.labels);
  const auto before = m.discriminant();
  m.remove(1);
  const auto after = m.discriminant();
  REQUIRE(after.n_class() == 3);
  const std::size_t kept[] = {0, 2, 3};
  for (std::size_t c = 0; c < 3; ++c) {
    CHECK(after.bias[c] == Approx(before.bias[kept[c]]));
    for (std::size_t f = 0; f < 4; ++f) CHECK(after.weights[c * 4 + f] == Approx(before.weights[kept[c] * 4 + f]));
  }
}

TEST_CASE("products of Fourier features come near the Gaussian kernel", "[statistics][class_moments]") {
  const labelled_cloud cloud(8, 6, 2, 1);
  const double width = 3;
  const statistics::fourier_features map(6, 20000, width, 7);
  const auto f = map(cloud.rows());
  for (std::size_t i = 0; i < 8; ++i) {
    for (std::size_t j = 0; j < 8; ++j) {
      double square = 0, product = 0;
      for (std::size_t k = 0; k < 6; ++k) square += std::pow(static_cast<double>(cloud.x[i * 6 + k] - cloud.x[j * 6 + k]), 2);
      for (std::size_t k = 0; k < 20000; ++k) product += static_cast<double>(f[i * 20000 + k]) * static_cast<double>(f[j * 20000 + k]);
      CHECK(product == Approx(std::exp(-square / (2 * width * width))).margin(0.03));
    }
  }
}

TEST_CASE("what cannot be a classifier says why", "[statistics][class_moments]") {
  class_moments m(3);
  CHECK_THROWS_WITH(m.discriminant(), Catch::Contains("at least one"));
  m.grow(2);
  const std::vector<float> x{1, 2, 3};
  const std::vector<std::size_t> label{1}, beyond{2};
  CHECK_THROWS_AS(m.add({x.data(), 1, 3}, beyond), shape_error);
  m.add({x.data(), 1, 3}, label);
  CHECK_THROWS_WITH(m.discriminant(), Catch::Contains("some of class 0"));
  m.add({x.data(), 1, 3}, std::vector<std::size_t>{0});
  CHECK_THROWS_AS(m.discriminant(), numeric_error);  // no spread at all
  CHECK_THROWS_AS(m.discriminant({.ridge = -1}), config_error);
  const std::vector<float> broken{1, NAN, 3};
  CHECK_THROWS_AS(m.add({broken.data(), 1, 3}, label), numeric_error);
  CHECK_THROWS_AS(class_moments(0), config_error);
  CHECK_THROWS_AS(statistics::fourier_features(2, 2, 0, 1), config_error);
}
