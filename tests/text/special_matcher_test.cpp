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
    std::vector<special_token> specials;
    for (const listed& token : tokens) specials.push_back({token.text, token.token});
    const special_matcher matcher(specials);
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
  const std::string bos = "<s>";
  const std::string user = "[x]";
  const special_matcher matcher({{bos, 1, special::parse}, {user, 2}, {"", 3}});  // "" would match everywhere
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

// What tokenizers 0.23.3 does with these added tokens: `Tokenizer.encode(...)`.
TEST_CASE("what begins first wins, then what is longest, as in a tokenizer.json", "[text][special_matcher]") {
  const special_matcher matcher({{"ab", 1}, {"bcde", 2}, {"graft", 3}, {"grafts", 4}},
                                token_matching::leftmost_longest);
  const auto show = [&](const char* text) {
    std::string shown;
    for (const text_fragment& part : matcher.split(text, special::parse)) {
      shown += part.token == no_token ? std::string(part.text) : "[" + std::to_string(part.token) + "]";
      shown += "|";
    }
    return shown;
  };
  CHECK(show("abcde") == "[1]|cde|");
  CHECK(show("my graft, grafts") == "my |[3]|, |[4]|");
  CHECK(show("bcdeab") == "[2]|[1]|");
  CHECK(show("") == "");
}

TEST_CASE("tokens take white space, and stand alone, if the file says so", "[text][special_matcher]") {
  special_token left{"<m>", 1};
  left.manners.lstrip = true;
  special_token right{"<r>", 2, special::parse};
  right.manners.rstrip = true;
  special_token word{"foo", 3};
  word.manners.single_word = true;
  const special_matcher matcher({left, right, word}, token_matching::leftmost_longest);
  const auto show = [&](const char* text, special mode = special::parse) {
    std::string shown;
    for (const text_fragment& part : matcher.split(text, mode)) {
      shown += std::string(part.text) + (part.token == no_token ? "|" : "#" + std::to_string(part.token) + "|");
    }
    return shown;
  };
  CHECK(show("a \n<m> b") == "a| \n<m>#1| b|");
  CHECK(show("a <r>\xE3\x80\x80 b") == "a |<r>\xE3\x80\x80 #2|b|");
  CHECK(show("<r> <m>") == "<r> #2|<m>#1|");  // what one has taken, the next does not get
  CHECK(show("a<r> b", special::plain) == "a<r> b|");
  CHECK(show("foo foo, foos \xC3\xA9" "foo") == "foo#3| |foo#3|, foos \xC3\xA9" "foo|");
  CHECK(show("foo_") == "foo_|");
  CHECK(show("-foo-") == "-|foo#3|-|");
}

TEST_CASE("thousands of nested tokens cost no more than their letters", "[text][special_matcher]") {
  std::vector<std::string> texts;
  for (std::size_t n = 1; n <= 3000; ++n) texts.emplace_back(n, 'a');
  std::vector<special_token> tokens;
  for (std::size_t i = 0; i < texts.size(); ++i) tokens.push_back({texts[i], static_cast<token_id>(i)});
  const std::string text(400'001, 'a');
  for (const auto rule : {token_matching::longest_first, token_matching::leftmost_longest}) {
    const auto parts = special_matcher(tokens, rule).split(text, special::plain);
    REQUIRE(parts.size() == 134);
    CHECK(parts.front().token == 2999);
    CHECK(parts.back().text.size() == 400'001 % 3000);
  }
}
