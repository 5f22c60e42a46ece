#include <quipu/ffn/dense.hpp>

#include <cmath>
#include <cstddef>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/activation/as_stated.hpp>

#include "support/random_weights.hpp"

namespace quipu_dense_test {

namespace activation = quipu::activation;
namespace ffn = quipu::ffn;
namespace linear = quipu::linear;
using quipu::matrix_view;

namespace {

constexpr std::size_t d_model = 9, d_ffn = 21, n_row = 5;

const auto random_values = quipu::test::random_values<double>;

/// An FFN in double with biases, its gradients, and a forward pass that keeps what the backward pass reads.
template <class Activation>
struct problem {
  using kernel_type = ffn::dense<Activation>;
  std::vector<double> gate = random_values(d_ffn * d_model, 1), up = random_values(d_ffn * d_model, 2),
                      down = random_values(d_model * d_ffn, 3), gate_bias = random_values(d_ffn, 4),
                      up_bias = random_values(d_ffn, 5), down_bias = random_values(d_model, 6),
                      x = random_values(n_row * d_model, 7), dy = random_values(n_row * d_model, 8);
  std::vector<double> gate_rows = std::vector<double>(n_row * d_ffn), up_rows = gate_rows, hidden_rows = gate_rows;
  kernel_type kernel;
  linear::workspace ws{quipu::thread_team(2)};

