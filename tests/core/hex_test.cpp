// SPDX-License-Identifier: Apache-2.0
#include <quipu/core/hex.hpp>

#include <catch2/catch.hpp>

using namespace quipu;

TEST_CASE("hexadecimal digits are eight, the highest first", "[core][hex]") {
  CHECK(hex_digits(std::uint64_t{0x0123456789abcdef}) == "0123456789abcdef");
  CHECK(hex_digits(0) == "00000000");
  CHECK(hex_digits(0x1a2b3c4du) == "1a2b3c4d");
  CHECK(hex_digits(0xffffffffu) == "ffffffff");
}
