#include <quipu/io/atomic_file.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

#include <catch2/catch.hpp>

#include <quipu/core/error.hpp>
#include <quipu/io/output_place.hpp>

#include "support/kills.hpp"
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
  CHECK_THROWS_AS(atomic_file(folder.file("d")), quipu::io_error);  // before a byte is written
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
}

TEST_CASE("links and permissions outlive a new content", "[io][atomic_file]") {
  const quipu::test::temp_folder folder;
  std::filesystem::create_directory(folder.path() / "far");
  folder.write("far/secret", "old");
  ::chmod(folder.file("far/secret").c_str(), 0600);
  std::filesystem::create_symlink("far/secret", folder.path() / "link");
  std::filesystem::create_symlink("far/new", folder.path() / "loose");
  quipu::io::write_text(folder.file("link"), "new");
  quipu::io::write_text(folder.file("loose"), "made");
  CHECK(std::filesystem::is_symlink(folder.path() / "link"));
  CHECK(std::filesystem::is_symlink(folder.path() / "loose"));
  CHECK(read_bytes(folder.path() / "far" / "secret") == "new");
  CHECK(read_bytes(folder.path() / "far" / "new") == "made");
  struct ::stat there {};
  REQUIRE(::stat(folder.file("far/secret").c_str(), &there) == 0);
  CHECK((there.st_mode & 07777u) == 0600u);
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path() / "far"), {}) == 2);
}

TEST_CASE("what is no file is written to as it stands", "[io][atomic_file]") {
  const quipu::test::temp_folder folder;
  const std::string pipe = folder.file("pipe");
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  const int reader = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK);
  quipu::io::write_text(pipe, "through");
  char text[16] = {};
  CHECK(::read(reader, text, sizeof text) == 7);
  CHECK(std::string(text) == "through");
  ::close(reader);
  CHECK(std::filesystem::is_fifo(pipe));
  struct ::stat before {}, after {};
  REQUIRE(::stat("/dev/null", &before) == 0);
  quipu::io::write_text("/dev/null", "gone");
  REQUIRE(::stat("/dev/null", &after) == 0);
  CHECK(S_ISCHR(after.st_mode));
  CHECK(before.st_ino == after.st_ino);
  CHECK_THROWS_WITH(quipu::io::write_text("/dev/full", "much"),
                    Catch::StartsWith("/dev/full: cannot write"));
}

TEST_CASE("a stream of our own is written on from where it stands", "[io][atomic_file]") {
  const quipu::test::temp_folder folder;
  const int out = ::open(folder.write("out", "").c_str(), O_WRONLY);
  REQUIRE(::write(out, "first ", 6) == 6);
  quipu::io::write_text("/dev/fd/" + std::to_string(out), "second ");
  std::filesystem::create_symlink("/proc/self/fd/" + std::to_string(out), folder.path() / "link");
  quipu::io::write_text(folder.file("link"), "third");
  CHECK(::write(out, " fourth", 7) == 7);
  ::close(out);
  CHECK(read_bytes(folder.file("out")) == "first second third fourth");
  CHECK_THROWS_AS(quipu::io::write_text("/dev/fd/987654", "x"), quipu::io_error);
}

TEST_CASE("a file beside that a killed process of our number left is in nobody's way", "[io][atomic_file]") {
  const quipu::test::temp_folder folder;
  // The names that come next: what a container whose process numbers repeat leaves.
  const std::string probe = quipu::io::staged_path(folder.file("x"));
  const std::size_t digits = probe.rfind('-', probe.size() - 10) + 1;
  const std::size_t number = std::stoul(probe.substr(digits));
  for (std::size_t n = number + 1; n < number + 6; ++n) {
    const std::string name =
        std::filesystem::path(probe.substr(0, digits)).filename().string() + std::to_string(n);
    folder.write(name + quipu::io::detail::staged_check(name), "half");
  }
  quipu::io::write_text(folder.file("x"), "whole");
  CHECK(read_bytes(folder.file("x")) == "whole");
  quipu::io::remove_leftovers(folder.path());
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
}

TEST_CASE("places that cannot be written are refused and stay as they are", "[io][atomic_file]") {
  const quipu::test::temp_folder folder;
  folder.write("file", "old");
  CHECK_THROWS_AS(atomic_file(folder.file("file/x")), quipu::io_error);  // below a file
  CHECK(read_bytes(folder.file("file")) == "old");
  CHECK_THROWS_AS(atomic_file("/proc/version"), quipu::io_error);
  std::filesystem::create_directory(folder.path() / "locked");
  folder.write("locked/mine", "old");
  folder.write("fixed", "old");
  ::chmod(folder.file("fixed").c_str(), 0444);
  ::chmod(folder.file("locked").c_str(), 0555);
  ::chmod(folder.path().c_str(), 0755);
  CHECK(quipu::test::status_of_child([&] {  // root may write anywhere: an ordinary user tries
          if (::geteuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) return 77;
          int refused = 0;
          for (const char* name : {"locked/mine", "locked/new", "fixed"}) {
            try {
              quipu::io::write_text(folder.file(name), "new");
            } catch (const quipu::io_error& e) {
              refused += std::string(e.what()).starts_with(folder.file(name)) ? 1 : 0;
            }
          }
          return refused == 3 ? 0 : 1;
        }) == 0);
  CHECK(read_bytes(folder.file("locked/mine")) == "old");
  CHECK(read_bytes(folder.file("fixed")) == "old");
  ::chmod(folder.file("locked").c_str(), 0755);
}