  [[nodiscard]] ffn::ffn_weights<double> weights() const {
    return {linear::store_plain(gate.data(), d_ffn, d_model), linear::store_plain(up.data(), d_ffn, d_model),
            linear::store_plain(down.data(), d_model, d_ffn), gate_bias.data(), up_bias.data(), down_bias.data()};
  }
  template <class Observer>
  std::vector<double> forward(Observer&& observer) {
    std::vector<double> y(n_row * d_model, 1.0);
    linear::projector<double> projector(ws, linear::activation_rounding::none);
    kernel.forward({}, weights(), ws, projector, matrix_view<const double>(x.data(), n_row, d_model),
                   ffn::ffn_buffers<double>{{gate_rows.data(), n_row, d_ffn},
                                            {up_rows.data(), n_row, d_ffn},
                                            {hidden_rows.data(), n_row, d_ffn}},
                   matrix_view<double>(y.data(), n_row, d_model), observer);
    return y;
  }
  /// <dy, y>
  double loss() {
    const auto y = forward(ffn::no_observer{});
    double sum = 0;
    for (std::size_t i = 0; i < y.size(); ++i) sum += dy[i] * y[i];
    return sum;
  }
};

// From the equation, number by number.
template <class Activation>
std::vector<double> reference(const problem<Activation>& p) {
  std::vector<double> y(n_row * d_model, 1.0);
  for (std::size_t t = 0; t < n_row; ++t) {
    for (std::size_t j = 0; j < d_model; ++j) y[t * d_model + j] += p.down_bias[j];
    for (std::size_t i = 0; i < d_ffn; ++i) {
      double g = p.gate_bias[i], u = p.up_bias[i];
      for (std::size_t k = 0; k < d_model; ++k) {
        g += p.gate[i * d_model + k] * p.x[t * d_model + k];
        u += p.up[i * d_model + k] * p.x[t * d_model + k];
      }
      for (std::size_t j = 0; j < d_model; ++j)
        y[t * d_model + j] += p.down[j * d_ffn + i] * p.kernel.activation(g) * activation::up_of(p.kernel.activation, u);
    }
  }
  return y;
}

template <class Activation>
void check_activation(const Activation& f) {
  INFO(Activation::name);
  problem<Activation> p;
  p.kernel.activation = f;
  const auto y = p.forward(ffn::no_observer{}), expected = reference(p);
  for (std::size_t i = 0; i < y.size(); ++i) CHECK(y[i] == Approx(expected[i]).epsilon(1e-12).margin(1e-12));

  static_cast<void>(p.loss());  // the record
  std::vector<double> d_gate(p.gate.size()), d_up(p.up.size()), d_down(p.down.size()), d_gate_bias(d_ffn),
      d_up_bias(d_ffn), d_down_bias(d_model), dx(p.x.size(), 99.0), dy = p.dy;
  linear::multiplier<double> multiply(p.ws);
  ffn::backward_workspace<double> back(multiply);
  p.kernel.backward({}, p.weights(), back,
                    ffn::ffn_record<double>{{p.x.data(), n_row, d_model},
                                            {p.gate_rows.data(), n_row, d_ffn},
                                            {p.up_rows.data(), n_row, d_ffn}},
                    {d_gate.data(), d_up.data(), d_down.data(), d_gate_bias.data(), d_up_bias.data(),
                     d_down_bias.data()},
                    matrix_view<double>(dy.data(), n_row, d_model), matrix_view<double>(dx.data(), n_row, d_model),
                    ffn::no_backward_observer{});
  const auto compare = [&](std::vector<double>& values, const std::vector<double>& gradient) {
    for (std::size_t i = 0; i < values.size(); i += 4) {
      const double kept = values[i];
      values[i] = kept + 1e-6;
      const double above = p.loss();
      values[i] = kept - 1e-6;
      const double below = p.loss();
      values[i] = kept;
      CHECK(gradient[i] == Approx((above - below) / 2e-6).epsilon(1e-5).margin(1e-5));
    }
  };
  compare(p.gate, d_gate);
  compare(p.up, d_up);
  compare(p.down, d_down);
  compare(p.gate_bias, d_gate_bias);
  compare(p.up_bias, d_up_bias);
  compare(p.down_bias, d_down_bias);
  compare(p.x, dx);
}

/// Changes what it is shown, as modules do.
struct meddler {
  int calls = 0;
  template <class In, class Out>
  void gate(const In&, const Out& out) {
    CHECK(calls++ == 0);
    out(0, 0) = 2;
  }
  template <class In, class Out>
  void up(const In&, const Out& out) {
    CHECK(calls++ == 1);
    out(0, 0) = 3;
  }
  template <class Hidden>
  void hidden(const Hidden& h) {
    CHECK(calls++ == 2);
    CHECK(h(0, 0) == 6);
    h(0, 0) = 0;
  }
  template <class In, class Out>
  void down(const In& h, const Out&) {
    CHECK(calls++ == 3);
    CHECK(h(0, 0) == 0);
  }
};

}  // namespace

TEST_CASE("the dense FFN is its equation, and its gradients are differences", "[ffn][dense]") {
  check_activation(activation::silu{});
  check_activation(activation::relu{});
  check_activation(activation::fat_relu{0.1});
  check_activation(activation::gelu{});
  check_activation(activation::gelu_tanh{});
  check_activation(activation::shifted_relu{0.1});
  check_activation(activation::relu_squared{});
  check_activation(activation::drelu{});
}

TEST_CASE("an activation known at run time gives the bits of its own type", "[ffn][dense]") {
  const auto same = []<class A>(const A& f) {
    problem<A> own;
    problem<activation::as_stated> tagged;
    own.kernel.activation = f;
    tagged.kernel.activation.held = f;
    CHECK(own.forward(ffn::no_observer{}) == tagged.forward(ffn::no_observer{}));
  };
  same(activation::silu{});
  same(activation::relu{});
  same(activation::fat_relu{0.1});
  same(activation::gelu{});
  same(activation::gelu_tanh{});
  same(activation::shifted_relu{0.1});
  same(activation::relu_squared{});
  same(activation::drelu{});
}

TEST_CASE("observers see each step in order and may change it", "[ffn][dense]") {
  problem<activation::relu> p;
  meddler observer;
  const auto y = p.forward(observer);
  CHECK(observer.calls == 4);
  CHECK(p.hidden_rows[0] == 0);
}

}  // namespace quipu_dense_test
