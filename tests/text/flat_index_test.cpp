#include <catch2/catch.hpp>
#include <map>
#include <quipu/text/flat_index.hpp>
#include <random>
#include <string>
#include <vector>

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
  pair_index index(n);
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

TEST_CASE("hash_bytes sees every byte and the length", "[text][flat_index]") {
  const std::string base(40, 'x');
  for (std::size_t n = 0; n < base.size(); ++n) {
    CHECK(hash_bytes(base.substr(0, n)) != hash_bytes(base.substr(0, n + 1)));
    for (std::size_t i = 0; i < n; ++i) {
      std::string other = base.substr(0, n);
      other[i] = 'y';
      if (hash_bytes(other) == hash_bytes(base.substr(0, n))) FAIL(n << ' ' << i);
    }
  }
  CHECK(hash_bytes(std::string_view("\0", 1)) != hash_bytes(std::string_view("\0\0", 2)));
}
