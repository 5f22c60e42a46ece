#include <quipu/core/keyed_hash.hpp>

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

using quipu::hash_secret;
using quipu::keyed_hash;

TEST_CASE("a hash sees every byte, the length and the secret", "[core][keyed_hash]") {
  const hash_secret secret = quipu::process_hash_secret();
  const hash_secret other{secret.start ^ 1, secret.factor}, third{secret.start, secret.factor ^ 2};
  const std::string base(40, 'x');
  for (std::size_t n = 0; n < base.size(); ++n) {
    const std::string_view text = std::string_view(base).substr(0, n);
    CHECK(keyed_hash(text, secret) != keyed_hash(std::string_view(base).substr(0, n + 1), secret));
    CHECK(keyed_hash(text, secret) != keyed_hash(text, other));
    CHECK(keyed_hash(text, secret) != keyed_hash(text, third));
    for (std::size_t i = 0; i < n; ++i) {
      std::string changed(text);
      changed[i] = 'y';
      if (keyed_hash(changed, secret) == keyed_hash(text, secret)) FAIL(n << ' ' << i);
    }
  }
  CHECK(keyed_hash(std::string_view("\0", 1), secret) != keyed_hash(std::string_view("\0\0", 2), secret));
}

TEST_CASE("one process has one secret", "[core][keyed_hash]") {
  const hash_secret a = quipu::process_hash_secret(), b = quipu::process_hash_secret();
  CHECK(a.start == b.start);
  CHECK(a.factor == b.factor);
  CHECK(a.factor >> 63 == 1);
}

TEST_CASE("hashes spread over the slots of a table", "[core][keyed_hash]") {
  const hash_secret secret = quipu::process_hash_secret();
  const auto most_in_a_slot = [](const std::vector<std::uint64_t>& hashes, int shift) {
    std::vector<int> slots(4096);
    int most = 0;
    for (const std::uint64_t hash : hashes) most = std::max(most, ++slots[hash >> shift & 4095]);
    return most;
  };
  std::vector<std::uint64_t> of_numbers, of_texts;
  for (std::uint64_t i = 0; i < 4096; ++i) {
    of_numbers.push_back(keyed_hash(i << 32, secret));
    // Texts of 16 bytes whose words differ in one bit each: without a secret the two differences cancel.
    std::string text(16, '\0');
    text[7] = static_cast<char>(i % 2 == 0 ? 0 : 0x80);
    text[11] = static_cast<char>(i % 2 == 0 ? 0 : 0x10);
    text[0] = static_cast<char>(i), text[1] = static_cast<char>(i >> 8);
    of_texts.push_back(keyed_hash(text, secret));
  }
  for (const int shift : {0, 33, 52}) {
    CHECK(most_in_a_slot(of_numbers, shift) <= 12);
    CHECK(most_in_a_slot(of_texts, shift) <= 12);
  }
}
