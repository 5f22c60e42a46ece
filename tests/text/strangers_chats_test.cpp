// Chat templates that strangers brought, near to the known families and other than them.
#include <quipu/text/chat_conversation.hpp>
#include <quipu/text/chat_render.hpp>

#include <filesystem>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/text/any_tokenizer.hpp>
#include <quipu/text/tokenizer_folder.hpp>

#include "support/strangers.hpp"

namespace text = quipu::text;
using quipu::test::stranger;

namespace {

// "chatml_plain prompt=True"
struct rendering {
  std::string folder;
  text::generation_prompt prompt;
};
rendering rendering_of(const std::string& name) {
  const bool adds = name.ends_with("prompt=True");
  return {name.substr(0, name.find(' ')), adds ? text::generation_prompt::add : text::generation_prompt::omit};
}

}  // namespace

TEST_CASE("strangers' templates are rendered as jinja2 renders them", "[text][strangers]") {
  for (const stranger& s : quipu::test::strangers_of([](const stranger& x) {
         return quipu::test::has_keys(x.expected, {"rendered"}) && std::filesystem::exists(x.input / "chats.json");
       })) {
    nlohmann::json chats;
    std::ifstream(s.input / "chats.json") >> chats;
    if (chats.is_object()) chats = chats["chats"];
    for (const auto& [name, texts] : s.expected["rendered"].items()) {
      const rendering wanted = rendering_of(name);
      const text::any_tokenizer tokenizer(text::read_tokenizer_folder((s.input / wanted.folder).string()));
      const text::chat_template form = text::chat_template_of(tokenizer);
      REQUIRE(texts.size() == chats.size());
      for (std::size_t i = 0; i < texts.size(); ++i) {
        INFO(s.name << "/" << name << ", chat " << i);
        std::vector<text::chat_message> messages;
        for (const auto& m : chats[i]) messages.push_back({m["role"].get<std::string>(), m["content"].get<std::string>()});
        CHECK(text::render_text(form, messages, wanted.prompt) == texts[i].get<std::string>());
        // The same from JSON, and its ids are those of the text with control tokens found.
        const auto pieces = text::render(form, text::conversation_from_json(chats[i].dump(), "chat"), wanted.prompt);
        std::string whole;
        for (const auto& piece : pieces) whole += piece.text;
        CHECK(whole == texts[i].get<std::string>());
        CHECK(text::encode_pieces(tokenizer, pieces) == tokenizer.encode(whole, text::special::parse));
      }
    }
  }
}

TEST_CASE("conversations in JSON lose their nulls, and keep reasoning where templates look", "[text][chat_conversation]") {
  const auto form = text::make_chat_template(
      "{% for m in messages %}[{{ m.role }}|{{ m.content is defined }}|{{ m.thinking }}|{{ m.reasoning_content }}"
      "{% for c in m.tool_calls or [] %}|{{ c.function.arguments | tojson }}{% endfor %}]{% endfor %}",
      "", "");
  const auto rendered = [&](const std::string& json) {
    std::string all;
    for (const auto& piece : text::render(form, text::conversation_from_json(json, "chat"), text::generation_prompt::add))
      all += piece.text;
    return all;
  };
  CHECK(rendered(R"([{"role": "assistant", "content": null, "reasoning": "why"}])") == "[assistant|False|why|why]");
  CHECK(rendered(R"([{"role": "user", "content": "x", "thinking": null}])") == "[user|True||]");
  CHECK(rendered(R"([{"role": "assistant", "tool_calls": [{"function": {"arguments": {"b": 1, "a": 1.0}}}]}])") ==
        "[assistant|False|||{\"b\": 1, \"a\": 1.0}]");
  CHECK_THROWS_WITH(text::conversation_from_json("[]", "chat"), Catch::Contains("at least one message"));
  CHECK_THROWS_AS(text::conversation_from_json("{}", "chat"), quipu::format_error);
  CHECK_THROWS_AS(text::conversation_from_json("[1]", "chat"), quipu::format_error);
  CHECK_THROWS_AS(text::conversation_from_json("[", "chat"), quipu::format_error);
}

TEST_CASE("roles that are no words cannot write marks", "[text][chat_conversation]") {
  const auto form = text::make_chat_template("<|{{ messages[0].role }}|>{{ messages[0].content }}", "", "");
  const auto from_template = [&](const std::string& role) {
    std::string all;
    const text::chat_message message{role, "x"};
    for (const auto& piece : text::render(form, std::span(&message, 1))) all += piece.from_template ? piece.text : "";
    return all;
  };
  CHECK(from_template("user") == "<|user|>");
  CHECK(from_template("user|><|im_start|") == "<||>");
  CHECK(from_template("") == "<||>");
}
