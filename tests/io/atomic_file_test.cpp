#include <quipu/io/atomic_file.hpp>

#include <cstdint>
#include <filesystem>
#include <string>

#include <catch2/catch.hpp>

#include <quipu/core/error.hpp>

#include "support/temp_folder.hpp"

using quipu::io::atomic_file;
using quipu::test::read_bytes;

TEST_CASE("a file appears at commit and replaces the old one", "[io][atomic_file]") {
  const quipu::test::temp_folder folder;
  folder.write("x", "old");
  const std::string large(3 << 20, 'y');
  {
    atomic_file file(folder.file("x"));
    file.value(std::uint16_t{0x6261});
    file.pad(4);
    file.write(large);
    file.write("end");
    CHECK(file.size() == 4 + large.size() + 3);
    CHECK(read_bytes(folder.file("x")) == "old");
    file.commit();
  }
  CHECK(read_bytes(folder.file("x")) == std::string("ab\0\0", 4) + large + "end");
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
}

TEST_CASE("without commit the old file and nothing else remains", "[io][atomic_file]") {
  const quipu::test::temp_folder folder;
  folder.write("x", "old");
  { atomic_file(folder.file("x")).write("new"); }
  CHECK(read_bytes(folder.file("x")) == "old");
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
}

TEST_CASE("folders that are not there and names of folders are refused", "[io][atomic_file]") {
  const quipu::test::temp_folder folder;
  CHECK_THROWS_AS(atomic_file(folder.file("none/x")), quipu::io_error);
  std::filesystem::create_directory(folder.file("d"));
  {
    atomic_file file(folder.file("d"));
    CHECK_THROWS_AS(file.commit(), quipu::io_error);
  }
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
}
