// SPDX-License-Identifier: Apache-2.0
#include <quipu/core/number_text.hpp>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <random>
#include <sstream>
#include <string>

#include <catch2/catch.hpp>

#include <quipu/core/error.hpp>

#include "support/grouping_locale.hpp"

namespace {

std::string printed(const char* format, int precision, double value) {
  char text[512];
  std::snprintf(text, sizeof text, format, precision, value);
  return text;
}

}  // namespace

TEST_CASE("numbers have the digits of C's printf", "[core][number_text]") {
  std::mt19937_64 random(5);
  for (int i = 0; i < 2000; ++i) {
    const double value = std::ldexp(static_cast<double>(random()) - 0x1p63, static_cast<int>(random() % 400) - 260);
    for (const int n : {1, 6, 10, 17}) CHECK(quipu::general_text(value, n) == printed("%.*g", n, value));
    for (const int n : {0, 2, 20}) CHECK(quipu::fixed_text(value, n) == printed("%.*f", n, value));
    CHECK(std::stod(quipu::exact_text(value)) == value);
  }
  CHECK(quipu::fixed_text(-std::numeric_limits<double>::max(), 20).size() == 331);
  CHECK(quipu::general_text(0.1) == "0.1");
  CHECK(quipu::general_text(std::numeric_limits<double>::infinity()) == "inf");
}

TEST_CASE("messages write numbers the same under every locale", "[core][number_text]") {
  const quipu::test::grouping_locale other;
  std::ostringstream stream;
  stream << 1234567 << ' ' << 12345.5;
  CHECK(stream.str() == "1.234.567 12.345,5");  // the locale is in force
  CHECK(quipu::concat(1234567, ' ', 12345.5, ' ', -12345L, ' ', std::uint64_t{1} << 63, ' ', true, ' ', 1e7f) ==
        "1234567 12345.5 -12345 9223372036854775808 1 1e+07");
  enum plain { one = 12345 };
  CHECK(quipu::concat(one) == "12345");
}
