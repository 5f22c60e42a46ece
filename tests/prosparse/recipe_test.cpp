#include <quipu/prosparse/recipe.hpp>

#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/prosparse/corpus.hpp>

namespace prosparse = quipu::prosparse;
namespace schedule = quipu::schedule;

namespace {

/// What a bad recipe is told.
std::string complaint(std::string_view text) {
  try {
    static_cast<void>(prosparse::read_recipe(text, "r.json"));
  } catch (const quipu::error& e) {
    return e.what();
  }
  return "none";
}

}  // namespace

TEST_CASE("a recipe prints all of itself and reads back as itself", "[prosparse]") {
  prosparse::recipe r = prosparse::stories_recipe(2.5);
  r.learning_rate = 0.1 + 0.2;  // needs all digits
  r.seed = 18446744073709551615u;
  r.shuffle = r.bf16 = r.recompute = true;
  r.regulariser = "chunk_locality";
  r.reduction = quipu::sparsity::reduction::sum;
  r.n_chunk = 5;
  r.stages = {{"thresholds", {{"budget", 0.05}}}};
  const auto again = prosparse::read_recipe(r.json().dump(), "r.json");
  CHECK(again == r);
  CHECK(again.json() == r.json());
  CHECK(prosparse::read_recipe("{}", "r.json") == prosparse::recipe());
  for (const char* kind : {"constant", "linear", "sine", "stages", "stages_then_constant", "seeking", "prosparse_7b", "prosparse_13b", "prosparse_1b"}) {
    INFO(kind);
    prosparse::recipe one;
    one.lambda = {.kind = kind};
    const std::string text(kind);
    const bool stages = text.rfind("stages", 0) == 0;
    if (stages) one.lambda.ends = {3, 9};
    if (stages) one.lambda.factors = {0, 0.7};
    if (text == "linear" || text == "sine" || text == "stages_then_constant") one.lambda.end = 20;
    if (text == "constant" || text == "linear" || text == "sine" || text == "stages_then_constant") one.lambda.factor = 0.3;
    const auto read = prosparse::read_recipe(one.json().dump(), "r.json");
    CHECK(read == one);
    for (const std::size_t t : {1, 4, 9, 15, 30, 8000}) CHECK(read.lambda.make()(t) == one.lambda.make()(t));
  }
}

TEST_CASE("the lambdas of recipes are those of the schedules", "[prosparse]") {
  const auto at = [](const char* text, std::size_t t) { return prosparse::read_recipe(text, "r").lambda.make()(t); };
  CHECK(at(R"({"lambda": {"kind": "constant", "factor": 0.5, "start": 3}})", 3) == 0);
  CHECK(at(R"({"lambda": {"kind": "constant", "factor": 0.5, "start": 3}})", 4) == 0.5);
  CHECK(at(R"({"lambda": {"kind": "linear", "start": 10, "end": 20, "factor": 2}})", 15) == 1);
  CHECK(at(R"({"lambda": {"kind": "sine", "start": 10, "end": 20, "factor": 2}})", 15) == Approx(1));
  CHECK(at(R"({"lambda": {"kind": "prosparse_7b"}})", 14000) == schedule::prosparse_7b()(14000));
  CHECK(at(R"({"lambda": {"kind": "stages_then_constant", "ends": [5, 9], "factors": [0, 1], "end": 12, "factor": 0.25}})", 12) == 1);
  CHECK(at(R"({"lambda": {"kind": "stages_then_constant", "ends": [5, 9], "factors": [0, 1], "end": 12, "factor": 0.25}})", 13) == 0.25);
  CHECK(at(R"({"lambda": {"kind": "seeking", "target": 0.9, "first": 2, "start": 5}})", 6) == 2);
}

