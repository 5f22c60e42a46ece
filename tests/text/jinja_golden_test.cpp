#include <quipu/text/jinja.hpp>
#include <quipu/text/jinja/from_json.hpp>

#include <fstream>
#include <string>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "support/shared_data.hpp"

namespace jinja = quipu::text::jinja;

namespace {

/// 2026-03-04T05:06:07, when the reference values were made.
std::int64_t golden_moment(const void*) { return 1772600767; }

struct outcome {
  std::string text;
  std::string kind;  ///< of the error; empty if there is none
  std::string raised;
  bool compiled = false;
};

outcome outcome_of(const std::string& source, const std::string& variables) {
  outcome result;
  jinja::render_options options;
  options.clock.seconds = golden_moment;
  const jinja::value given = jinja::value_from_json(variables, "variables");
  try {
    const jinja::compiled_template compiled(source, "template");
    result.compiled = true;
    result.text = compiled.render(given, options);
    std::string pieces;
    for (const auto& piece : compiled.render_pieces(given, options)) pieces += piece.text;
    CHECK(pieces == result.text);
  } catch (const jinja::template_error& problem) {
    result.kind = jinja::name_of(problem.kind());
    result.raised = problem.raised_message();
    result.text = problem.what();
  }
  return result;
}

}  // namespace

TEST_CASE("templates render what jinja2 renders", "[text][jinja_golden]") {
  const auto file = quipu::test::golden_case("jinja") / "cases.json";
  QUIPU_NEEDS(file);
  std::ifstream in(file);
  const auto cases = nlohmann::ordered_json::parse(in).at("cases");
  CHECK(!cases.empty());
  for (const auto& one : cases) {
    const outcome found = outcome_of(one.at("template").get<std::string>(), one.at("variables").dump());
    INFO(one.at("id").get<std::string>() << ": " << found.kind << " " << found.text);
    if (one.contains("expected")) {
      CHECK(found.kind.empty());
      CHECK(found.text == one.at("expected").get<std::string>());
      continue;
    }
    const std::string wanted = one.at("error").at("kind").get<std::string>();
    if (wanted == "limits") {
      const bool fair =
          found.kind.empty() && one.contains("or_text") && found.text == one.at("or_text").get<std::string>();
      CHECK((!found.kind.empty() || fair));
      continue;
    }
    CHECK(found.kind == wanted);
    CHECK(found.compiled == (wanted != "syntax"));
    if (wanted == "raised") CHECK(found.raised == one.at("error").at("message").get<std::string>());
  }
}
