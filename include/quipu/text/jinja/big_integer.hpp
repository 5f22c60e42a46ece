/// @file Whole numbers beyond 64 bits, as Python's int; plain and slow, for the few that templates meet.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <quipu/text/jinja/value.hpp>

namespace quipu::text::jinja {

/// Sign and magnitude in digits of 32 bits, lowest first; zero has no digits.
class big_integer {
 public:
  big_integer() = default;
  explicit big_integer(std::int64_t number) : negative_(number < 0) {
    std::uint64_t rest = static_cast<std::uint64_t>(number);
    if (negative_) rest = ~rest + 1;
    for (; rest != 0; rest >>= 32) digits_.push_back(static_cast<std::uint32_t>(rest));
  }
  /// The whole part of a finite number.
  [[nodiscard]] static big_integer of_real(double number) {
    int exponent = 0;
    const double fraction = std::frexp(std::trunc(number), &exponent);
    const int shift = std::max(exponent - 53, 0);
    big_integer result(static_cast<std::int64_t>(std::ldexp(fraction, exponent - shift)));
    for (int i = 0; i < shift / 32; ++i) result.digits_.insert(result.digits_.begin(), 0);
    return multiply(result, big_integer(std::int64_t{1} << (shift % 32)));
  }
  /// @pre digits are of `base`, at least one, with nothing else
  [[nodiscard]] static big_integer of_digits(std::string_view digits, std::uint32_t base) {
    big_integer result;
    for (const char c : digits) {
      const auto digit = static_cast<std::uint32_t>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
      std::uint64_t carry = digit;
      for (std::uint32_t& one : result.digits_) {
        carry += std::uint64_t{one} * base;
        one = static_cast<std::uint32_t>(carry);
        carry >>= 32;
      }
      if (carry != 0) result.digits_.push_back(static_cast<std::uint32_t>(carry));
    }
    return result;
  }

  [[nodiscard]] bool is_zero() const noexcept { return digits_.empty(); }
  [[nodiscard]] bool is_negative() const noexcept { return negative_; }
  [[nodiscard]] bool is_odd() const noexcept { return !digits_.empty() && (digits_[0] & 1u) != 0; }
  [[nodiscard]] std::size_t bits() const noexcept { return digits_.size() * 32; }
  /// `n` bits of the magnitude from bit `at` on.
  [[nodiscard]] std::uint32_t bits_at(std::size_t at, std::size_t n) const noexcept {
    std::uint32_t result = 0;
    for (std::size_t i = at + n; i-- > at;) result = result << 1 | (i < bits() ? digits_[i / 32] >> i % 32 & 1u : 0u);
    return result;
  }
  void negate() noexcept { negative_ = !negative_ && !digits_.empty(); }

  /// The number in 64 bits, if it fits.
  [[nodiscard]] bool fits(std::int64_t& number) const noexcept {
    if (digits_.size() > 2) return false;
    std::uint64_t magnitude = 0;
    for (std::size_t i = digits_.size(); i-- > 0;) magnitude = magnitude << 32 | digits_[i];
    if (magnitude > std::uint64_t{1} << 63 || (!negative_ && magnitude == std::uint64_t{1} << 63)) return false;
    number = static_cast<std::int64_t>(negative_ ? ~magnitude + 1 : magnitude);
    return true;
  }
  /// The nearest double, rounded half to even; infinity beyond its range.
  [[nodiscard]] double real() const {
    double result = 0;
    const std::size_t n = digits_.size();
    std::uint64_t high = 0;  // the highest 64 bits, the lowest of them sticky
    std::size_t used = 0;
    for (; used < n && used < 3; ++used) {
      const std::uint64_t digit = digits_[n - 1 - used];
      if (used < 2) {
        high = high << 32 | digit;
      } else {
        const int room = __builtin_clzll(high);
        if (room > 0) high = high << room | digit >> (32 - room);
        bool rest = room < 32 && (digit << room & 0xFFFFFFFFu) != 0;
        for (std::size_t i = 0; i + 3 < n; ++i) rest = rest || digits_[i] != 0;
        if (rest) high |= 1;
        result =
            std::ldexp(static_cast<double>(high), static_cast<int>(std::min<std::size_t>(32 * (n - 2), 100000)) - room);
      }
    }
    if (n < 3) result = static_cast<double>(high);
    return negative_ ? -result : result;
  }
  [[nodiscard]] std::string text() const {
    if (digits_.empty()) return "0";
    std::vector<std::uint32_t> rest = digits_;
    std::string shown;
    while (!rest.empty()) {
      std::uint64_t remainder = 0;
      for (std::size_t i = rest.size(); i-- > 0;) {
        remainder = remainder << 32 | rest[i];
        rest[i] = static_cast<std::uint32_t>(remainder / 1000000000u);
        remainder %= 1000000000u;
      }
      while (!rest.empty() && rest.back() == 0) rest.pop_back();
      for (int i = 0; i < 9 && (remainder != 0 || !rest.empty()); ++i, remainder /= 10) {
        shown.push_back(static_cast<char>('0' + remainder % 10));
      }
    }
    if (negative_) shown.push_back('-');
    std::reverse(shown.begin(), shown.end());
    return shown;
  }

