#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdint>
#include <map>
#include <quipu/text/flat_index.hpp>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "support/cpu_time.hpp"

using namespace quipu::text;

TEST_CASE("string_index answers as std::map does, through growth and replacement",
          "[text][flat_index]") {
  std::mt19937 random(7);
  std::vector<std::string> keys;
  for (int i = 0; i < 5000; ++i) {
    std::string key(random() % 20, '\0');
    for (char& c : key) c = static_cast<char>(random() % 4);  // zero bytes and common prefixes
    keys.push_back(key);
  }
  string_index index;  // starts small
  std::map<std::string, std::int32_t> expected;
  for (std::size_t i = 0; i < keys.size(); i += 2) {
    index.insert(keys[i], static_cast<std::int32_t>(i));
    expected[keys[i]] = static_cast<std::int32_t>(i);
  }
  CHECK(index.size() == expected.size());
  for (const std::string& key : keys) {
    const auto found = expected.find(key);
    if (index.find(key) != (found == expected.end() ? string_index::absent : found->second))
      FAIL("key of " << key.size());
  }
  CHECK(index.find("never inserted") == string_index::absent);
  CHECK(string_index().find("") == string_index::absent);
}

TEST_CASE("pair_index keeps the first rule of a pair and knows the order of its halves",
          "[text][flat_index]") {
  std::mt19937 random(8);
  const std::size_t n = 3000;
  pair_index index;  // starts small
  std::map<std::pair<int, int>, std::uint32_t> expected;
  for (std::uint32_t i = 0; i < n; ++i) {
    const int left = static_cast<int>(random() % 60);
    const int right = static_cast<int>(random() % 60);
    index.insert(left, right, {i, static_cast<std::int32_t>(i)});
    expected.emplace(std::pair(left, right), i);
  }
  for (int left = 0; left < 70; ++left) {
    for (int right = 0; right < 70; ++right) {
      const auto found = expected.find({left, right});
      const std::uint32_t rank = found == expected.end() ? merge_rule::none : found->second;
      if (index.find(left, right).rank != rank) FAIL(left << ' ' << right);
    }
  }
  CHECK(pair_index().find(0, 0).rank == merge_rule::none);
}

TEST_CASE("keys chosen to collide without the secret do not", "[text][flat_index]") {
  // Pairs (left, right) in one slot of the table that splitmix64's finaliser alone gives: found by trying, as a
  // file's author can.
  const auto mixed = [](std::uint64_t value) {
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9u;
    value = (value ^ value >> 27) * 0x94D049BB133111EBu;
    return value ^ value >> 31;
  };
  constexpr std::size_t n = 4000;
  std::vector<std::pair<int, int>> pairs;
  for (int left = 0; pairs.size() < n; ++left) {
    for (int right = 0; right < 4096 && pairs.size() < n; ++right) {
      const std::uint64_t key = std::uint64_t(std::uint32_t(left)) << 32 | std::uint32_t(right);
      if ((mixed(key) & 0xFFF) == 5) pairs.emplace_back(left, right);
    }
  }
  const auto fill = [&](const auto& of) {
    pair_index index(n);
    for (std::size_t i = 0; i < n; ++i) {
      const auto [left, right] = of(i);
      index.insert(left, right, {static_cast<std::uint32_t>(i), 0});
    }
    for (std::size_t i = 0; i < n; ++i) {
      const auto [left, right] = of(i);
      if (index.find(left, right).rank != i) FAIL(i);
    }
  };
  const double chosen = quipu::test::least_cpu_seconds([&] { fill([&](std::size_t i) { return pairs[i]; }); });
  const double others =
      quipu::test::least_cpu_seconds([&] { fill([](std::size_t i) { return std::pair<int, int>(int(i), int(i * 7)); }); });
  CHECK(chosen < 10 * others);
}