TEST_CASE("recipes that make no run say what is wrong", "[prosparse]") {
  using Catch::Contains;
  CHECK_THAT(complaint(R"({"lambada": {}})"), Contains("r.json") && Contains("lambada"));
  CHECK_THAT(complaint(R"({"lambda": {"kind": "stages", "endings": []}})"), Contains("r.json: lambda") && Contains("endings"));
  CHECK_THAT(complaint(R"({"lambda": {"kind": "constant", "ends": [1]}})"), Contains("ends"));  // nothing that would not count
  CHECK_THAT(complaint(R"({"text": {"spilt": "whole"}})"), Contains("spilt"));
  CHECK_THAT(complaint(R"({"regulariser": {"chunks": 3}})"), Contains("chunks"));
  CHECK_THAT(complaint(R"({"lambda": {"kind": "stages", "ends": [8, 8], "factors": [0, 1]}})"), Contains("more than 8"));
  CHECK_THAT(complaint(R"({"lambda": {"kind": "stages", "ends": [8, 6], "factors": [0, 1]}})"), Contains("more than 8"));
  CHECK_THAT(complaint(R"({"lambda": {"kind": "stages", "ends": [6, 8], "factors": [0, -1]}})"), Contains("at least 0") && Contains("-1"));
  CHECK_THAT(complaint(R"({"lambda": {"kind": "stages", "ends": [6, 8], "factors": [0]}})"), Contains("2"));
  CHECK_THAT(complaint(R"({"lambda": {"kind": "constant", "factor": -0.5}})"), Contains("-0.5"));
  CHECK_THAT(complaint(R"({"lambda": {"kind": "constant", "factor": 1e999}})"), Contains("r.json"));  // JSON itself has no such number
  CHECK_THAT(complaint(R"({"lambda": {"kind": "sine", "start": 9, "end": 9, "factor": 1}})"), Contains("more than 9"));
  CHECK_THAT(complaint(R"({"lambda": {"kind": "cosine"}})"), Contains("cosine"));
  CHECK_THAT(complaint(R"({"lambda": {"kind": "seeking", "target": 1.5}})"), Contains("1.5"));
  CHECK_THAT(complaint(R"({"activation": "swoosh"})"), Contains("swoosh"));
  CHECK_THAT(complaint(R"({"threshold": -1})"), Contains("-1"));
  CHECK_THAT(complaint(R"({"regulariser": {"kind": "l2"}})"), Contains("l2"));
  CHECK_THAT(complaint(R"({"regulariser": {"reduction": "mean"}})"), Contains("mean_tokens_neurons") && Contains("mean"));
  CHECK_THAT(complaint(R"({"steps": 0})"), Contains("steps"));
  CHECK_THAT(complaint(R"({"steps": -3})"), Contains("steps") && Contains("-3"));
  CHECK_THAT(complaint(R"({"steps": 3.5})"), Contains("3.5"));
  CHECK_THAT(complaint(R"({"shuffle": 1})"), Contains("true or false"));
  CHECK_THAT(complaint(R"({"learning_rate": "fast"})"), Contains("fast"));
  CHECK_THAT(complaint(R"({"stages": []})"), Contains("stages"));
  CHECK_THAT(complaint("[]"), Contains("object"));
  CHECK_THAT(complaint("{"), Contains("r.json"));
  prosparse::recipe r;
  r.lambda.factor = std::numeric_limits<double>::infinity();
  CHECK_THROWS_AS(r.check(), quipu::config_error);
  r.lambda.factor = std::nan("");
  CHECK_THROWS_AS(r.check(), quipu::config_error);
}

TEST_CASE("documents end at single line feeds", "[prosparse]") {
  const prosparse::corpus_settings lines{prosparse::document_split::single_lines, false, 0.25};
  using texts = std::vector<std::string_view>;
  CHECK(prosparse::documents_of(" a b \nc\n\nd\n \ne\n", lines) == texts{"a b", "c\n\nd", "e"});
  CHECK(prosparse::documents_of("a\n\xc3\xa9\nb", {prosparse::document_split::single_lines, true, 0}) == texts{"a", "b"});
  CHECK(prosparse::documents_of(" a\nb ", {}) == texts{" a\nb "});
  CHECK_THROWS_AS(prosparse::documents_of(" \n ", lines), quipu::config_error);
  CHECK_THROWS_AS(prosparse::documents_of("", {}), quipu::config_error);
  CHECK_THROWS_AS(prosparse::documents_of("a", {prosparse::document_split::whole, false, 1}), quipu::config_error);
  CHECK(prosparse::n_training_document({"aaaa", "bbbb", "cccc", "dddd"}, 0.25) == 3);
  CHECK(prosparse::n_training_document({"aaaa", "bbbb", "cccc", "ddddd"}, 0.25) == 3);
  CHECK(prosparse::n_training_document({"aaaa", "bbbb", "ccccc", "dddd"}, 0.25) == 2);
  const prosparse::corpus all{{1, 2, 3, 1, 4, 1, 5, 6}, {9}, {0, 3, 5}};
  const auto less = all.held_back(1);
  CHECK(less.training == std::vector<quipu::token_id>{1, 2, 3, 1, 4});
  CHECK(less.validation == std::vector<quipu::token_id>{1, 5, 6});
  CHECK_THROWS_AS(all.held_back(3), quipu::config_error);
  CHECK_THROWS_AS(all.held_back(0), quipu::config_error);
}
