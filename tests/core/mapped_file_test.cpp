// SPDX-License-Identifier: Apache-2.0
#include <quipu/core/mapped_file.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <span>
#include <string>
#include <utility>

#include <catch2/catch.hpp>

#include "support/temp_folder.hpp"

TEST_CASE("a mapped file shows its bytes and outlives moves", "[core][mapped_file]") {
  const quipu::test::temp_folder folder;
  const std::string path = (folder.path() / "a").string(), text(10000, 'x');
  std::ofstream(path, std::ios::binary) << text << "end";
  quipu::mapped_file first(path);
  CHECK(first.text() == text + "end");
  CHECK(first.path() == path);
  quipu::mapped_file second(std::move(first));
  CHECK(second.text().ends_with("end"));
  second.release_if_within(second.bytes());          // a later read loads the pages again
  second.release_if_within(std::as_bytes(std::span(text)));  // not of this file: nothing happens
  CHECK(second.text() == text + "end");
  second = quipu::mapped_file();
  CHECK(second.bytes().empty());
}

TEST_CASE("what cannot be mapped is said", "[core][mapped_file]") {
  const quipu::test::temp_folder folder;
  const std::string empty = (folder.path() / "empty").string();
  std::ofstream(empty).close();
  CHECK(quipu::mapped_file(empty).bytes().empty());
  CHECK_THROWS_WITH(quipu::mapped_file(folder.path().string()), Catch::Contains("expected a regular file, found a directory"));
  CHECK_THROWS_WITH(quipu::mapped_file((folder.path() / "none").string()), Catch::Contains("cannot open"));
}

TEST_CASE("pipes and devices are refused at once", "[core][mapped_file]") {
  const quipu::test::temp_folder folder;
  const std::string pipe = (folder.path() / "pipe").string();
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  for (const auto how : {quipu::file_access::map, quipu::file_access::read}) {
    // Without care opening the pipe would wait for a writer for ever.
    CHECK_THROWS_WITH(quipu::mapped_file(pipe, how), Catch::Contains("expected a regular file, found a named pipe"));
    CHECK_THROWS_WITH(quipu::mapped_file("/dev/zero", how), Catch::Contains("found a device"));
    CHECK_THROWS_WITH(quipu::mapped_file(folder.path().string(), how), Catch::Contains("found a directory"));
  }
}

TEST_CASE("a file that was read stays as it was when others truncate it", "[core][mapped_file]") {
  const quipu::test::temp_folder folder;
  const std::string path = (folder.path() / "a").string(), text(3 * 4096 + 7, 'x');
  std::ofstream(path, std::ios::binary) << text;
  const quipu::mapped_file read(path, quipu::file_access::read);
  REQUIRE(::truncate(path.c_str(), 0) == 0);
  CHECK(read.text() == text);
  read.release_if_within(read.bytes());  // would lose the bytes of a file that is not mapped
  CHECK(read.text() == text);
  CHECK(quipu::mapped_path_at(read.bytes().data()) == nullptr);
  CHECK(quipu::mapped_file(path, quipu::file_access::read).bytes().empty());
}

TEST_CASE("an address in a mapped file tells which", "[core][mapped_file]") {
  const quipu::test::temp_folder folder;
  const std::string path = (folder.path() / "a").string(), other = (folder.path() / "b").string();
  for (const std::string& name : {path, other}) std::ofstream(name, std::ios::binary) << std::string(5000, 'x');
  quipu::mapped_file first(path);
  const quipu::mapped_file second(other);
  const void* const inside = first.bytes().data() + 4999;
  REQUIRE(quipu::mapped_path_at(inside) != nullptr);
  CHECK(quipu::mapped_path_at(inside) == path);
  CHECK(quipu::mapped_path_at(second.bytes().data()) == other);
  quipu::mapped_file moved(std::move(first));
  CHECK(quipu::mapped_path_at(inside) == path);
  moved = quipu::mapped_file();
  CHECK(quipu::mapped_path_at(inside) == nullptr);
  CHECK(quipu::mapped_path_at(&path) == nullptr);
}
