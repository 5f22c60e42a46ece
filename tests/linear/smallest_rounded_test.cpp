// Values too small for a scale, and those that are not finite, in every loop that rounds to 8 bits.
#include <quipu/linear/smallest_rounded.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/core/isa.hpp>
#include <quipu/linear/kernels.hpp>
#include <quipu/linear/row_kernels.hpp>

namespace quipu_smallest_rounded_test {

namespace linear = quipu::linear;
constexpr float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();

TEST_CASE("rounded to 8 bits: tiny rows become zeros, what is not finite reaches the scale alone", "[linear][smallest_rounded]") {
  for (const quipu::instruction_set set : quipu::instruction_sets) {
    if (!quipu::has_instruction_set(set)) continue;
    CAPTURE(quipu::name_of(set));
    for (const float value : {0.0f, 1e-45f, 1e-38f, 1e-33f, 1e-20f, 1.0f, 3e38f, infinity, nan}) {
      CAPTURE(value);
      const bool finite = std::isfinite(value), rounds = finite && value > linear::smallest_rounded;
      const auto check = [&](const std::int8_t* q, std::size_t at, float scale) {
        CHECK(q[0] == 0);  // of a 0, whatever stands beside it
        if (finite) CHECK(q[at] == (rounds ? 127 : 0));
        CHECK(std::isfinite(scale) == finite);
        if (rounds) CHECK(127 * double{scale} == Approx(value));
      };
      std::array<float, 32> x{};
      x[9] = value;
      std::array<std::int8_t, 32> q{};
      float d = 0, s = 0;
      linear::kernels_for(set).round_to_int8(x.data(), x.size(), q.data(), &d, &s);
      check(q.data(), 9, d);
      CHECK(std::isfinite(s) == finite);

      std::vector<std::int8_t> row(x.size() + sizeof(float));
      linear::kv_kernels_for<float, std::int8_t>(set).narrow(x.data(), x.size(), row.data());
      float scale = 0;
      std::memcpy(&scale, row.data() + x.size(), sizeof scale);
      // A key that is not finite has codes other than 0, so that NaN reaches every score.
      if (finite) {
        check(row.data(), 9, scale);
      } else {
        CHECK(std::isnan(scale));
      }
    }
  }
}

}  // namespace quipu_smallest_rounded_test
