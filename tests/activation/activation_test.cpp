#include <quipu/activation/activation.hpp>

#include <cmath>
#include <limits>
#include <string>

#include <catch2/catch.hpp>

namespace activation = quipu::activation;

namespace {

template <class A>
void check_derivative(const A& a, double skip = 1e9) {
  for (double x = -6; x <= 6; x += 0.37) {
    if (std::abs(x - skip) < 1e-3) continue;
    const double slope = (a(x + 1e-6) - a(x - 1e-6)) / 2e-6;
    INFO(A::name << " at " << x);
    CHECK(a.derivative(x) == Approx(slope).margin(1e-7));
  }
}

}  // namespace

TEST_CASE("derivatives are central differences", "[activation][activation]") {
  check_derivative(activation::silu{});
  check_derivative(activation::relu{});
  check_derivative(activation::fat_relu{0.5});
  check_derivative(activation::gelu{});
  check_derivative(activation::gelu_tanh{});
  check_derivative(activation::shifted_relu{0.5});
  check_derivative(activation::relu_squared{});
  check_derivative(activation::drelu{});
  for (double u = -2; u <= 2; u += 0.37) {
    const activation::drelu f;
    CHECK(f.up_derivative(u) == Approx((f.up(u + 1e-6) - f.up(u - 1e-6)) / 2e-6).margin(1e-7));
  }
}

TEST_CASE("values at known points", "[activation][activation]") {
  // torch.nn.functional in float64
  CHECK(activation::silu{}(1.0) == Approx(0.7310585786300049).epsilon(1e-14));
  CHECK(activation::gelu{}(1.0) == Approx(0.8413447460685429).epsilon(1e-14));
  CHECK(activation::gelu_tanh{}(1.0) == Approx(0.8411919906082768).epsilon(1e-14));
  CHECK(activation::fat_relu{0.5}(0.5) == 0.5);
  CHECK(activation::fat_relu{0.5}(0.4999) == 0);
  CHECK(activation::relu{}(-1.0f) == 0.0f);
  CHECK(activation::shifted_relu{0.5}(0.75) == 0.25);
  CHECK(activation::shifted_relu{0.5}(0.5) == 0);
  CHECK(activation::relu_squared{}(3.0) == 9.0);
  CHECK(activation::relu_squared{}(-3.0) == 0);
  CHECK(activation::drelu{}.up(-3.0f) == 0.0f);
  CHECK(activation::up_of(activation::drelu{}, -3.0) == 0);
  CHECK(activation::up_of(activation::relu{}, -3.0) == -3.0);
}

TEST_CASE("activations that skip neurons let NaN through and are 0 where their threshold says so", "[activation][activation]") {
  const auto check = [](const auto& f) {
    const auto nan = std::numeric_limits<float>::quiet_NaN();
    CHECK(std::isnan(f(nan)));
    for (float x = -2; x < 2; x += 0.0625f) {
      if (x < static_cast<float>(f.threshold_value()) || x <= 0) CHECK(f(x) == 0);
    }
  };
  check(activation::relu{});
  check(activation::fat_relu{0.5});
  check(activation::shifted_relu{0.5});
  check(activation::relu_squared{});
  check(activation::drelu{});
  CHECK(std::isnan(activation::drelu{}.up(std::numeric_limits<float>::quiet_NaN())));
}

TEST_CASE("names of checkpoints find their activation", "[activation][activation]") {
  CHECK(activation::computes<activation::silu>("swish"));
  CHECK(activation::computes<activation::gelu_tanh>("gelu_new"));
  CHECK(activation::computes<activation::fat_relu>("relu"));  // a shift of 0
  CHECK_FALSE(activation::computes<activation::relu>("fatrelu"));
  CHECK_FALSE(activation::computes<activation::silu>("gelu"));
}
