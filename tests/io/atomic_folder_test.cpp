#include <quipu/io/atomic_folder.hpp>

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include <catch2/catch.hpp>

#include <quipu/core/error.hpp>

#include "support/temp_folder.hpp"

namespace quipu_atomic_folder_test {

using quipu::io::atomic_folder;
using quipu::test::read_bytes;

namespace {

void write(const std::filesystem::path& path, std::string_view text) { std::ofstream(path) << text; }
auto n_entry(const std::filesystem::path& folder) {
  return std::distance(std::filesystem::directory_iterator(folder), {});
}

}  // namespace

TEST_CASE("a folder appears at commit, with its parents", "[io][atomic_folder]") {
  const quipu::test::temp_folder root;
  const auto wanted = root.path() / "a" / "b";
  {
    atomic_folder folder(wanted.string() + "/");
    write(folder.path() / "x", "1");
    CHECK_FALSE(std::filesystem::exists(wanted));
    folder.commit("x");
  }
  CHECK(read_bytes(wanted / "x") == "1");
  CHECK(n_entry(wanted) == 1);
  CHECK(n_entry(root.path() / "a") == 1);
}

TEST_CASE("in a folder that is there files are replaced, obsolete ones go, others stay", "[io][atomic_folder]") {
  const quipu::test::temp_folder root;
  std::filesystem::create_directory(root.path() / "out");
  for (const char* name : {"last", "old", "theirs", "kept"}) write(root.path() / "out" / name, "before");
  constexpr std::array<std::string_view, 3> obsolete = {"old", "kept", "not there"};
  {
    atomic_folder folder(root.path() / "out");
    for (const char* name : {"last", "kept", "new"}) write(folder.path() / name, "after");
    folder.commit("last", obsolete);
  }
  CHECK(n_entry(root.path()) == 1);
  for (const char* name : {"last", "kept", "new"}) CHECK(read_bytes(root.path() / "out" / name) == "after");
  CHECK(read_bytes(root.path() / "out" / "theirs") == "before");
  CHECK(n_entry(root.path() / "out") == 4);
}

TEST_CASE("without commit nothing remains", "[io][atomic_folder]") {
  const quipu::test::temp_folder root;
  { write(atomic_folder(root.path() / "out").path() / "x", "1"); }
  CHECK(n_entry(root.path()) == 0);
  root.write("file", "in the way");
  CHECK_THROWS_AS(atomic_folder(root.path() / "file" / "out"), quipu::io_error);
}

}  // namespace quipu_atomic_folder_test
