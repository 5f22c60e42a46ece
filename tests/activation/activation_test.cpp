#include <quipu/activation/activation.hpp>

#include <cmath>
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
}

TEST_CASE("values at known points", "[activation][activation]") {
  // torch.nn.functional in float64
  CHECK(activation::silu{}(1.0) == Approx(0.7310585786300049).epsilon(1e-14));
  CHECK(activation::gelu{}(1.0) == Approx(0.8413447460685429).epsilon(1e-14));
  CHECK(activation::gelu_tanh{}(1.0) == Approx(0.8411919906082768).epsilon(1e-14));
  CHECK(activation::fat_relu{0.5}(0.5) == 0.5);
  CHECK(activation::fat_relu{0.5}(0.4999) == 0);
  CHECK(activation::relu{}(-1.0f) == 0.0f);
}

TEST_CASE("names of checkpoints find their activation", "[activation][activation]") {
  CHECK(activation::computes<activation::silu>("swish"));
  CHECK(activation::computes<activation::gelu_tanh>("gelu_new"));
  CHECK(activation::computes<activation::fat_relu>("relu"));  // a shift of 0
  CHECK_FALSE(activation::computes<activation::relu>("fatrelu"));
  CHECK_FALSE(activation::computes<activation::silu>("gelu"));
}
