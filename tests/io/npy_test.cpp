// xtensor's own reader uses std::regex, about which g++ 12 warns falsely when sanitizers are on.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include <quipu/io/npy.hpp>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#if __has_include(<xtensor/io/xnpy.hpp>)
#include <xtensor/io/xnpy.hpp>
#else
#include <xtensor/xnpy.hpp>
#endif

#include "support/gguf_builder.hpp"  // raw
#include "support/hostile.hpp"
#include "support/shared_data.hpp"
#include "support/temp_folder.hpp"

using Catch::Contains;
using quipu::io::npy_array;
using quipu::io::parse_npy;
using quipu::test::as_bytes;
using quipu::test::raw;

namespace {

std::string npy(const std::string& header, const std::string& data) {
  return std::string("\x93NUMPY\x01\x00", 8) + raw(static_cast<std::uint16_t>(header.size())) + header + data;
}

std::string literal(const std::string& descr, const std::string& shape, bool fortran = false) {
  return "{'descr': '" + descr + "', 'fortran_order': " + (fortran ? "True" : "False") + ", 'shape': " + shape +
         ", }\n";
}

void check_npy_refused(const std::string& file, const std::string& reason) {
  INFO(file);
  CHECK_THROWS_AS(parse_npy(as_bytes(file), "x"), quipu::format_error);
  CHECK_THROWS_WITH(parse_npy(as_bytes(file), "x"), Contains(reason));
}

}  // namespace

TEST_CASE("a real float16 array is read", "[io][npy]") {
  const auto path = quipu::test::shared_root() / "data/activations/prosparse_7b_layer_100x11008.npy";
  QUIPU_NEEDS(path);
  const auto values = quipu::io::read_npy<float>(path.string());
  REQUIRE(values.dimension() == 2);
  CHECK(values.shape()[0] == 100);
  CHECK(values.shape()[1] == 11008);
  std::size_t non_zero = 0;
  for (const float value : values) non_zero += value != 0.0f;
  CHECK(static_cast<double>(non_zero) / static_cast<double>(values.size()) == Approx(0.1081).margin(0.0001));
}

TEST_CASE("elements of every type are read", "[io][npy]") {
  const auto one = [](const std::string& descr, const std::string& data) {
    const std::string file = npy(literal(descr, "()"), data);
    return npy_array<double>(parse_npy(as_bytes(file), "x"), "x")();
  };
  CHECK(one("<f2", raw<std::uint16_t>(0x3e00)) == 1.5);
  CHECK(one("<f4", raw(-2.5f)) == -2.5);
  CHECK(one("<f8", raw(0.1)) == 0.1);
  CHECK(one("|i1", raw<std::int8_t>(-3)) == -3);
  CHECK(one("<i2", raw<std::int16_t>(-300)) == -300);
  CHECK(one("<i4", raw<std::int32_t>(-70000)) == -70000);
  CHECK(one("<i8", raw<std::int64_t>(1ll << 40)) == 1ll << 40);
  CHECK(one("|u1", raw<std::uint8_t>(200)) == 200);
  CHECK(one("<u2", raw<std::uint16_t>(60000)) == 60000);
  CHECK(one("<u4", raw<std::uint32_t>(4000000000u)) == 4000000000u);
  CHECK(one("|b1", raw<std::uint8_t>(1)) == 1);
}

TEST_CASE("Fortran order is undone", "[io][npy]") {
  std::string data;
  for (const int v : {0, 3, 1, 4, 2, 5}) data += raw(static_cast<std::int32_t>(v));
  const std::string file = npy(literal("<i4", "(2, 3)", true), data);
  const auto values = npy_array<int>(parse_npy(as_bytes(file), "x"), "x");
  CHECK(std::vector<int>(values.begin(), values.end()) == std::vector<int>{0, 1, 2, 3, 4, 5});
}

