#include <quipu/optim/updater.hpp>

#include <cmath>
#include <functional>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/core/random.hpp>
#include <quipu/optim/adafactor.hpp>

namespace optim = quipu::optim;

namespace {

template <class Scalar>
struct tensors {
  std::vector<std::vector<Scalar>> values, gradients;
  optim::parameter_set<Scalar> set;

  explicit tensors(const std::vector<std::vector<std::size_t>>& shapes) {
    std::uint64_t stream = 0;
    for (const auto& shape : shapes) {
      optim::parameter<Scalar> p{"tensor" + std::to_string(stream), shape};
      quipu::random_stream random(1, stream++);
      values.emplace_back(p.size());
      gradients.emplace_back(p.size());
      for (Scalar& x : values.back()) x = static_cast<Scalar>(random.normal());
      set.push_back(p);
    }
    for (std::size_t i = 0; i < set.size(); ++i) {
      set[i].value = values[i].data();
      set[i].gradient = gradients[i].data();
    }
  }
  void draw_gradients(std::size_t step) {
    for (std::size_t i = 0; i < gradients.size(); ++i) {
      quipu::random_stream random(2 + step, i);
      for (Scalar& g : gradients[i]) g = static_cast<Scalar>(random.normal() * 0.1);
    }
  }
};

/// One value's rule, written from the paper: (value, gradient, moments, step from 1) -> new value.
using rule = std::function<double(double, double, double*, double)>;

template <class Scalar, class Optimizer>
void check_rule(const Optimizer& policy, const rule& reference, double tolerance) {
  for (const auto set : {quipu::instruction_set::portable, quipu::instruction_set::avx2}) {
    if (!quipu::has_instruction_set(set)) continue;
    tensors<Scalar> t({{13}, {300, 251}, {1}});
    std::vector<std::vector<double>> expected, moments;
    for (const auto& v : t.values) {
      expected.emplace_back(v.begin(), v.end());
      moments.emplace_back(2 * v.size());
    }
    optim::updater<Optimizer, Scalar> update(policy, t.set, quipu::thread_team(2), {}, set);
    for (std::size_t step = 1; step <= 4; ++step) {
      t.draw_gradients(step);
      for (std::size_t i = 0; i < expected.size(); ++i) {
        for (std::size_t j = 0; j < expected[i].size(); ++j) {
          expected[i][j] = reference(expected[i][j], static_cast<double>(t.gradients[i][j]), &moments[i][2 * j],
                                     static_cast<double>(step));
        }
      }
      update.step();
    }
    double worst = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      for (std::size_t j = 0; j < expected[i].size(); ++j)
        worst = std::max(worst, std::abs(expected[i][j] - static_cast<double>(t.values[i][j])));
    }
    CHECK(worst < tolerance);
  }
}

double sign(double x) { return x > 0 ? 1 : x < 0 ? -1 : 0; }

}  // namespace

TEST_CASE("AdamW, SGD and Lion follow their papers value by value", "[optim]") {
  const optim::adamw a{.learning_rate = 0.01, .weight_decay = 0.1};
  const rule adamw = [&](double x, double g, double* m, double t) {
    m[0] = a.beta1 * m[0] + (1 - a.beta1) * g;
    m[1] = a.beta2 * m[1] + (1 - a.beta2) * g * g;
    const double mean = m[0] / (1 - std::pow(a.beta1, t)), square = m[1] / (1 - std::pow(a.beta2, t));
    return x - a.learning_rate * a.weight_decay * x - a.learning_rate * mean / (std::sqrt(square) + a.eps);
  };
  check_rule<double>(a, adamw, 1e-14);
  check_rule<float>(a, adamw, 2e-5);
  for (const bool nesterov : {false, true}) {
    const optim::sgd s{.learning_rate = 0.1, .momentum = 0.8, .nesterov = nesterov, .weight_decay = 0.05};
    const rule sgd = [&](double x, double g, double* m, double) {
      g += s.weight_decay * x;
      m[0] = s.momentum * m[0] + g;
      return x - s.learning_rate * (nesterov ? g + s.momentum * m[0] : m[0]);
    };
    check_rule<double>(s, sgd, 1e-14);
    check_rule<float>(s, sgd, 1e-5);
  }
  const optim::lion l{.learning_rate = 0.02, .weight_decay = 0.1};
  const rule lion = [&](double x, double g, double* m, double) {
    const double direction = l.beta1 * m[0] + (1 - l.beta1) * g;
    m[0] = l.beta2 * m[0] + (1 - l.beta2) * g;
    return x * (1 - l.learning_rate * l.weight_decay) - l.learning_rate * sign(direction);
  };
  check_rule<double>(l, lion, 1e-14);
}

