#include <catch2/catch.hpp>
#include <quipu/text/utf8.hpp>
#include <random>
#include <string>

using namespace quipu::text;

namespace {
bool is_scalar_value(std::uint32_t c) { return c <= 0x10FFFF && (c < 0xD800 || c > 0xDFFF); }
}  // namespace

TEST_CASE("every Unicode scalar value survives writing and decoding", "[text][utf8]") {
  std::string all;
  for (std::uint32_t c = 0; c <= 0x10FFFF; ++c) {
    if (!is_scalar_value(c)) continue;
    std::string one;
    append_utf8(one, c);
    const utf8_step step = decode_utf8(one, 0);
    if (step.status != utf8_status::valid || step.code_point != c || step.length != one.size())
      FAIL("code point " << c);
    // Any proper prefix of it is an unfinished character, nothing else.
    for (std::size_t n = 1; n < one.size(); ++n) {
      const utf8_step part = decode_utf8(one.substr(0, n), 0);
      if (part.status != utf8_status::truncated || part.length != n)
        FAIL("prefix " << n << " of " << c);
    }
    if (c % 97 == 0) all += one;
  }
  CHECK(is_valid_utf8(all));
  CHECK(replace_invalid_utf8(all) == all);
}

TEST_CASE("exactly the scalar values are valid: brute force over all two- and three-byte strings",
          "[text][utf8]") {
  // Every valid string is the encoding of something; count them instead of trusting the table of
  // ranges.
  std::size_t two = 0;
  std::size_t three = 0;
  for (unsigned a = 0; a < 256; ++a) {
    for (unsigned b = 0; b < 256; ++b) {
      const std::string ab = {static_cast<char>(a), static_cast<char>(b)};
      const utf8_step step = decode_utf8(ab, 0);
      if (step.status == utf8_status::valid && step.length == 2) ++two;
      if (a < 0xE0 || a > 0xEF) continue;
      for (unsigned c = 0; c < 256; ++c) {
        const utf8_step longer = decode_utf8(ab + static_cast<char>(c), 0);
        if (longer.status == utf8_status::valid) ++three;
      }
    }
  }
  CHECK(two == 0x800 - 0x80);
  CHECK(three == 0x10000 - 0x800 - 0x800);  // without the surrogates
}

TEST_CASE("invalid bytes are replaced by maximal subparts", "[text][utf8]") {
  const std::string r = "\xEF\xBF\xBD";
  // The example of the Unicode standard, table 3-8.
  CHECK(replace_invalid_utf8("a\xF1\x80\x80\xE1\x80\xC2"
                             "b\x80"
                             "c\x80\xBF"
                             "d") == "a" + r + r + r + "b" + r + "c" + r + r + "d");
  CHECK(replace_invalid_utf8("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82"
                             "A") == r + r + r + r + r + r + r + r + "A");
  CHECK(replace_invalid_utf8("\xED\xA0\x80\xF4\x91\x92\x93\xFF"
                             "A") == r + r + r + r + r + r + r + r + "A");
  CHECK(replace_invalid_utf8("\xE2\x82") == r);
  CHECK(replace_invalid_utf8("").empty());
}

TEST_CASE("the valid prefix ends where the first bad byte is, wherever that lies", "[text][utf8]") {
  const std::string good =
      "plain ASCII, then \xC3\xA4\xE2\x82\xAC\xF0\x9F\x99\x82 and more ASCII behind it";
  REQUIRE(is_valid_utf8(good));
  for (std::size_t at = 0; at <= good.size(); ++at) {
    std::string bad = good;
    bad.insert(bad.begin() + static_cast<std::ptrdiff_t>(at), '\xFF');
    std::size_t expected = at;  // back to the beginning of a character that the byte tears apart
    while (expected > 0 && (static_cast<unsigned char>(good[expected]) & 0xC0) == 0x80) --expected;
    if (at == good.size()) expected = at;
    CHECK(valid_utf8_prefix(bad) == expected);
  }
}
static_assert(decode_utf8("\xE2\x82\xAC", 0).code_point == 0x20AC);
static_assert(decode_utf8("\xED\xA0\x80", 0).status == utf8_status::invalid);
