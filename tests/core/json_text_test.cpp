#include <quipu/core/json_text.hpp>

#include <string>

#include <catch2/catch.hpp>

#include <quipu/io/json_fields.hpp>

using Catch::Contains;
using quipu::parse_json;

TEST_CASE("JSON is read up to the allowed depth", "[io][json_text]") {
  const auto nested = [](int depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  CHECK(parse_json(R"({"a": {"b": 1}, "b": [{"a": 2}, {"a": 3}]})", "x").at("b").size() == 2);
  CHECK_NOTHROW(parse_json(nested(quipu::largest_json_depth), "x"));
  CHECK_THROWS_WITH(parse_json(nested(quipu::largest_json_depth + 2), "x"), Contains("deep"));
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
