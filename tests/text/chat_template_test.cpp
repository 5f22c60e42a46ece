#include <catch2/catch.hpp>
#include <quipu/text/any_tokenizer.hpp>
#include <quipu/text/chat_template.hpp>
#include <string>

#include "support/vocabularies.hpp"

using namespace quipu::text;
using quipu::config_error;

TEST_CASE("a checkpoint's own template is compiled, a named one takes its place", "[text][chat_template]") {
  const auto path = quipu::test::vocabulary_path("smollm2");
  if (path.empty()) return;
  const any_tokenizer tokenizer(quipu::test::read_vocabulary(path));
  const chat_template form = chat_template_of(tokenizer);
  REQUIRE(form.own != nullptr);
  CHECK(form.opens_answers());
  CHECK(form.eos == "<|im_end|>");
  const chat_template named = chat_template_of(tokenizer, chat_family::zephyr);
  CHECK(named.own == nullptr);
  CHECK(named.family == chat_family::zephyr);
}

TEST_CASE("templates that cannot be compiled are refused with the way out", "[text][chat_template]") {
  CHECK_THROWS_AS(make_chat_template("{% for %}", "", ""), config_error);
  CHECK_THROWS_WITH(make_chat_template("{% for %}", "", ""), Catch::Contains("--chat") && Catch::Contains("line 1"));
  CHECK_THROWS_WITH(make_chat_template("{{ messages | nosuch }}", "", ""), Catch::Contains("nosuch"));
  CHECK_THROWS_WITH(make_chat_template("", "", ""), Catch::Contains("found none"));
  CHECK(make_chat_template("{% for %}", "", "", chat_family::llama3).family == chat_family::llama3);
}

TEST_CASE("families have names", "[text][chat_template]") {
  for (const auto& [name, family] : chat_family_names) {
    CHECK(chat_family_by_name(name) == family);
    CHECK(name_of(family) == name);
    CHECK(make_chat_template("", "", "", family).opens_answers() == (family != chat_family::llama2));
  }
  CHECK_THROWS_WITH(chat_family_by_name("alpaca"), Catch::Contains("'alpaca'"));
}

TEST_CASE("a template that never asks for it does not open answers", "[text][chat_template]") {
  CHECK_FALSE(make_chat_template("{{ messages[0].content }}", "", "").opens_answers());
  CHECK(make_chat_template("{% if add_generation_prompt %}A:{% endif %}", "", "").opens_answers());
}
