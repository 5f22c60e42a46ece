#include <catch2/catch.hpp>
#include <quipu/text/token_table.hpp>

#include "support/vocabularies.hpp"

using namespace quipu::text;
using quipu::format_error;

TEST_CASE("a vocabulary that contradicts itself is refused", "[text][token_table]") {
  const vocabulary good = quipu::test::tiny_byte_level({{"a", "b"}});
  CHECK_NOTHROW(token_table(good));
  vocabulary bad = good;
  bad.tokens.clear();
  CHECK_THROWS_AS(token_table(bad), format_error);
  bad = good;
  bad.kinds.pop_back();
  CHECK_THROWS_WITH(token_table(bad), Catch::Contains("kinds"));
  bad = good;
  bad.kinds[3] = static_cast<token_kind>(9);
  CHECK_THROWS_WITH(token_table(bad), Catch::Contains("token 3"));
  for (auto member : {&vocabulary::bos, &vocabulary::eos, &vocabulary::unk, &vocabulary::pad}) {
    bad = good;
    bad.*member = static_cast<quipu::token_id>(good.tokens.size());
    CHECK_THROWS_AS(token_table(bad), format_error);
    bad.*member = -2;
    CHECK_THROWS_AS(token_table(bad), format_error);
    bad.*member = 0;
    CHECK_NOTHROW(token_table(bad));
  }
  bad = good;
  bad.kinds.clear();  // files without kinds: all normal
  CHECK(token_table(bad).kind(0) == token_kind::normal);
}

TEST_CASE("tokens that end or begin a turn are control tokens whatever the file says",
          "[text][token_table]") {
  vocabulary v = quipu::test::tiny_byte_level({});
  const auto end = static_cast<quipu::token_id>(v.tokens.size() - 2);
  const auto begin = end + 1;
  v.kinds[end] = token_kind::normal;
  v.kinds[begin] = token_kind::user_defined;
  v.eos = 65;
  const token_table table(v);
  CHECK(table.kind(end) == token_kind::control);
  CHECK(table.kind(begin) == token_kind::control);
  CHECK(table.is_end(end));
  CHECK_FALSE(table.is_end(begin));
  CHECK(table.is_end(65));
  CHECK_FALSE(table.is_end(64));
  CHECK_THROWS_AS(table.is_end(-1), quipu::config_error);
  CHECK_THROWS_AS(table.kind(static_cast<quipu::token_id>(table.n_vocab())), quipu::config_error);
}
