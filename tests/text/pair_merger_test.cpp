#include <catch2/catch.hpp>
#include <quipu/text/pair_merger.hpp>
#include <random>
#include <string>
#include <string_view>
#include <vector>

using namespace quipu::text;
using quipu::token_id;

namespace {

// Rules over texts: rank of a joined text, or none.
struct text_rules {
  std::vector<std::pair<std::string, std::uint32_t>> ranks;
  [[nodiscard]] std::uint32_t rank(std::string_view joined) const {
    for (const auto& [text, rank] : ranks) {
      if (text == joined) return rank;
    }
    return merge_rule::none;
  }
};

// The definition: look at all pairs, join the best, start again.
std::vector<std::string> merged_by_definition(const std::string& word, const text_rules& rules) {
  std::vector<std::string> parts;
  for (const char c : word) parts.emplace_back(1, c);
  for (;;) {
    std::uint32_t best = merge_rule::none;
    std::size_t where = 0;
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
      const std::uint32_t rank = rules.rank(parts[i] + parts[i + 1]);
      if (rank < best) {
        best = rank;
        where = i;
      }
    }
    if (best == merge_rule::none) return parts;
    parts[where] += parts[where + 1];
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(where) + 1);
  }
}

std::vector<std::string> merged(pair_merger& merger, const std::string& word,
                                const text_rules& rules) {
  merger.clear();
  for (std::size_t i = 0; i < word.size(); ++i) merger.add(1, quipu::no_token);
  merger.merge([&](const pair_merger::symbol& a, const pair_merger::symbol& b) -> merge_rule {
    return {rules.rank(std::string_view(word).substr(a.begin, a.length + b.length)), 0};
  });
  std::vector<std::string> parts;
  merger.for_each(
      [&](const pair_merger::symbol& s) { parts.push_back(word.substr(s.begin, s.length)); });
  return parts;
}

}  // namespace

TEST_CASE("merging gives what repeated search for the best pair gives", "[text][pair_merger]") {
  std::mt19937 random(11);
  pair_merger merger;  // one for all words: state must not leak
  for (int round = 0; round < 300; ++round) {
    text_rules rules;
    for (int i = 0; i < 25; ++i) {
      std::string text(2 + random() % 4, 'a');
      for (char& c : text) c = static_cast<char>('a' + random() % 3);
      rules.ranks.emplace_back(text, random() % 12);  // ties on purpose
    }
    std::string word(random() % 40, 'a');
    for (char& c : word) c = static_cast<char>('a' + random() % 3);
    CHECK(merged(merger, word, rules) == merged_by_definition(word, rules));
  }
}

TEST_CASE("a long word of one letter takes n log n steps, not their square",
          "[text][pair_merger]") {
  text_rules rules;
  for (std::size_t n = 2; n <= 16; n *= 2)
    rules.ranks.emplace_back(std::string(n, 'a'), static_cast<std::uint32_t>(n));
  const std::string word(1 << 18, 'a');
  pair_merger merger;
  std::size_t calls = 0;
  for (std::size_t i = 0; i < word.size(); ++i) merger.add(1, 0);
  merger.merge([&](const pair_merger::symbol& a, const pair_merger::symbol& b) -> merge_rule {
    ++calls;
    return {rules.rank(std::string_view(word).substr(a.begin, a.length + b.length)), 0};
  });
  std::size_t parts = 0;
  merger.for_each([&](const pair_merger::symbol& s) {
    ++parts;
    if (s.length != 16) FAIL(s.length);
  });
  CHECK(parts == word.size() / 16);
  CHECK(calls < 4 * word.size());
}

TEST_CASE("an empty word has no symbols", "[text][pair_merger]") {
  pair_merger merger;
  merger.merge([](const auto&, const auto&) { return merge_rule{}; });
  int symbols = 0;
  merger.for_each([&](const auto&) { ++symbols; });
  CHECK(symbols == 0);
}
