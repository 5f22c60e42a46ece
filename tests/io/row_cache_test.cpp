#include <quipu/io/row_cache.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/core/error.hpp>

#include "support/temp_folder.hpp"

using namespace quipu;

namespace {

std::vector<float> numbered(std::size_t n, float first) {
  std::vector<float> v(n);
  for (std::size_t i = 0; i < n; ++i) v[i] = first + static_cast<float>(i);
  return v;
}
bool holds(io::row_cache& cache, std::uint64_t entry, const std::vector<float>& rows) {
  const auto found = cache.find(entry);
  return found && found->rows() * found->cols() == rows.size() && std::equal(rows.begin(), rows.end(), found->data());
}

}  // namespace

TEST_CASE("rows come back, in memory and from a file that is opened again", "[io][row_cache]") {
  const test::temp_folder folder;
  const auto one = numbered(3, 0.5f), two = numbered(6, -2);
  for (const std::string& path : {std::string(), folder.file("rows")}) {
    for (int round = 0; round < 2; ++round) {
      io::row_cache cache(path, "base 1", 3);
      if (round == 1) CHECK((path.empty() || holds(cache, 11, one)));
      cache.add(11, {one.data(), 1, 3});
      CHECK(holds(cache, 11, one));
      cache.add(12, {two.data(), 2, 3});
      cache.add(12, {one.data(), 1, 3});  // what is there stays
      CHECK(holds(cache, 12, two));
      CHECK(holds(cache, 11, one));
      CHECK_FALSE(cache.find(13));
      CHECK(cache.size() == 2);
      CHECK(cache.remarks().empty());
    }
  }
}

TEST_CASE("what cannot be trusted is computed again, with a word", "[io][row_cache]") {
  const test::temp_folder folder;
  const std::string path = folder.file("rows");
  const auto one = numbered(3, 1), two = numbered(6, 7);
  {
    io::row_cache cache(path, "base 1", 3);
    cache.add(1, {one.data(), 1, 3});
    cache.add(2, {two.data(), 2, 3});
  }
  const std::string whole = test::read_bytes(path);
  SECTION("a cut-off end at any byte") {
    const std::size_t begin = whole.size() - (16 + 24);
    for (std::size_t size = begin + 1; size < whole.size(); ++size) {
      folder.write("rows", whole.substr(0, size));
      io::row_cache cache(path, "base 1", 3);
      CHECK(cache.remarks().size() == 1);
      CHECK(holds(cache, 1, one));
      CHECK_FALSE(cache.find(2));
      cache.add(2, {two.data(), 2, 3});
      CHECK(holds(cache, 2, two));
    }
    CHECK(test::read_bytes(path) == whole);
  }
  SECTION("a flipped bit") {
    std::string damaged = whole;
    damaged[damaged.size() - 5] = static_cast<char>(damaged[damaged.size() - 5] ^ 4);
    folder.write("rows", damaged);
    {
      io::row_cache cache(path, "base 1", 3);
      CHECK_FALSE(cache.find(2));
      CHECK(cache.remarks().size() == 1);
      CHECK(holds(cache, 1, one));
      cache.add(2, {two.data(), 2, 3});
      CHECK(holds(cache, 2, two));
    }
    io::row_cache again(path, "base 1", 3);
    CHECK(holds(again, 2, two));
  }
  SECTION("another base, another width") {
    for (const auto& [key, width] : {std::pair<const char*, std::size_t>{"base 2", 3}, {"base 2", 2}}) {
      io::row_cache cache(path, key, width);
      CHECK(cache.size() == 0);
      CHECK_THAT(cache.remarks().at(0), Catch::Contains("made anew"));
    }
  }
  SECTION("a file of something else stays") {
    folder.write("rows", "my diary");
    CHECK_THROWS_AS(io::row_cache(path, "base 1", 3), io_error);
    CHECK(test::read_bytes(path) == "my diary");
  }
}

TEST_CASE("a cache is one program's, and a full disk leaves it whole", "[io][row_cache]") {
  const test::temp_folder folder;
  io::row_cache cache(folder.file("rows"), "k", 2);
  CHECK_THROWS_WITH(io::row_cache(folder.file("rows"), "k", 2), Catch::Contains("another process"));
  const auto rows = numbered(2, 0);
  CHECK_THROWS_AS(cache.add(1, {rows.data(), 2, 1}), shape_error);
  CHECK_THROWS_AS(cache.add(1, {}), shape_error);
  CHECK_THROWS_AS(io::row_cache("/dev/full", "k", 2), io_error);
  CHECK_THROWS_AS(io::row_cache(folder.file("none/rows"), "k", 2), io_error);
}
