#include <quipu/core/random.hpp>

#include <cmath>
#include <set>

#include <catch2/catch.hpp>

TEST_CASE("philox gives the known answers of its authors", "[core][random]") {
  // Random123, kat_vectors: all bits set, and the digits of pi
  CHECK(quipu::philox4x32({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}) ==
        std::array<std::uint32_t, 4>{0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu});
  CHECK(quipu::philox4x32({0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u}, {0xa4093822u, 0x299f31d0u}) ==
        std::array<std::uint32_t, 4>{0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u});
}

TEST_CASE("a stream continues from a saved position", "[core][random]") {
  quipu::random_stream whole(7, 3);
  for (int i = 0; i < 11; ++i) whole();
  quipu::random_stream resumed(7, 3);
  resumed.seek(whole.position());
  for (int i = 0; i < 20; ++i) CHECK(whole() == resumed());
}

TEST_CASE("uniform and normal numbers have the right moments", "[core][random]") {
  quipu::random_stream stream(1);
  double sum = 0, square = 0, normal_sum = 0, normal_square = 0;
  constexpr int n = 200000;
  for (int i = 0; i < n; ++i) {
    const double u = stream.uniform();
    sum += u;
    square += u * u;
    const double z = stream.normal();
    normal_sum += z;
    normal_square += z * z;
  }
  CHECK(std::abs(sum / n - 0.5) < 0.004);          // six standard errors
  CHECK(std::abs(square / n - 1.0 / 3) < 0.005);
  CHECK(std::abs(normal_sum / n) < 0.014);
  CHECK(std::abs(normal_square / n - 1) < 0.02);
  std::set<std::uint32_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(stream.below(10));
  CHECK(seen.size() == 10);
  CHECK(*seen.rbegin() == 9);
}