TEST_CASE("Adafactor follows its paper on matrices and vectors", "[optim]") {
  const optim::adafactor a{.learning_rate = 0.05, .weight_decay = 0.1};
  tensors<double> t({{7, 5}, {9}});
  auto expected = t.values;
  std::vector<double> row(7), column(5), square(9);
  optim::updater<optim::adafactor, double> update(a, t.set, quipu::thread_team(2));
  for (std::size_t step = 1; step <= 5; ++step) {
    t.draw_gradients(step);
    const double fresh = std::pow(static_cast<double>(step), a.decay),
                 rho = std::min(a.learning_rate, 1 / std::sqrt(static_cast<double>(step)));
    for (std::size_t which = 0; which < 2; ++which) {
      const auto& g = t.gradients[which];
      auto& x = expected[which];
      std::vector<double> variance(g.size());
      if (which == 0) {
        double mean = 0;
        for (std::size_t r = 0; r < 7; ++r) {
          double sum = 0;
          for (std::size_t c = 0; c < 5; ++c) sum += g[r * 5 + c] * g[r * 5 + c];
          row[r] = (1 - fresh) * row[r] + fresh * sum / 5;
          mean += row[r] / 7;
        }
        for (std::size_t c = 0; c < 5; ++c) {
          double sum = 0;
          for (std::size_t r = 0; r < 7; ++r) sum += g[r * 5 + c] * g[r * 5 + c];
          column[c] = (1 - fresh) * column[c] + fresh * sum / 7;
        }
        for (std::size_t i = 0; i < 35; ++i) variance[i] = row[i / 5] * column[i % 5] / mean;
      } else {
        for (std::size_t i = 0; i < 9; ++i) variance[i] = square[i] = (1 - fresh) * square[i] + fresh * g[i] * g[i];
      }
      double value_square = 0, update_square = 0;
      for (std::size_t i = 0; i < x.size(); ++i) {
        value_square += x[i] * x[i];
        update_square += g[i] * g[i] / variance[i];
      }
      const auto n = static_cast<double>(x.size());
      const double step_size =
          std::max(a.eps2, std::sqrt(value_square / n)) * rho / std::max(1.0, std::sqrt(update_square / n) / a.clip);
      for (std::size_t i = 0; i < x.size(); ++i)
        x[i] = x[i] * (1 - a.learning_rate * a.weight_decay) - step_size * g[i] / std::sqrt(variance[i]);
    }
    update.step();
  }
  for (std::size_t which = 0; which < 2; ++which) {
    for (std::size_t i = 0; i < expected[which].size(); ++i)
      CHECK(t.values[which][i] == Approx(expected[which][i]).epsilon(1e-11));
  }
  CHECK(update.n_state_byte() == (7 + 5 + 9) * sizeof(double));
}

TEST_CASE("groups change rate and decay of the tensors that they name", "[optim]") {
  tensors<double> t({{4}, {4}, {4}});
  for (auto& v : t.values) v.assign(4, 1.0);
  for (auto& g : t.gradients) g.assign(4, 1.0);
  std::vector<optim::parameter_group> groups = {{optim::name_pattern::suffixes({"tensor1"}), 0.5, {}},
                                                {optim::name_pattern::regex("tensor[12]"), 1.0, 0.0}};
  optim::updater<optim::sgd, double> update({.learning_rate = 0.1, .momentum = 0, .weight_decay = 1}, t.set,
                                            quipu::thread_team(1), groups);
  update.step();
  CHECK(t.values[0][0] == Approx(1 - 0.1 * 2));
  CHECK(t.values[1][0] == Approx(1 - 0.05 * 2));
  CHECK(t.values[2][0] == Approx(1 - 0.1 * 1));
}

TEST_CASE("clipping scales all gradients to the norm that is allowed", "[optim]") {
  tensors<float> t({{70000}, {3}});
  t.draw_gradients(1);
  optim::updater<optim::sgd, float> one({.learning_rate = 1, .momentum = 0}, t.set, quipu::thread_team(1));
  optim::updater<optim::sgd, float> three({.learning_rate = 1, .momentum = 0}, t.set, quipu::thread_team(3));
  double square = 0;
  for (const auto& g : t.gradients) {
    for (const float x : g) square += static_cast<double>(x) * static_cast<double>(x);
  }
  const double norm = one.gradient_norm();
  CHECK(norm == Approx(std::sqrt(square)).epsilon(1e-6));
  CHECK(norm == three.gradient_norm());
  const float before = t.values[1][0];
  one.step(1, 0.5, norm);
  CHECK(before - t.values[1][0] == Approx(t.gradients[1][0] * 0.5 / norm).epsilon(1e-3));
  CHECK(one.broken_gradient() == nullptr);
  t.gradients[1][1] = std::nanf("");
  CHECK(one.broken_gradient()->name == "tensor1");
  CHECK_FALSE(std::isfinite(one.gradient_norm()));
}

TEST_CASE("8-bit moments need a quarter of the memory and move the values nearly the same way", "[optim]") {
  tensors<float> full({{500, 64}}), small({{500, 64}});
  optim::updater<optim::adamw, float> a({.learning_rate = 0.01}, full.set, quipu::thread_team(2));
  optim::updater<optim::adamw, float> b({.learning_rate = 0.01, .storage = optim::moment_storage::bits8}, small.set,
                                        quipu::thread_team(2));
  CHECK(b.n_state_byte() * 39 < a.n_state_byte() * 10);
  const std::vector<float> start = full.values[0];
  for (std::size_t step = 1; step <= 20; ++step) {
    full.draw_gradients(step);
    small.draw_gradients(step);
    a.step();
    b.step();
  }
  double moved = 0, apart = 0;
  for (std::size_t i = 0; i < start.size(); ++i) {
    moved += std::pow(static_cast<double>(full.values[0][i] - start[i]), 2);
    apart += std::pow(static_cast<double>(full.values[0][i] - small.values[0][i]), 2);
  }
  CHECK(std::sqrt(apart / moved) < 0.03);
}
