#include <catch2/catch.hpp>
#include <quipu/text/any_tokenizer.hpp>
#include <quipu/text/chat_template.hpp>
#include <string>

#include "support/vocabularies.hpp"

using namespace quipu::text;
using quipu::config_error;

TEST_CASE("the four families are recognised in their templates", "[text][chat_template]") {
  const auto golden = quipu::test::golden_case("tokenizers/chat_templates.json");
  QUIPU_NEEDS(golden);
  const auto templates = quipu::test::read_json(golden);
  REQUIRE(!templates.empty());
  for (const auto& [name, one] : templates.items()) {
    CHECK(name_of(detect_chat_family(one["template"].get<std::string>())) == name);
  }
}

TEST_CASE("the real checkpoint's template is ChatML with a system message of its own",
          "[text][chat_template]") {
  const auto path = quipu::test::vocabulary_path("smollm2");
  if (path.empty()) return;
  const any_tokenizer tokenizer(quipu::test::read_vocabulary(path));
  const chat_template form = chat_template_of(tokenizer);
  CHECK(form.family == chat_family::chatml);
  REQUIRE(form.default_system);
  CHECK(form.default_system->substr(0, 7) == "You are");
  CHECK(form.eos == "<|im_end|>");
  CHECK(chat_template_of(tokenizer, chat_family::zephyr).family == chat_family::zephyr);
}

TEST_CASE("other families are refused by name, and may be forced", "[text][chat_template]") {
  const auto message = [](const std::string& jinja) -> std::string {
    try {
      (void)detect_chat_family(jinja);
    } catch (const config_error& refused) {
      return refused.what();
    }
    return "accepted";
  };
  CHECK_THAT(message("<start_of_turn>user"), Catch::Contains("'gemma'"));
  CHECK_THAT(message("{{ bos_token }}[INST] {{ x }} [/INST]"), Catch::Contains("'mistral'"));
  CHECK_THAT(message("<|user|>\n{{ x }}<|end|>\n<|assistant|>"), Catch::Contains("'phi-3'"));
  CHECK_THAT(message("<|start_header_id|><|eot_id|>Cutting Knowledge Date: December 2023"),
             Catch::Contains("'llama-3.1'"));
  CHECK_THAT(message("<|im_start|><|im_end|>{{ message.reasoning_content }}"),
             Catch::Contains("'qwen3'"));
  CHECK_THAT(message("USER: {{ x }}"), Catch::Contains("'vicuna'"));
  CHECK_THAT(message("something else"), Catch::Contains("'unknown'"));
  CHECK_THAT(message(""), Catch::Contains("'none'"));
  CHECK(make_chat_template("<start_of_turn>", "", "", chat_family::llama3).family ==
        chat_family::llama3);
}

TEST_CASE("families have names", "[text][chat_template]") {
  for (const auto& [name, family] : chat_family_names) {
    CHECK(chat_family_by_name(name) == family);
    CHECK(name_of(family) == name);
  }
  CHECK_THROWS_WITH(chat_family_by_name("alpaca"), Catch::Contains("'alpaca'"));
}

TEST_CASE("a default system message is read out of its string literal", "[text][chat_template]") {
  CHECK(default_system_of("{{ '<|im_start|>system\nBe kind.<|im_end|>\n' }}") == "Be kind.");
  CHECK(default_system_of("{{ '<|im_start|>system\\nIt\\'s\\nme \\\\.<|im_end|>\\n' }}") ==
        "It's\nme \\.");
  CHECK(default_system_of("{{ \"<|im_start|>system\nIt's me.<|im_end|>\n\" }}") == "It's me.");
  // A message put together at run time is none.
  CHECK_FALSE(
      default_system_of("{{ '<|im_start|>system\n' + messages[0]['content'] + '<|im_end|>\n' }}"));
  CHECK(default_system_of("{{ '<|im_start|>system\n' + m + '<|im_end|>' }}{{ "
                          "'<|im_start|>system\nB<|im_end|>' }}") == "B");
  CHECK_FALSE(default_system_of("{{ '<|im_start|>' + message['role'] }}"));
  CHECK_FALSE(default_system_of("<|im_start|>system\n"));
  CHECK_FALSE(default_system_of(""));
}

TEST_CASE("a ChatML template that begins with bos says so", "[text][chat_template]") {
  CHECK(make_chat_template("{{ bos_token }}<|im_start|><|im_end|>", "<s>", "</s>").leading_bos);
  CHECK_FALSE(make_chat_template("<|im_start|><|im_end|>", "<s>", "</s>").leading_bos);
}
