#include <quipu/core/scalar.hpp>

#include <bit>
#include <cmath>
#include <cstdint>

#include <catch2/catch.hpp>

using quipu::bf16;
using quipu::f16;

TEST_CASE("every f16 pattern survives widening and rounding back", "[core][scalar]") {
  for (std::uint32_t bits = 0; bits < 0x10000u; ++bits) {
    const float wide = quipu::f16_bits_to_float(static_cast<std::uint16_t>(bits));
    if (std::isnan(wide)) {
      CHECK(std::isnan(quipu::f16_bits_to_float(quipu::float_to_f16_bits(wide))));
    } else if (quipu::float_to_f16_bits(wide) != bits) {
      FAIL("pattern " << bits);
    }
  }
}

TEST_CASE("rounding to f16 and bf16 goes to the nearest value, ties to even", "[core][scalar]") {
  for (std::uint32_t bits = 0x0001u; bits < 0x7bffu; ++bits) {
    const float low = quipu::f16_bits_to_float(static_cast<std::uint16_t>(bits));
    const float high = quipu::f16_bits_to_float(static_cast<std::uint16_t>(bits + 1));
    const float middle = (low + high) / 2;  // exact: one more bit than f16 has
    if (quipu::float_to_f16_bits(middle) != (bits & 1u ? bits + 1 : bits)) FAIL("tie after " << bits);
    if (quipu::float_to_f16_bits(std::nextafter(middle, low)) != bits) FAIL("below the tie after " << bits);
    if (quipu::float_to_f16_bits(std::nextafter(middle, high)) != bits + 1) FAIL("above the tie after " << bits);
  }
  CHECK(bf16(std::bit_cast<float>(0x3f808000u)).bits == 0x3f80u);
  CHECK(bf16(std::bit_cast<float>(0x3f818000u)).bits == 0x3f82u);
  CHECK(std::isnan(static_cast<float>(bf16(std::bit_cast<float>(0x7f800001u)))));
}
