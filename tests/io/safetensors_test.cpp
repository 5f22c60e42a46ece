#include <quipu/io/safetensors.hpp>

#include <cstdint>
#include <cstring>
#include <string>

#include <catch2/catch.hpp>

#include <quipu/io/tensor_values.hpp>

#include "support/hostile.hpp"
#include "support/shared_data.hpp"
#include "support/temp_folder.hpp"

using Catch::Contains;
using quipu::format_error;
using quipu::io::parse_safetensors;
using quipu::test::as_bytes;

namespace {

std::string with_header(const std::string& header, const std::string& data) {
  std::string size(8, '\0');
  const std::uint64_t n = header.size();
  std::memcpy(size.data(), &n, 8);
  return size + header + data;
}

const std::string two_tensors =
    R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
    R"("b":{"dtype":"U8","shape":[4],"data_offsets":[24,28]}})";

void check_refused(const std::string& header, const std::string& data, const std::string& reason) {
  INFO(header);
  CHECK_THROWS_WITH(parse_safetensors(as_bytes(with_header(header, data)), "x"), Contains(reason));
  CHECK_THROWS_AS(parse_safetensors(as_bytes(with_header(header, data)), "x"), format_error);
}

}  // namespace

TEST_CASE("a safetensors file gives tensors and metadata", "[io][safetensors]") {
  const std::string file = with_header(two_tensors, std::string(28, '\1'));
  const auto contents = parse_safetensors(as_bytes(file), "x");
  REQUIRE(contents.tensors.size() == 2);
  CHECK(contents.metadata.at("format") == "pt");
  const auto& a = contents.tensors.find("a")->second;
  CHECK(a.shape == std::vector<std::size_t>{2, 3});
  CHECK(a.bytes.data() == as_bytes(file).data() + 8 + two_tensors.size());
  CHECK(quipu::io::values_of<int>(contents.tensors.find("b")->second) == std::vector<int>(4, 1));
  CHECK_THROWS_AS(quipu::io::values_of<int>(a), quipu::config_error);
}

TEST_CASE("scalars and empty tensors are tensors", "[io][safetensors]") {
  const auto contents = parse_safetensors(
      as_bytes(with_header(R"({"s":{"dtype":"F32","shape":[],"data_offsets":[0,4]},)"
                           R"("e":{"dtype":"F32","shape":[3,0],"data_offsets":[0,0]}})", std::string(4, '\0'))),
      "x");
  CHECK(contents.tensors.find("s")->second.n_element() == 1);
  CHECK(contents.tensors.find("e")->second.n_element() == 0);
}

TEST_CASE("damaged safetensors files are refused with the reason", "[io][safetensors]") {
  check_refused(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                R"("a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", std::string(8, ' '), "twice");
  check_refused(R"({"a":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}})", " ", "F8_E4M3");
  check_refused(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}})", std::string(8, ' '), "4 bytes");
  check_refused(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", std::string(8, ' '), "data_offsets");
  check_refused(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", "  ", "within 2 bytes");
  check_refused(R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", "    ", "non-negative");
  check_refused(R"({"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}})", "    ", "non-negative");
  check_refused(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                R"("b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}})", std::string(6, ' '), "overlapping");
  check_refused(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", std::string(8, ' '), "later");
  check_refused(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", std::string(8, ' '), "bytes of data");
  check_refused(R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", "", "2^64");
  check_refused(R"({"a":{"dtype":"F32","shape":[9223372036854775808,4,0],"data_offsets":[0,0]}})", "", "2^64");
  check_refused(R"({"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,4]}})", "    ", "at most 8");
  check_refused(R"({"a":[]})", "", "JSON object");
  check_refused(R"({"__metadata__":{"n":1}})", "", "only strings");
  check_refused("[1]", "", "JSON object");
  check_refused("{\"\xff\xfe\":{}}", "", "JSON");
  check_refused("{", "", "JSON");
  check_refused("{\"a\":" + std::string(100000, '['), "", "deep");
  std::string huge(16, '\xff');
  CHECK_THROWS_AS(parse_safetensors(as_bytes(huge), "x"), format_error);
  CHECK_THROWS_AS(parse_safetensors({}, "x"), format_error);
}

TEST_CASE("every truncated and every flipped safetensors file throws or reads", "[io][safetensors]") {
  const std::string file = with_header(two_tensors, std::string(28, '\1'));
  const auto read = [](std::span<const std::byte> bytes) { (void)parse_safetensors(bytes, "x"); };
  const auto cut = quipu::test::truncations(file, read);
  CHECK(cut.accepted == 0);
  CHECK(cut.refused == file.size());
  const auto flipped = quipu::test::flips(file, read);
  CHECK(flipped.accepted >= 28 * 5);  // data bytes carry no structure
  CHECK(flipped.refused > 500);
}

TEST_CASE("a missing file, a folder and a missing tensor are named", "[io][safetensors]") {
  const quipu::test::temp_folder folder;
  CHECK_THROWS_AS(quipu::io::safetensors_file(folder.file("none")), quipu::io_error);
  CHECK_THROWS_WITH(quipu::io::safetensors_file(folder.path().string()), Contains("a directory"));
  const quipu::io::safetensors_file file(folder.write("x", with_header(two_tensors, std::string(28, '\1'))));
  CHECK_THROWS_WITH(file.at("c"), Contains("'c'"));
}
