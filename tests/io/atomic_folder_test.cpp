#include <quipu/io/atomic_folder.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include <catch2/catch.hpp>

#include <quipu/core/error.hpp>

#include "support/kills.hpp"
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

namespace {

/// Two files that belong together, in a folder with a stranger's file, written over and over by processes that are
/// killed: whatever `config` is there says what `weights` is.
void check_killed_writers(const std::filesystem::path& out, bool with_folder) {
  std::filesystem::create_directory(out);
  write(out / "theirs", "kept");
  if (with_folder) std::filesystem::create_directory(out / "inner");  // it cannot change places in one step
  std::size_t n_whole = 0;
  const std::size_t n = quipu::test::kill_at_random(25, 60, "/nowhere", [&] {
    for (int i = 0; i < 100000; ++i) {
      const std::string version = std::to_string(::getpid()) + "." + std::to_string(i);
      atomic_folder folder(out);
      write(folder.path() / "config", version);
      write(folder.path() / "weights", version);
      folder.commit("config");
    }
  }, [&] {
    CHECK(read_bytes(out / "theirs") == "kept");
    if (!std::filesystem::exists(out / "config")) return;
    ++n_whole;
    CHECK(read_bytes(out / "config") == read_bytes(out / "weights"));
  });
  CHECK(n == 25);
  CHECK(n_whole > 0);
  if (!with_folder) CHECK(n_whole == n);  // one of the two was there at all times
  {
    atomic_folder folder(out);
    write(folder.path() / "config", "end");
    write(folder.path() / "weights", "end");
    folder.commit("config");
  }
  CHECK(read_bytes(out / "config") == "end");
  CHECK(n_entry(out) == (with_folder ? 4 : 3));
  CHECK(n_entry(out.parent_path()) == 1);  // nothing of the killed is left
}

}  // namespace

TEST_CASE("a writer killed at any moment leaves files of one version", "[io][atomic_folder]") {
  const quipu::test::temp_folder root;
  check_killed_writers(root.path() / "out", false);
}

TEST_CASE("a writer killed in a folder that holds folders leaves one version or no config", "[io][atomic_folder]") {
  const quipu::test::temp_folder root;
  check_killed_writers(root.path() / "out", true);
}

TEST_CASE("permissions and links of a folder outlive a new content", "[io][atomic_folder]") {
  const quipu::test::temp_folder root;
  std::filesystem::create_directory(root.path() / "real");
  std::filesystem::create_symlink("real", root.path() / "out");
  write(root.path() / "real" / "config", "old");
  write(root.path() / "far", "old");
  std::filesystem::create_symlink("../far", root.path() / "real" / "weights");
  ::chmod((root.path() / "real").c_str(), 0700);
  ::chmod((root.path() / "real" / "config").c_str(), 0600);
  for (const char* round : {"first", "second"}) {
    atomic_folder folder(root.path() / "out");
    for (const char* name : {"config", "weights"}) write(folder.path() / name, round);
    folder.commit("config");
    CHECK(read_bytes(root.path() / "far") == round);
    CHECK(read_bytes(root.path() / "out" / "config") == round);
    CHECK(std::filesystem::is_symlink(root.path() / "out"));
    CHECK(std::filesystem::is_symlink(root.path() / "out" / "weights"));
    struct ::stat there {};
    REQUIRE(::stat((root.path() / "real").c_str(), &there) == 0);
    CHECK((there.st_mode & 07777u) == 0700u);
    REQUIRE(::stat((root.path() / "real" / "config").c_str(), &there) == 0);
    CHECK((there.st_mode & 07777u) == 0600u);
  }
  CHECK(n_entry(root.path()) == 3);
}

}  // namespace quipu_atomic_folder_test
