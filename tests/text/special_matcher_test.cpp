#include <algorithm>
#include <catch2/catch.hpp>
#include <quipu/text/special_matcher.hpp>
#include <random>
#include <string>
#include <vector>

using namespace quipu::text;
using quipu::no_token;
using quipu::token_id;

namespace {

struct listed {
  std::string text;
  token_id token;
};

// The definition: token after token, longest first, cut all parts that are still text.
std::vector<listed> split_by_definition(const std::string& text, std::vector<listed> tokens) {
  std::stable_sort(tokens.begin(), tokens.end(),
                   [](const listed& a, const listed& b) { return a.text.size() > b.text.size(); });
  std::vector<listed> parts = {{text, no_token}};
  for (const listed& token : tokens) {
    std::vector<listed> next;
    for (const listed& part : parts) {
      if (part.token != no_token) {
        next.push_back(part);
        continue;
      }
      std::size_t done = 0;
      for (std::size_t at = part.text.find(token.text); at != std::string::npos;
           at = part.text.find(token.text, done)) {
        next.push_back({part.text.substr(done, at - done), no_token});
        next.push_back(token);
        done = at + token.text.size();
      }
      next.push_back({part.text.substr(done), no_token});
    }
    parts = next;
  }
  std::erase_if(parts, [](const listed& part) { return part.text.empty(); });
  return parts;
}

}  // namespace

TEST_CASE("splitting finds tokens as cutting one after the other, longest first",
          "[text][special_matcher]") {
  std::mt19937 random(3);
  for (int round = 0; round < 500; ++round) {
    std::vector<listed> tokens;
    for (int i = 0; i < 6; ++i) {
      std::string text(1 + random() % 4, 'a');
      for (char& c : text) c = static_cast<char>('a' + random() % 2);
      const bool is_new = std::none_of(tokens.begin(), tokens.end(),
                                       [&](const listed& t) { return t.text == text; });
      if (is_new) tokens.push_back({text, i});
    }
    special_matcher matcher;
    for (const listed& token : tokens) matcher.add(token.text, token.token, special::plain);
    std::string text(random() % 30, 'a');
    for (char& c : text) c = static_cast<char>('a' + random() % 3);
    const auto expected = split_by_definition(text, tokens);
    const auto parts = matcher.split(text, special::plain);
    REQUIRE(parts.size() == expected.size());
    for (std::size_t i = 0; i < parts.size(); ++i) {
      CHECK(parts[i].text == expected[i].text);
      CHECK(parts[i].token == expected[i].token);
    }
  }
}

TEST_CASE("control tokens are found only where the caller asks for them",
          "[text][special_matcher]") {
  special_matcher matcher;
  const std::string bos = "<s>";
  const std::string user = "[x]";
  matcher.add(bos, 1, special::parse);
  matcher.add(user, 2, special::plain);
  matcher.add("", 3, special::plain);  // would match everywhere
  const std::string text = "a<s>[x]b";
  const auto plain = matcher.split(text, special::plain);
  REQUIRE(plain.size() == 3);
  CHECK(plain[0].text == "a<s>");
  CHECK(plain[1].token == 2);
  const auto parsed = matcher.split(text, special::parse);
  REQUIRE(parsed.size() == 4);
  CHECK(parsed[1].token == 1);
  CHECK(matcher.split("", special::parse).empty());
  CHECK(matcher.find("<s>") == 1);
  CHECK(matcher.find("<s") == no_token);
  CHECK(matcher.find("") == no_token);
}
