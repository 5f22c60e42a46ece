#include <catch2/catch.hpp>
#include <quipu/text/protobuf_reader.hpp>
#include <string>

using namespace quipu::text;
using quipu::format_error;

namespace {

// Reads all fields; the sum shows that the values were seen.
std::uint64_t read_all(const std::string& message) {
  protobuf_reader reader(message, "test");
  std::uint64_t sum = 0;
  for (protobuf_field field; reader.next(field);)
    sum += field.number + field.value + field.bytes.size();
  return sum;
}

}  // namespace

TEST_CASE("every wire type is read", "[text][protobuf_reader]") {
  const std::string message =
      std::string("\x08\x96\x01", 3) +                          // 1: varint 150
      std::string("\x11\x01\x00\x00\x00\x00\x00\x00\x80", 9) +  // 2: fixed64
      std::string(
          "\x1A\x03"
          "abc",
          5) +                                 // 3: bytes
      std::string("\x25\x00\x00\xC0\x3F", 5);  // 4: fixed32, 1.5f
  protobuf_reader reader(message, "test");
  protobuf_field field;
  REQUIRE(reader.next(field));
  CHECK(field.number == 1);
  CHECK(reader.integer_of(field) == 150);
  CHECK_THROWS_AS(reader.bytes_of(field), format_error);
  CHECK_THROWS_AS(reader.float_of(field), format_error);
  REQUIRE(reader.next(field));
  CHECK(field.value == 0x8000000000000001u);
  REQUIRE(reader.next(field));
  CHECK(reader.bytes_of(field) == "abc");
  CHECK_THROWS_AS(reader.integer_of(field), format_error);
  REQUIRE(reader.next(field));
  CHECK(reader.float_of(field) == 1.5f);
  CHECK_FALSE(reader.next(field));
}

TEST_CASE("integers reach from -1 to the largest", "[text][protobuf_reader]") {
  protobuf_reader reader(std::string_view("\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", 11),
                         "test");
  protobuf_field field;
  REQUIRE(reader.next(field));
  CHECK(reader.integer_of(field) == -1);
}

TEST_CASE("bytes that are no message are refused", "[text][protobuf_reader]") {
  const char* cases[] = {
      "\x08",                                          // no value
      "\x08\x80",                                      // unfinished integer
      "\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x02",  // 65 bits
      "\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80",  // longer still
      "\x0D\x01\x01\x01",                              // three bytes of four
      "\x09\x01\x01\x01\x01\x01\x01\x01",              // seven of eight
      ("\x0A\x05"
       "abcd"),                                        // four of five
      "\x0A\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01",  // length 2^64 - 1
      "\x0B",                                          // group
      "\x0C",
      "\x0F",      // no such wire type
      "\x02\x01",  // field number 0
  };
  for (const char* message : cases) CHECK_THROWS_AS(read_all(message), format_error);
  CHECK_THROWS_WITH(read_all("\x0A\x05"
                             "abcd"),
                    Catch::Contains("test, field 1"));
  CHECK(read_all("") == 0);
}
