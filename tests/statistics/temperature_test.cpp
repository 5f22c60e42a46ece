#include <quipu/statistics/temperature.hpp>

#include <cmath>
#include <cstddef>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/core/error.hpp>
#include <quipu/core/random.hpp>

using namespace quipu;

TEST_CASE("the temperature of logits that are too sure is found", "[statistics][temperature]") {
  random_stream random(5);
  for (const double factor : {0.5, 1.0, 3.0}) {
    std::vector<std::vector<float>> logits;
    std::vector<std::size_t> targets;
    for (int i = 0; i < 4000; ++i) {
      std::vector<float> z;
      double sum = 0;
      for (int c = 0; c < 4; ++c) {
        z.push_back(static_cast<float>(1.5 * random.normal()));
        sum += std::exp(static_cast<double>(z.back()));
      }
      double at = sum * random.uniform_double();  // what happens follows the softmax of z
      std::size_t c = 0;
      while (c < 3 && (at -= std::exp(static_cast<double>(z[c]))) >= 0) ++c;
      targets.push_back(c);
      for (float& v : z) v *= static_cast<float>(factor);
      logits.push_back(z);
    }
    CHECK(statistics::fit_temperature(logits, targets) == Approx(factor).epsilon(0.08));
  }
  CHECK(statistics::fit_temperature({}, {}) == 1);
  CHECK_THROWS_AS(statistics::fit_temperature(std::vector<std::vector<float>>{{1, 2}}, std::vector<std::size_t>{2}), shape_error);
  CHECK(statistics::log_sum_exp(std::vector<float>{1000, 1000}, 1) == Approx(1000 + std::log(2.0)));
}
