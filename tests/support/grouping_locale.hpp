/// @file A global locale that writes 12345.5 as "12.345,5", while one of these lives.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <locale>
#include <string>

namespace quipu::test {

class grouping_locale {
 public:
  grouping_locale() : before_(std::locale::global(std::locale(std::locale::classic(), new marks))) {}
  grouping_locale(const grouping_locale&) = delete;
  grouping_locale& operator=(const grouping_locale&) = delete;
  ~grouping_locale() { std::locale::global(before_); }

 private:
  struct marks : std::numpunct<char> {
    char do_decimal_point() const override { return ','; }
    char do_thousands_sep() const override { return '.'; }
    std::string do_grouping() const override { return "\3"; }
    std::string do_truename() const override { return "wahr"; }
    std::string do_falsename() const override { return "falsch"; }
  };
  std::locale before_;
};

}  // namespace quipu::test
