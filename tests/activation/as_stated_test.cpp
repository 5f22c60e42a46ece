#include <quipu/activation/as_stated.hpp>

#include <string>

#include <catch2/catch.hpp>

namespace activation = quipu::activation;

TEST_CASE("what a checkpoint states is computed", "[activation][as_stated]") {
  const auto check = [](const char* hidden_act, double threshold, const auto& expected) {
    activation::as_stated a;
    a.take_stated(hidden_act, threshold);
    for (const double x : {-2.0, -0.1, 0.0, 0.2, 0.3, 4.0}) {
      INFO(hidden_act << " at " << x);
      CHECK(a(x) == expected(x));
      CHECK(a.derivative(x) == expected.derivative(x));
    }
  };
  check("silu", 0, activation::silu{});
  check("swish", 0, activation::silu{});
  check("relu", 0, activation::relu{});
  check("fatrelu", 0.25, activation::fat_relu{0.25});
  check("gelu", 0, activation::gelu{});
  check("gelu_pytorch_tanh", 0, activation::gelu_tanh{});
  check("shifted_relu", 0.25, activation::shifted_relu{0.25});
  check("relu2", 0, activation::relu_squared{});
  check("drelu", 0, activation::drelu{});
}

TEST_CASE("a value that says which it is keeps it", "[activation][as_stated]") {
  activation::as_stated a{activation::relu{}};
  a.take_stated("silu", 0);
  CHECK(a(-1.0) == 0);
}

TEST_CASE("every name has a type that computes it", "[activation][as_stated]") {
  for (const char* known : {"silu", "swish", "relu", "fatrelu", "gelu", "gelu_pytorch_tanh", "gelu_new", "shifted_relu",
                            "relu2", "relu_squared", "drelu"}) {
    INFO(known);
    CHECK(activation::as_stated::computes(known));
    CHECK(std::string(activation::type_for(known)).starts_with("quipu::activation::"));
  }
  CHECK(activation::type_for("gelu_new") == "quipu::activation::gelu_tanh");
  CHECK_FALSE(activation::as_stated::computes("relu6"));
}
