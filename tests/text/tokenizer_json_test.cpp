#include <algorithm>
#include <catch2/catch.hpp>
#include <quipu/text/any_tokenizer.hpp>
#include <quipu/text/flat_index.hpp>
#include <quipu/text/sentencepiece_pieces.hpp>
#include <quipu/text/tokenizer_json.hpp>
#include <string>
#include <vector>

#include "support/hostile.hpp"
#include "support/temp_folder.hpp"
#include "support/vocabularies.hpp"

using namespace quipu::text;
using nlohmann::json;
using quipu::format_error;
using ids_t = std::vector<quipu::token_id>;

namespace {

json byte_level(bool use_regex, bool add_prefix_space = false) {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", add_prefix_space},
          {"trim_offsets", true},
          {"use_regex", use_regex}};
}
json split(const std::string& pattern) {
  return {{"type", "Split"},
          {"pattern", {{"Regex", pattern}}},
          {"behavior", "Isolated"},
          {"invert", false}};
}
json sequence(std::vector<json> steps) { return {{"type", "Sequence"}, {"pretokenizers", steps}}; }

const std::string llama3_pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const std::string qwen2_pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

// A small byte-level file: letters a to c, one merge, two added tokens.
json small_json() {
  json file;
  file["version"] = "1.0";
  file["added_tokens"] = json::array({{{"id", 5}, {"content", "<|end|>"}, {"special", true}},
                                      {{"id", 6}, {"content", "<tool>"}, {"special", false}}});
  file["normalizer"] = nullptr;
  file["pre_tokenizer"] = byte_level(true);
  file["post_processor"] = byte_level(true);
  file["model"] = {
      {"type", "BPE"},
      {"unk_token", nullptr},
      {"vocab", {{"a", 0}, {"b", 1}, {"c", 2}, {"ab", 3}, {"\xC4\xA0", 4}, {"<|end|>", 5}}},
      {"merges", {"a b"}}};
  return file;
}

vocabulary parse(const json& file) { return parse_tokenizer_json(file.dump(), "tokenizer.json"); }

}  // namespace

TEST_CASE("a byte-level file gives tokens, kinds and merges", "[text][tokenizer_json]") {
  const vocabulary v = parse(small_json());
  CHECK(v.kind == tokenizer_kind::byte_level_bpe);
  CHECK(v.pre_tokenizer == "gpt-2");
  CHECK(v.tokens == std::vector<std::string>{"a", "b", "c", "ab", "\xC4\xA0", "<|end|>", "<tool>"});
  CHECK(v.kinds[5] == token_kind::control);
  CHECK(v.kinds[6] == token_kind::user_defined);
  CHECK(v.merges == std::vector<std::pair<std::string, std::string>>{{"a", "b"}});
  CHECK_FALSE(v.ignore_merges);
  CHECK(v.bos == quipu::no_token);
  const any_tokenizer tokenizer(v);
  CHECK(tokenizer.encode("abc <tool>") == ids_t{3, 2, 4, 6});
}

TEST_CASE("merges may be pairs, and ids may leave a gap", "[text][tokenizer_json]") {
  json file = small_json();
  file["model"]["merges"] = json::array({json::array({"a", "b"})});
  file["model"]["ignore_merges"] = true;
  file["added_tokens"][1]["id"] = 9;
  const vocabulary v = parse(file);
  CHECK(v.merges.size() == 1);
  CHECK(v.ignore_merges);
  REQUIRE(v.tokens.size() == 10);
  CHECK(v.kinds[7] == token_kind::unused);
  CHECK(v.tokens[9] == "<tool>");
}

TEST_CASE("pre-tokenizers are recognised by their parts", "[text][tokenizer_json]") {
  const auto name = [](const json& pre_tokenizer) {
    json file = small_json();
    file["pre_tokenizer"] = pre_tokenizer;
    return parse(file).pre_tokenizer;
  };
  json digits = {{"type", "Digits"}, {"individual_digits", true}};
  CHECK(name(byte_level(true)) == "gpt-2");
  CHECK(name(json{{"type", "ByteLevel"}, {"add_prefix_space", false}}) ==
        "gpt-2");  // use_regex came later
  CHECK(name(sequence({digits, byte_level(true)})) == "smollm");
  CHECK(name(sequence({split(llama3_pattern), byte_level(false)})) == "llama-bpe");
  CHECK(name(sequence({split(qwen2_pattern), byte_level(false)})) == "qwen2");

  CHECK_THROWS_WITH(name(sequence({split("\\w+"), byte_level(false)})), Catch::Contains("\\w+"));
  CHECK_THROWS_WITH(name(json{{"type", "Whitespace"}}), Catch::Contains("Whitespace"));
  CHECK_THROWS_WITH(name(nullptr), Catch::Contains("none"));
  // What GGUF has no name for is applied all the same.
  CHECK(name(byte_level(true, true)).empty());
  digits["individual_digits"] = false;
  CHECK(name(sequence({digits, byte_level(true)})).empty());
  json removed = split(llama3_pattern);
  removed["behavior"] = "Removed";
  CHECK(name(sequence({removed, byte_level(false)})).empty());
}

