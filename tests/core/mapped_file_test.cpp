// SPDX-License-Identifier: Apache-2.0
#include <quipu/core/mapped_file.hpp>

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