  /// -1, 0 or 1.
  [[nodiscard]] static int compare(const big_integer& a, const big_integer& b) noexcept {
    if (a.negative_ != b.negative_) return a.negative_ ? -1 : 1;
    const int order = compare_magnitude(a, b);
    return a.negative_ ? -order : order;
  }
  [[nodiscard]] static big_integer add(const big_integer& a, const big_integer& b) {
    if (a.negative_ == b.negative_) {
      big_integer sum = a;
      sum.digits_.resize(std::max(a.digits_.size(), b.digits_.size()) + 1);
      std::uint64_t carry = 0;
      for (std::size_t i = 0; i < sum.digits_.size(); ++i) {
        carry += std::uint64_t{sum.digits_[i]} + (i < b.digits_.size() ? b.digits_[i] : 0u);
        sum.digits_[i] = static_cast<std::uint32_t>(carry);
        carry >>= 32;
      }
      return sum.trimmed();
    }
    if (compare_magnitude(a, b) < 0) return add(b, a);
    big_integer difference = a;
    std::int64_t borrow = 0;
    for (std::size_t i = 0; i < difference.digits_.size(); ++i) {
      borrow += std::int64_t{difference.digits_[i]} - (i < b.digits_.size() ? b.digits_[i] : 0u);
      difference.digits_[i] = static_cast<std::uint32_t>(borrow);
      borrow = borrow < 0 ? -1 : 0;
    }
    return difference.trimmed();
  }
  [[nodiscard]] static big_integer subtract(const big_integer& a, big_integer b) {
    b.negate();
    return add(a, b);
  }
  [[nodiscard]] static big_integer multiply(const big_integer& a, const big_integer& b) {
    big_integer product;
    product.negative_ = a.negative_ != b.negative_;
    product.digits_.resize(a.digits_.size() + b.digits_.size());
    for (std::size_t i = 0; i < a.digits_.size(); ++i) {
      std::uint64_t carry = 0;
      for (std::size_t j = 0; j < b.digits_.size() || carry != 0; ++j) {
        carry += std::uint64_t{product.digits_[i + j]};
        if (j < b.digits_.size()) carry += std::uint64_t{a.digits_[i]} * b.digits_[j];
        product.digits_[i + j] = static_cast<std::uint32_t>(carry);
        carry >>= 32;
      }
    }
    return product.trimmed();
  }
  /// Quotient towards minus infinity, and the remainder with the divisor's sign.
  /// @pre b is not zero
  static void divide(const big_integer& a, const big_integer& b, big_integer& quotient, big_integer& remainder) {
    quotient = {};
    remainder = {};
    quotient.digits_.resize(a.digits_.size());
    big_integer divisor = b;
    divisor.negative_ = false;
    for (std::size_t bit = a.bits(); bit-- > 0;) {
      std::uint32_t carry = a.digits_[bit / 32] >> bit % 32 & 1u;
      for (std::uint32_t& digit : remainder.digits_) {
        const std::uint32_t out = digit >> 31;
        digit = digit << 1 | carry;
        carry = out;
      }
      if (carry != 0) remainder.digits_.push_back(carry);
      if (compare_magnitude(remainder, divisor) >= 0) {
        remainder = subtract(remainder, divisor);
        quotient.digits_[bit / 32] |= 1u << bit % 32;
      }
    }
    quotient.negative_ = a.negative_ != b.negative_;
    remainder.negative_ = a.negative_;
    quotient = quotient.trimmed();
    remainder = remainder.trimmed();
    if (!remainder.is_zero() && a.negative_ != b.negative_) {
      quotient = subtract(quotient, big_integer(1));
      remainder = add(remainder, b);
    }
  }
  /// The quotient as the nearest double.
  /// @pre b is not zero
  [[nodiscard]] static double ratio(big_integer a, const big_integer& b) {
    // Enough digits for a double, and one more that says whether there is a rest.
    const std::size_t wanted = b.digits_.size() + 3;
    const std::size_t shift = a.digits_.size() < wanted ? wanted - a.digits_.size() : 0;
    a.digits_.insert(a.digits_.begin(), shift, 0);
    const bool negative = a.negative_ != b.negative_;
    a.negative_ = b.negative_;
    big_integer quotient;
    big_integer rest;
    divide(a.trimmed(), b, quotient, rest);
    if (!rest.is_zero() && !quotient.digits_.empty()) quotient.digits_[0] |= 1;
    const double result = std::ldexp(quotient.real(), -static_cast<int>(32 * shift));
    return negative ? -result : result;
  }

 private:
  [[nodiscard]] static int compare_magnitude(const big_integer& a, const big_integer& b) noexcept {
    if (a.digits_.size() != b.digits_.size()) return a.digits_.size() < b.digits_.size() ? -1 : 1;
    for (std::size_t i = a.digits_.size(); i-- > 0;) {
      if (a.digits_[i] != b.digits_[i]) return a.digits_[i] < b.digits_[i] ? -1 : 1;
    }
    return 0;
  }
  [[nodiscard]] big_integer trimmed() && = delete;
  [[nodiscard]] big_integer& trimmed() & {
    while (!digits_.empty() && digits_.back() == 0) digits_.pop_back();
    if (digits_.empty()) negative_ = false;
    return *this;
  }

  std::vector<std::uint32_t> digits_;
  bool negative_ = false;
};

struct big_object : object {
  explicit big_object(big_integer n) : object(kind::big, destroy_as<big_object>), number(std::move(n)) {}
  big_integer number;
};

/// A whole number as a value: in 64 bits if it fits.
[[nodiscard]] inline value make_integer(big_integer number) {
  std::int64_t small = 0;
  if (number.fits(small)) return value(small);
  return value(new big_object(std::move(number)));
}

}  // namespace quipu::text::jinja
