#include <catch2/catch.hpp>
#include <quipu/text/byte_alphabet.hpp>
#include <set>
#include <string>

using namespace quipu::text;

TEST_CASE("the byte alphabet is one to one and printable", "[text][byte_alphabet]") {
  std::string all;
  std::set<char32_t> seen;
  for (int byte = 0; byte < 256; ++byte) {
    all.push_back(static_cast<char>(byte));
    const char32_t c = character_of_byte(static_cast<std::uint8_t>(byte));
    seen.insert(c);
    CHECK(c > 0x20);
    CHECK(c < 0x144);
  }
  CHECK(seen.size() == 256);
  std::string back;
  REQUIRE(decode_byte_alphabet(encode_byte_alphabet(all), back));
  CHECK(back == all);
}

TEST_CASE("known characters of the byte alphabet", "[text][byte_alphabet]") {
  CHECK(encode_byte_alphabet(" a\n") ==
        "\xC4\xA0"     // U+0120
        "a\xC4\x8A");  // U+010A
  CHECK(character_of_byte(0) == 0x100);
  CHECK(character_of_byte(0xAD) == 0x143);
  CHECK(character_of_byte(0xFF) == 0xFF);
}

TEST_CASE("characters outside the alphabet are refused", "[text][byte_alphabet]") {
  std::string out;
  CHECK_FALSE(decode_byte_alphabet(" ", out));
  CHECK_FALSE(decode_byte_alphabet("\xE2\x96\x81", out));
  CHECK_FALSE(decode_byte_alphabet("\xC5\x84", out));  // U+0144, one past the last
  CHECK_FALSE(decode_byte_alphabet("a\xFF", out));
  CHECK(decode_byte_alphabet("", out));
}