TEST_CASE("values that the wanted type cannot hold are refused", "[io][npy]") {
  const std::string floats = npy(literal("<f4", "(1,)"), raw(1.0f));
  CHECK_THROWS_AS(npy_array<int>(parse_npy(as_bytes(floats), "x"), "x"), quipu::config_error);
  const std::string large = npy(literal("<i8", "(1,)"), raw<std::int64_t>(1ll << 40));
  CHECK_THROWS_AS(npy_array<int>(parse_npy(as_bytes(large), "x"), "x"), quipu::format_error);
  const std::string negative = npy(literal("|i1", "(1,)"), raw<std::int8_t>(-1));
  CHECK_THROWS_AS(npy_array<std::uint64_t>(parse_npy(as_bytes(negative), "x"), "x"), quipu::format_error);
}

TEST_CASE("what we write we and xtensor read", "[io][npy]") {
  const quipu::test::temp_folder folder;
  const xt::xarray<float> matrix = {{1.0f, 2.0f, 3.0f}, {4.0f, 5.0f, 6.5f}};
  quipu::io::write_npy(folder.file("m.npy"), matrix);
  CHECK(bool(quipu::io::read_npy<float>(folder.file("m.npy")) == matrix));
  CHECK(bool(xt::xarray<float>(xt::load_npy<float>(folder.file("m.npy"))) == matrix));
  const xt::xarray<std::int64_t> row = {7, -8};
  quipu::io::write_npy(folder.file("r.npy"), row);
  CHECK(bool(quipu::io::read_npy<std::int64_t>(folder.file("r.npy")) == row));
  CHECK(bool(xt::xarray<std::int64_t>(xt::load_npy<std::int64_t>(folder.file("r.npy"))) == row));
  xt::dump_npy(folder.file("x.npy"), matrix);
  CHECK(bool(quipu::io::read_npy<float>(folder.file("x.npy")) == matrix));
  CHECK(quipu::test::read_bytes(folder.file("m.npy")).size() % 64 == 24);  // the data begin at a multiple of 64
}

TEST_CASE("damaged .npy files are refused with the reason", "[io][npy]") {
  check_npy_refused(npy(literal("<f4", "(2,)"), raw(1.0f)), "8 bytes");
  check_npy_refused(npy(literal("<f4", "(1,)"), raw(1.0)), "4 bytes");
  check_npy_refused(npy(literal(">f4", "(1,)"), raw(1.0f)), "little-endian");
  check_npy_refused(npy(literal("|O", "(1,)"), raw(1.0f)), "little-endian");
  check_npy_refused(npy(literal("<f4", "(18446744073709551616,)"), ""), "2^64");
  check_npy_refused(npy(literal("<f4", "(4294967296, 4294967296)"), ""), "2^64");
  check_npy_refused(npy(literal("<f4", "(0, 9223372036854775808)"), ""), "2^60");
  check_npy_refused(npy(literal("|i1", "(0, 4611686018427387904, 2)"), ""), "2^60");
  check_npy_refused(npy(literal("<f4", "(-1,)"), ""), "an integer");
  check_npy_refused(npy(literal("<f4", "(1,1,1,1,1,1,1,1,1)"), raw(1.0f)), "at most 8");
  check_npy_refused(npy("{'descr': '<f4', 'shape': (1,)}", raw(1.0f)), "fortran_order");
  check_npy_refused(npy("{'descr': '<f4', 'descr': '<f4'}", raw(1.0f)), "once each");
  check_npy_refused(npy("{'what': 1}", ""), "once each");
  check_npy_refused(npy(literal("<f4", "(1,)") + "x", raw(1.0f)), "end of the header");
  check_npy_refused("\x93NUMPY\x04" + std::string(20, '\0'), "version");
  check_npy_refused("PK", "magic");
}

TEST_CASE("every truncated and every flipped .npy file throws or reads", "[io][npy]") {
  const std::string file = npy(literal("<f4", "(2, 3)", true), std::string(24, '\1'));
  const auto read = [](std::span<const std::byte> bytes) {
    (void)npy_array<double>(parse_npy(bytes, "x"), "x");
  };
  REQUIRE(quipu::test::survives(file, read));
  CHECK(quipu::test::truncations(file, read).accepted == 0);
  CHECK(quipu::test::flips(file, read).refused > 100);
}
