/// @file `+`, `-`, `*`, `/`, `//`, `%` and `**`, as Python's operators work on the values of templates.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <quipu/text/jinja/evaluation.hpp>
#include <quipu/text/jinja/formatting.hpp>  // percent_format
#include <quipu/text/jinja/syntax.hpp>      // sign
#include <quipu/text/jinja/text_edit.hpp>
#include <quipu/text/jinja/value.hpp>

namespace quipu::text::jinja {

[[nodiscard]] inline big_integer wide_of(const value& v) {
  return v.is(kind::big) ? v.as<big_object>().number : big_integer(v.integer());
}

[[nodiscard]] inline value whole_result(evaluation& run, big_integer number) {
  if (number.bits() > limits::integer_bits) {
    run.fail(error_kind::limits, concat("expected whole numbers of at most ", std::to_string(limits::integer_bits),
                                        " bits, found a larger one"));
  }
  return make_integer(std::move(number));
}

/// -number.
[[nodiscard]] inline value negated(evaluation& run, const value& v) {
  if (v.is_undefined()) fail_undefined(run, v);
  if (v.is(kind::real)) return value(-v.real());
  if (!is_number(v)) run.fail("a number behind '-'", type_name(v));
  big_integer number = wide_of(v);
  number.negate();
  return make_integer(std::move(number));
}

[[nodiscard]] inline value real_arithmetic(evaluation& run, sign how, double a, double b) {
  switch (how) {
    case sign::add: return value(a + b);
    case sign::subtract: return value(a - b);
    case sign::multiply: return value(a * b);
    case sign::power: {
      if (a == 0 && b < 0) run.fail("no negative power of 0", "one");
      const double result = std::pow(a, b);
      if (std::isnan(result) && !std::isnan(a) && !std::isnan(b)) run.fail("a power that is a real number", "another");
      if (std::isinf(result) && std::isfinite(a) && std::isfinite(b))
        run.fail("a power in the range of a float", "a larger one");
      return value(result);
    }
    default: break;
  }
  if (b == 0) run.fail("a divisor other than 0", "0");
  if (how == sign::divide) return value(a / b);
  // As CPython's float_divmod: the remainder has the divisor's sign.
  double rest = std::fmod(a, b);
  double whole = (a - rest) / b;
  if (rest != 0) {
    if ((b < 0) != (rest < 0)) {
      rest += b;
      whole -= 1;
    }
  } else {
    rest = std::copysign(0.0, b);
  }
  if (how == sign::modulo) return value(rest);
  if (whole == 0) return value(std::copysign(0.0, a / b));
  const double floor = std::floor(whole);
  return value(whole - floor > 0.5 ? floor + 1 : floor);
}

[[nodiscard]] inline value whole_power(evaluation& run, big_integer base, std::int64_t exponent) {
  const std::size_t bits = base.bits();
  const bool is_small = bits == 0 || (bits == 32 && big_integer::compare(base, big_integer(1)) <= 0 &&
                                      big_integer::compare(base, big_integer(-1)) >= 0);
  if (is_small) {
    if (base.is_zero()) return value(exponent == 0 ? 1 : 0);
    return value(base.is_negative() && exponent % 2 != 0 ? -1 : 1);
  }
  if (static_cast<std::uint64_t>(exponent) > limits::integer_bits)
    exponent = limits::integer_bits + 1;  // too much in any case
  big_integer result(1);
  while (exponent > 0) {
    run.step(1 + base.bits() * base.bits() / 1024 / 16);
    if ((exponent & 1) != 0) result = wide_of(whole_result(run, big_integer::multiply(result, base)));
    exponent >>= 1;
    if (exponent > 0) base = wide_of(whole_result(run, big_integer::multiply(base, base)));
  }
  return make_integer(std::move(result));
}

[[nodiscard]] inline value whole_arithmetic(evaluation& run, sign how, const value& a, const value& b) {
  if (a.is_integral() && b.is_integral()) {
    std::int64_t result = 0;
    if (how == sign::add && !__builtin_add_overflow(a.integer(), b.integer(), &result)) return value(result);
    if (how == sign::subtract && !__builtin_sub_overflow(a.integer(), b.integer(), &result)) return value(result);
    if (how == sign::multiply && !__builtin_mul_overflow(a.integer(), b.integer(), &result)) return value(result);
    constexpr std::int64_t exact = std::int64_t{1} << 53;
    const auto fits = [](std::int64_t n) { return n <= exact && n >= -exact; };
    if (how == sign::divide && b.integer() != 0 && fits(a.integer()) && fits(b.integer())) {
      return value(static_cast<double>(a.integer()) / static_cast<double>(b.integer()));
    }
    if ((how == sign::floor_divide || how == sign::modulo) && b.integer() != 0 && b.integer() != -1) {
      const std::int64_t rest = a.integer() % b.integer();
      const bool lower = rest != 0 && (rest < 0) != (b.integer() < 0);
      if (how == sign::modulo) return value(lower ? rest + b.integer() : rest);
      return value(a.integer() / b.integer() - (lower ? 1 : 0));
    }
  }
  const big_integer x = wide_of(a);
  const big_integer y = wide_of(b);
  run.step(1 + x.bits() * y.bits() / 16384);
  switch (how) {
    case sign::add: return whole_result(run, big_integer::add(x, y));
    case sign::subtract: return whole_result(run, big_integer::subtract(x, y));
    case sign::multiply: return whole_result(run, big_integer::multiply(x, y));
    case sign::power:
      if (y.is_negative()) return real_arithmetic(run, how, x.real(), y.real());
      return whole_power(run, x, b.is(kind::big) ? INT64_MAX : b.integer());
    default: break;
  }
  if (y.is_zero()) run.fail("a divisor other than 0", "0");
  if (how == sign::divide) {
    const double result = big_integer::ratio(x, y);
    if (!std::isfinite(result)) run.fail("a quotient in the range of a float", "a larger one");
    return value(result);
  }
  big_integer quotient;
  big_integer rest;
  run.step(1 + x.bits() * (x.bits() + y.bits()) / 1024);
  big_integer::divide(x, y, quotient, rest);
  return make_integer(how == sign::modulo ? std::move(rest) : std::move(quotient));
}

/// `items * count`.
[[nodiscard]] inline value repeated_items(evaluation& run, const value& items, std::int64_t count) {
  const auto& once = items_of(items);
  if (count < 0 || once.empty()) count = 0;
  if (static_cast<std::uint64_t>(count) > run.allowed().made_bytes) run.make(static_cast<std::size_t>(count));
  run.make(static_cast<std::size_t>(count) * once.size(), sizeof(value));
  values all;
  all.reserve(static_cast<std::size_t>(count) * once.size());
  for (std::int64_t i = 0; i < count; ++i) all.insert(all.end(), once.begin(), once.end());
  return run.sequence(items.what(), std::move(all));
}

[[nodiscard]] inline value arithmetic(evaluation& run, sign how, const value& a, const value& b) {
  if (is_number(a) && is_number(b)) {
    if (a.is(kind::real) || b.is(kind::real)) return real_arithmetic(run, how, real_of(a), real_of(b));
    return whole_arithmetic(run, how, a, b);
  }
  if (how == sign::modulo && a.is_text()) return percent_format(run, a, b);
  if (a.is_undefined()) fail_undefined(run, a);
  if (b.is_undefined()) fail_undefined(run, b);
  if (how == sign::add) {
    if (a.is_text() && b.is_text()) return join_two(run, a, b);
    if (a.is_sequence() && a.what() == b.what()) {
      const auto& x = items_of(a);
      const auto& y = items_of(b);
      run.make(x.size() + y.size(), sizeof(value));
      values all;
      all.reserve(x.size() + y.size());
      all.insert(all.end(), x.begin(), x.end());
      all.insert(all.end(), y.begin(), y.end());
      return run.sequence(a.what(), std::move(all));
    }
  }
  if (how == sign::multiply) {
    const bool swapped = a.is_integral() || a.is(kind::big);
    const value& things = swapped ? b : a;
    const value& count = swapped ? a : b;
    if ((things.is_text() || things.is_sequence()) && (count.is_integral() || count.is(kind::big))) {
      const std::int64_t n = count.is(kind::big) ? (wide_of(count).is_negative() ? -1 : INT64_MAX) : count.integer();
      return things.is_text() ? repeated(run, things, n) : repeated_items(run, things, n);
    }
  }
  constexpr const char* names[] = {"+", "-", "*", "/", "//", "%", "**"};
  run.fail(concat("operands that '", names[static_cast<std::size_t>(how)], "' takes"),
           concat(type_name(a), " and ", type_name(b)));
}

}  // namespace quipu::text::jinja
