#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <quipu/text/charsmap.hpp>
#include <quipu/text/normalizer.hpp>
#include <quipu/text/pattern_dialect.hpp>
#include <quipu/text/sentencepiece_normalizer.hpp>
#include <quipu/text/unicode_normal.hpp>

using namespace quipu::text;

namespace {

std::string normalized(std::vector<normalizer_step> steps, std::string_view text) {
  bool front_lost = false;
  return normalizer(std::move(steps))(text, front_lost);
}

// A rule of one string of one letter: a double array in which the root's offset is 512.
std::string one_letter_rule(char letter, const std::string& by) {
  const auto unit = [](std::string& array, std::size_t index, std::uint32_t value) {
    for (int i = 0; i < 4; ++i) array[4 * index + static_cast<std::size_t>(i)] = static_cast<char>(value >> 8 * i);
  };
  std::string array(4 * 1024, '\0');
  const auto code = static_cast<unsigned char>(letter);
  unit(array, 0, 512u << 10);
  unit(array, 512 + code, code | 1u << 8 | 256u << 10);  // has a leaf
  unit(array, (512u + code) ^ 256u, 0x80000000u);        // which is the string at 0
  std::string size(4, '\0');
  unit(size, 0, static_cast<std::uint32_t>(array.size()));
  return size + array + by + '\0';
}

}  // namespace

// Values from tokenizers 0.23.3: `normalizers.NFC().normalize_str(...)` and its fellows.
TEST_CASE("normalizers change texts as those of tokenizers do", "[text][normalizer]") {
  using kind = normalizer_kind;
  const std::string text = "e\u0301\u0323 \ud55c \u1112\u1161\u11ab \uf900 \u2126 \ufb01 \u00c5";
  CHECK(normalized({{.kind = kind::nfc}}, text) == "\u1eb9\u0301 \ud55c \ud55c \u8c48 \u03a9 \ufb01 \u00c5");
  CHECK(normalized({{.kind = kind::nfkc}}, text) == "\u1eb9\u0301 \ud55c \ud55c \u8c48 \u03a9 fi \u00c5");
  CHECK(normalized({{.kind = kind::nfd}}, "\u1eb9\u0301\u00c5") == "e\u0323\u0301A\u030a");
  CHECK(normalized({{.kind = kind::nfkd}}, "\u2460\u00c5") == "1A\u030a");
  CHECK(normalized({{.kind = kind::lowercase}}, "\u0130\u03a3\u0391\u03a3 \u1e9e \u2167 \u01c4") ==
        "i\u0307\u03c3\u03b1\u03c3 \u00df \u2177 \u01c6");
  CHECK(normalized({{.kind = kind::strip_accents}}, "e\u0301\u0903x\u20dd") == "ex");
  CHECK(normalized({{.kind = kind::strip, .right = false}}, "\u00a0 \u0085a ") == "a ");
  CHECK(normalized({{.kind = kind::strip}}, " \n") == "");
  CHECK(normalized({{.kind = kind::replace, .pattern = "aa", .content = "b"}}, "aaaaa") == "bba");
  CHECK(normalized({{.kind = kind::replace, .pattern = " {2,}", .is_expression = true, .content = "_"}},
                   "a   b  c d") == "a_b_c d");
  CHECK(normalized({{.kind = kind::prepend, .content = "x"}}, "") == "");
  CHECK(normalized({{.kind = kind::nfd}, {.kind = kind::strip_accents}, {.kind = kind::lowercase}}, "\u00c9") == "e");
}

TEST_CASE("bytes that are not UTF-8 pass through, and long runs of marks cost little", "[text][normalizer]") {
  for (const auto kind : {normalizer_kind::nfc, normalizer_kind::nfkd, normalizer_kind::lowercase,
                          normalizer_kind::strip_accents, normalizer_kind::strip}) {
    CHECK(normalized({{.kind = kind}}, "a\xFF\xE2\x82z") == "a\xFF\xE2\x82z");
  }
  std::string marks = "a";
  for (int i = 0; i < 200'000; ++i) marks += i % 2 == 0 ? "\u0301" : "\u0323";
  const std::string sorted = to_normal_form(marks, normal_form::nfc);
  CHECK(sorted.starts_with("\u1ea1\u0323\u0323"));
  CHECK(sorted.ends_with("\u0301\u0301"));
  CHECK(to_normal_form(sorted, normal_form::nfc) == sorted);
}

TEST_CASE("expressions mean in PCRE2 what they mean in Oniguruma, or are refused", "[text][normalizer]") {
  std::string out;
  std::string why;
  CHECK(pattern_dialect::to_pcre2(R"((?i:'s)|\p{N}{1,3}| ?[^\p{L}\d]+$)", out, why));
  CHECK(out == R"((?i:'s)|\p{N}{1,3}| ?[^\p{L}\p{Nd}]+(?m:$))");
  for (const char* pattern : {R"(\w+)", R"(\bx)", "(?<=a)b", R"((a)\1)", "(?i:stra\u00dfe)", "(?i:st)", "[a&&b]",
                              "[[:alpha:]]", "a{,3}", "a{1,2}+", "(", ")", "[a", "*a", "\\", R"(\p{Foo})", R"(\h)"}) {
    INFO(pattern);
    CHECK_FALSE(pattern_dialect::to_pcre2(pattern, out, why));
    CHECK_FALSE(why.empty());
  }
}

// As sentencepiece 0.2.3 encodes with a model that says the same.
TEST_CASE("SentencePiece's rule, blanks and symbols", "[text][normalizer]") {
  vocabulary v;
  v.tokens = {"<unk>", "<ud>", "<ud>A"};
  v.kinds = {token_kind::unknown, token_kind::user_defined, token_kind::user_defined};
  v.matching = token_matching::frozen;
  v.charsmap = one_letter_rule('A', "a  b");
  v.add_space_prefix = true;
  v.remove_extra_whitespaces = true;
  const sentencepiece_normalizer normalize(v);
  CHECK(normalize("  A  x ") == "\u2581a\u2581\u2581b\u2581x");  // blanks that the rule makes stay
  CHECK(normalize("<ud>A<ud>") == "\u2581<ud>A<ud>");
  CHECK(normalize("   ") == "");
  CHECK(normalize("\xFF") == "\u2581\xFF");
  CHECK(normalize.symbols_in("x<ud>A<ud>").size() == 2);
  v.remove_extra_whitespaces = false;
  CHECK(sentencepiece_normalizer(v)(" x ") == "\u2581\u2581x\u2581");
}

TEST_CASE("damaged normalisation rules are refused or end", "[text][normalizer]") {
  const std::string rule = one_letter_rule('A', "b");
  CHECK(charsmap(rule, "x").longest("AA").by == "b");
  CHECK(charsmap("", "x").longest("A").length == 0);
  for (std::size_t n = 1; n < rule.size(); n += 7) {
    CHECK_THROWS_AS(charsmap(rule.substr(0, n), "x"), quipu::format_error);
  }
  for (std::size_t i = 4; i < rule.size() - 1; ++i) {
    std::string damaged = rule;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x5A);
    (void)charsmap(damaged, "x").longest("AAAA");
  }
}
