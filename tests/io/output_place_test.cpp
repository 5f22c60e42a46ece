// SPDX-License-Identifier: Apache-2.0
#include <quipu/io/output_place.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include <catch2/catch.hpp>

#include <quipu/core/error.hpp>

#include "support/temp_folder.hpp"

namespace io = quipu::io;
namespace fs = std::filesystem;

TEST_CASE("only names that we made are taken for ours", "[io][output_place]") {
  const std::string ours = io::staged_path("some/model.gguf");
  CHECK(ours.starts_with("some/model.gguf.part-"));
  CHECK(io::staged_path("some/model.gguf") != ours);
  const std::string name = fs::path(ours).filename().string();
  CHECK(io::is_staged_name(name));
  for (const std::string& theirs :
       {std::string(), std::string("x"), std::string("thesis.part-2"), std::string("last.safetensors.part-1234-0"),
        std::string("x.part-1-0-00000000"), name + "0", "y" + name, name.substr(1)}) {
    INFO(theirs);
    CHECK_FALSE(io::is_staged_name(theirs));
  }
}

TEST_CASE("leftovers of the dead go, whatever else has such a name stays", "[io][output_place]") {
  const quipu::test::temp_folder folder;
  const auto staged = [&](const char* name) {
    return fs::path(io::staged_path(folder.file(name))).filename().string();
  };
  const std::string dead = staged("a"), other = staged("b"), living = staged("a"), dead_folder = staged("m");
  for (const std::string& name : {dead, other, living, std::string("my.part-1.txt"), std::string("a.part-77-0")})
    folder.write(name, "bytes");
  fs::create_directory(folder.path() / dead_folder);
  folder.write(dead_folder + "/x", "bytes");
  const std::string link = staged("a");
  fs::create_symlink(folder.file("my.part-1.txt"), folder.path() / link);
  const int held = ::open(folder.file(living).c_str(), O_RDWR | O_CLOEXEC);
  REQUIRE(io::try_lock(held) == io::lock_state::held);
  io::remove_leftovers(folder.path(), "a");
  CHECK_FALSE(fs::exists(folder.path() / dead));
  CHECK(fs::exists(folder.path() / other));  // was to become another file
  CHECK(fs::exists(folder.path() / living));
  io::remove_leftovers(folder.path());
  CHECK_FALSE(fs::exists(folder.path() / other));
  CHECK_FALSE(fs::exists(folder.path() / dead_folder));
  for (const std::string& name : {living, std::string("my.part-1.txt"), std::string("a.part-77-0")})
    CHECK(quipu::test::read_bytes(folder.path() / name) == "bytes");
  CHECK(fs::is_symlink(folder.path() / link));
  ::close(held);
  io::remove_leftovers(folder.path());
  CHECK_FALSE(fs::exists(folder.path() / living));
}

TEST_CASE("links are followed to their end", "[io][output_place]") {
  const quipu::test::temp_folder folder;
  fs::create_directory(folder.path() / "d");
  fs::create_symlink("d/second", folder.path() / "first");
  fs::create_symlink("../end", folder.path() / "d" / "second");
  CHECK(fs::path(io::behind_links(folder.file("first"))).lexically_normal() == folder.path() / "end");
  CHECK(io::behind_links("plain") == "plain");
  fs::create_symlink("circle", folder.path() / "circle");
  CHECK_THROWS_AS(io::behind_links(folder.file("circle")), quipu::io_error);
}