TEST_CASE("the post-processor says what is added around a text", "[text][tokenizer_json]") {
  json file = small_json();
  const json end = {{"SpecialToken", {{"id", "<|end|>"}, {"type_id", 0}}}};
  const json text = {{"Sequence", {{"id", "A"}, {"type_id", 0}}}};
  file["post_processor"] = {{"type", "TemplateProcessing"}, {"single", {end, text}}};
  vocabulary v = parse(file);
  CHECK(v.bos == 5);
  CHECK(v.add_bos);
  CHECK_FALSE(v.add_eos);
  file["post_processor"] = {
      {"type", "Sequence"},
      {"processors",
       {byte_level(true), json{{"type", "TemplateProcessing"}, {"single", {text, end}}}}}};
  v = parse(file);
  CHECK(v.eos == 5);
  CHECK(v.add_eos);
  CHECK_FALSE(v.add_bos);
  file["post_processor"] = {{"type", "TemplateProcessing"},
                            {"single", {{{"SpecialToken", {{"id", "<none>"}}}}, text}}};
  CHECK_THROWS_AS(parse(file), format_error);
}

TEST_CASE("llama2 as a tokenizer.json encodes as its tokenizer.model", "[text][tokenizer_json]") {
  const auto golden = quipu::test::golden_case("tokenizers/llama2.json");
  const auto path = quipu::test::vocabulary_path("llama2");
  QUIPU_NEEDS(golden);
  QUIPU_NEEDS(path);
  const vocabulary model = quipu::test::read_vocabulary(path);
  // As Hugging Face converts it: a merge for every way to halve a piece, in the order of the
  // pieces' scores.
  json vocab;
  string_index ids(model.tokens.size());
  for (std::size_t i = 0; i < model.tokens.size(); ++i) {
    vocab[model.tokens[i]] = i;
    ids.insert(model.tokens[i], static_cast<std::int32_t>(i));
  }
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < model.tokens.size(); ++i) {
    if (model.kinds[i] == token_kind::normal) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](auto a, auto b) { return model.scores[a] > model.scores[b]; });
  json merges = json::array();
  for (const std::size_t i : order) {
    const std::string& text = model.tokens[i];
    for (std::size_t cut = 1; cut < text.size(); ++cut) {
      if ((static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) continue;
      if (ids.find(text.substr(0, cut)) >= 0 && ids.find(text.substr(cut)) >= 0) {
        merges.push_back(text.substr(0, cut) + " " + text.substr(cut));
      }
    }
  }
  json file;
  file["added_tokens"] = json::array({{{"id", 0}, {"content", "<unk>"}, {"special", true}},
                                      {{"id", 1}, {"content", "<s>"}, {"special", true}},
                                      {{"id", 2}, {"content", "</s>"}, {"special", true}}});
  file["normalizer"] = {
      {"type", "Sequence"},
      {"normalizers",
       {{{"type", "Prepend"}, {"prepend", sentencepiece_space}},
        {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", sentencepiece_space}}}}};
  file["pre_tokenizer"] = nullptr;
  file["post_processor"] = {
      {"type", "TemplateProcessing"},
      {"single", {{{"SpecialToken", {{"id", "<s>"}}}}, {{"Sequence", {{"id", "A"}}}}}}};
  file["model"] = {{"type", "BPE"},
                   {"byte_fallback", true},
                   {"unk_token", "<unk>"},
                   {"vocab", vocab},
                   {"merges", merges}};

  const vocabulary v = parse(file);
  CHECK(v.kind == tokenizer_kind::sentencepiece);
  CHECK((v.kinds == model.kinds));
  CHECK(v.bos == model.bos);
  CHECK(v.unk == model.unk);
  CHECK(v.add_bos);
  CHECK(v.add_space_prefix);
  const any_tokenizer tokenizer(v);
  for (const auto& one : quipu::test::read_cases(golden)) {
    INFO(one["text"]);
    CHECK(tokenizer.encode(one["text"].get<std::string>()) == one["ids"].get<ids_t>());
  }
  // The same spaces as a pre-tokenizer.
  file["normalizer"] = nullptr;
  file["pre_tokenizer"] = {
      {"type", "Metaspace"}, {"replacement", sentencepiece_space}, {"prepend_scheme", "first"}};
  CHECK(parse(file).add_space_prefix);
  file["pre_tokenizer"]["prepend_scheme"] = "never";
  CHECK_FALSE(parse(file).add_space_prefix);
  file["pre_tokenizer"] = nullptr;
  CHECK_THROWS_WITH(parse(file), Catch::Contains("U+2581"));
  file["normalizer"] = {{"type", "NFKC"}};
  CHECK_THROWS_WITH(parse(file), Catch::Contains("NFKC"));
}

TEST_CASE("a real vocabulary written as tokenizer.json encodes as before",
          "[text][tokenizer_json]") {
  const auto golden = quipu::test::golden_case("tokenizers/llama-bpe.json");
  const auto path = quipu::test::vocabulary_path("llama-bpe");
  QUIPU_NEEDS(golden);
  QUIPU_NEEDS(path);
  const vocabulary model = quipu::test::read_vocabulary(path);
  json file = small_json();
  file["added_tokens"] = json::array();
  json vocab;
  for (std::size_t i = 0; i < model.tokens.size(); ++i) {
    if (model.kinds[i] == token_kind::control) {
      file["added_tokens"].push_back({{"id", i}, {"content", model.tokens[i]}, {"special", true}});
    } else {
      vocab[model.tokens[i]] = i;
    }
  }
  json merges = json::array();
  for (const auto& [left, right] : model.merges) merges.push_back(left + " " + right);
  file["model"] = {{"type", "BPE"}, {"ignore_merges", true}, {"vocab", vocab}, {"merges", merges}};
  file["pre_tokenizer"] = sequence({split(llama3_pattern), byte_level(false)});
  const any_tokenizer tokenizer(parse(file));
  for (const auto& one : quipu::test::read_cases(golden)) {
    INFO(one["text"]);
    CHECK(tokenizer.encode(one["text"].get<std::string>(), special::parse) ==
          one["ids_special"].get<ids_t>());
  }
}

TEST_CASE("files of another form are refused", "[text][tokenizer_json]") {
  const auto refused = [](const char* pointer, const json& value, const char* message) {
    json file = small_json();
    file[json::json_pointer(pointer)] = value;
    CHECK_THROWS_AS(parse(file), format_error);
    CHECK_THROWS_WITH(parse(file), Catch::Contains(message));
  };
  refused("/model/type", "Unigram", "'Unigram'");
  refused("/model/type", 3, "a string");
  refused("/model", json::array(), "model");
  refused("/model/vocab", json::array(), "vocab");
  refused("/model/vocab/a", "0", "an id");
  refused("/model/vocab/a", -1, "an id");
  refused("/model/vocab/a", 1, "one text");
  refused("/model/vocab/a", 1000000, "consecutive");
  refused("/model/vocab/a", std::uint64_t{1} << 40, "2^31");
  refused("/model/merges", 1, "merges");
  refused("/model/merges", json::array({"ab"}), "two symbols");
  refused("/model/merges", json::array({"a "}), "two symbols");
  refused("/model/merges", json::array({json::array({"a"})}), "two symbols");
  refused("/model/unk_token", "zzz", "unk_token");
  refused("/normalizer", json{{"type", "Nmt"}}, "'Nmt'");
  refused("/normalizer", "NFC", "normalizer");
  refused("/added_tokens", json::array({1}), "added_tokens");
  refused("/added_tokens/0/special", 1, "special");
  refused("/post_processor", 3, "post_processor");
  json file = small_json();
  file["normalizer"] = {{"type", "NFC"}};
  CHECK_NOTHROW(parse(file));
  for (const char* text : {"", "[]", "1", "{", "{}", "nonsense", "{\"model\": \"\xFF\"}"}) {
    CHECK_THROWS_AS(parse_tokenizer_json(text, "x"), format_error);
  }
  CHECK_THROWS_AS(parse_tokenizer_json(std::string(100000, '['), "x"), format_error);
}

TEST_CASE("damaged tokenizer.json files are refused or read, never more",
          "[text][tokenizer_json]") {
  const auto read = [](std::span<const std::byte> damaged) {
    const any_tokenizer tokenizer(parse_tokenizer_json(
        {reinterpret_cast<const char*>(damaged.data()), damaged.size()}, "damaged"));
    (void)tokenizer.encode("ab cab", special::parse);
  };
  CHECK(quipu::test::truncations(small_json().dump(), read).accepted == 0);
  CHECK(quipu::test::flips(small_json().dump(), read).refused > 0);
}

TEST_CASE("tokenizer.json is read from a file", "[text][tokenizer_json]") {
  const quipu::test::temp_folder folder;
  CHECK_THROWS_AS(read_tokenizer_json(folder.file("tokenizer.json")), quipu::io_error);
  CHECK(read_tokenizer_json(folder.write("tokenizer.json", small_json().dump())).tokens.size() ==
        7);
}
