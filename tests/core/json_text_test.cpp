#include <quipu/core/json_text.hpp>

#include <algorithm>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/io/json_fields.hpp>

#include "support/cpu_time.hpp"

using Catch::Contains;
using quipu::parse_json;

TEST_CASE("JSON is read up to the allowed depth", "[io][json_text]") {
  const auto nested = [](int depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  CHECK(parse_json(R"({"a": {"b": 1}, "b": [{"a": 2}, {"a": 3}]})", "x").at("b").size() == 2);
  CHECK_NOTHROW(parse_json(nested(quipu::largest_json_depth), "x"));
  CHECK_NOTHROW(
      parse_json(std::string(quipu::largest_json_depth, '[') + "1" + std::string(quipu::largest_json_depth, ']'), "x"));
  CHECK_THROWS_WITH(parse_json(nested(quipu::largest_json_depth + 1), "x"), Contains("deep"));
}

TEST_CASE("a key twice in one object is refused at every level", "[io][json_text]") {
  CHECK_THROWS_WITH(parse_json(R"({"a": 1, "a": 2})", "x"), Contains("'a' twice"));
  CHECK_THROWS_WITH(parse_json(R"([{"b": {"c": 1, "\u0063": 2}}])", "x"), Contains("'c' twice"));
}

TEST_CASE("errors are ours and name the place", "[io][json_text]") {
  for (const std::string text : {"", "{", "[1,]", "{\"a\":1}x", "\"\xff\"", "1e999", "nul"}) {
    INFO(text);
    CHECK_THROWS_AS(parse_json(text, "file.json"), quipu::format_error);
    CHECK_THROWS_WITH(parse_json(text, "file.json"), Contains("file.json"));
  }
}

TEST_CASE("what is parsed is what nlohmann's own parser gives", "[core][json_text]") {
  for (
      const std::string text :
      {"null", "-12", "12345678901234567890", "1.5e3", "\"\\u00e4\\n\"", "[]", "{}", "[[], {}, [{}, [1]], null]",
       R"({"b": [1, -2, 3.5, "x", true, false, null], "a": {"c": {}, "": [[{"d": 1}], 2]}, "e": [{"f": [1]}, {"f": []}]})"}) {
    INFO(text);
    CHECK(parse_json(text, "x") == nlohmann::json::parse(text));
    CHECK(parse_json(text, "x").dump() == nlohmann::json::parse(text).dump());
  }
}

TEST_CASE("time grows with the size, not with its square", "[core][json_text]") {
  const auto seconds = [](const std::string& text) {
    return quipu::test::least_cpu_seconds([&] { static_cast<void>(parse_json(text, "x")); });
  };
  const auto list = [](int n) {
    std::string text = "[{}";
    for (int i = 1; i < n; ++i) text += ", {\"a\": [1]}";
    return text + "]";
  };
  const auto object = [](int n) {
    std::string text = "{\"k\": {}";
    for (int i = 1; i < n; ++i) text += ", \"key" + std::to_string(i) + "\": [1, {}]";
    return text + "}";
  };
  // nlohmann's parser with a callback needs a hundred times as long for ten times as much.
  CHECK(seconds(list(40'000)) < 30 * std::max(seconds(list(4'000)), 1e-3));
  CHECK(seconds(object(40'000)) < 30 * std::max(seconds(object(4'000)), 1e-3));
}

TEST_CASE("keys in the order of the text", "[core][json_text]") {
  const std::string text = R"({"a": {"x": 1}, "p": {"b": {"c": 1}, "a": [{"d": 2}], "\u0063": 3}, "q": [{"p": 1}]})";
  CHECK(quipu::json_keys_in_order(text, "p") == std::vector<std::string>{"b", "a", "c"});
  CHECK(quipu::json_keys_in_order(text, "q").empty());
  CHECK(quipu::json_keys_in_order("[1]", "q").empty());
}

TEST_CASE("fields have types and ranges", "[io][json_text]") {
  const auto object = parse_json(R"({"n": 3, "x": 1.5, "t": "s", "f": true, "z": null, "neg": -2})", "x");
  const quipu::io::json_fields fields(object, "x");
  CHECK(fields.size("n") == 3);
  CHECK(fields.size_or("z", 7) == 7);
  CHECK(fields.number("x") == 1.5);
  CHECK(fields.text_or("t", "") == "s");
  CHECK(fields.flag_or("f", false));
  CHECK_FALSE(fields.flag_or("absent", false));
  CHECK_THROWS_WITH(fields.size("neg"), Contains("x: neg") && Contains("-2"));
  CHECK_THROWS_AS(fields.size("absent"), quipu::format_error);
  CHECK_THROWS_AS(fields.size("x"), quipu::format_error);
  CHECK_THROWS_AS(fields.text_or("n", ""), quipu::format_error);
  CHECK_THROWS_AS(fields.flag_or("n", false), quipu::format_error);
  CHECK_THROWS_AS(fields.number("t"), quipu::format_error);
  CHECK_THROWS_AS(quipu::io::json_fields(object.at("n"), "x"), quipu::format_error);
}
