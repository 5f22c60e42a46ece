#include <catch2/catch.hpp>
#include <quipu/text/word_cache.hpp>
#include <string>
#include <vector>

using namespace quipu::text;
using quipu::token_id;

TEST_CASE("a repeated word is encoded once and gives the same ids", "[text][word_cache]") {
  word_cache cache;
  std::vector<token_id> ids;
  int calls = 0;
  const auto encode = [&](std::string_view word, std::vector<token_id>& out) {
    ++calls;
    for (const char c : word) out.push_back(c);
  };
  const std::string text = "ababcab";
  const std::string_view view = text;
  for (const std::string_view word :
       {view.substr(0, 2), view.substr(2, 2), view.substr(4, 1), view.substr(5, 2)}) {
    cache.append(word, ids, encode);
  }
  CHECK(calls == 2);
  CHECK(ids == std::vector<token_id>(text.begin(), text.end()));
}

TEST_CASE("words without ids and long words pass through", "[text][word_cache]") {
  word_cache cache;
  std::vector<token_id> ids;
  const auto nothing = [](std::string_view, std::vector<token_id>&) {};
  cache.append("x", ids, nothing);
  cache.append("x", ids, nothing);
  CHECK(ids.empty());
  const std::string long_word(1000, 'y');
  int calls = 0;
  for (int i = 0; i < 2; ++i) {
    cache.append(long_word, ids, [&](std::string_view, std::vector<token_id>& out) {
      ++calls;
      out.push_back(5);
    });
  }
  CHECK(calls == 2);
  CHECK(ids == std::vector<token_id>{5, 5});
}
