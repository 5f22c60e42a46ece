// Every key of the tokenizer formats: applied as the library that the format comes from applies it, without effect on
// ids, or refused by name. Rows of tokenizer.json stand in tokenizer_keys.json, with ids from tokenizers 0.23.3.
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <quipu/io/gguf_vocabulary.hpp>
#include <quipu/text/any_tokenizer.hpp>
#include <quipu/text/tokenizer_json.hpp>

#include "support/gguf_builder.hpp"
#include "support/shared_data.hpp"
#include "support/temp_folder.hpp"

namespace {

using nlohmann::json;
using key_ids = std::vector<quipu::token_id>;

json key_rows() {
  std::ifstream in(std::filesystem::path(__FILE__).parent_path() / "tokenizer_keys.json");
  return json::parse(in);
}

}  // namespace

TEST_CASE("every key of a tokenizer.json is applied or refused by name", "[text][tokenizer_keys]") {
  using namespace quipu::text;
  const json all = key_rows();
  const std::string text = all["text"].get<std::string>();
  const auto parse = [](const json& file) { return parse_tokenizer_json(file.dump(), "tokenizer.json"); };
  for (const char* base : {"byte", "char"}) {
    CHECK(any_tokenizer(parse(all[base])).encode(text, special::parse) ==
          all[std::string(base) + "_ids"].get<key_ids>());
  }
  std::set<std::string> met;
  for (const json& row : all["rows"]) {
    INFO(row.dump());
    const auto base = row["base"].get<std::string>();
    const auto key = row["key"].get<std::string>();
    met.insert(key);
    json file = all[base];
    file[json::json_pointer(key)] = row["value"];
    if (row.contains("refused")) {
      CHECK_THROWS_WITH(any_tokenizer(parse(file)),
                        Catch::Contains(row["refused"].get<std::string>()) && Catch::Contains("tokenizer.json"));
      continue;
    }
    const vocabulary v = parse(file);
    const json& expected = row.contains("ids") ? row["ids"] : all[base + "_ids"];
    CHECK(any_tokenizer(v).encode(text, special::parse) == expected.get<key_ids>());
    CHECK(v.warnings.empty() == (row.value("no_effect", "") != "a warning"));
  }
  // Every key of the two files is in a row, or holds keys that are.
  for (const char* base : {"byte", "char"}) {
    const json flat = all[base].flatten();
    for (const auto& [key, value] : flat.items()) {
      std::string pointer = key;
      bool found = false;
      for (; !pointer.empty(); pointer.resize(pointer.rfind('/'))) found = found || met.count(pointer) > 0;
      const bool first_token = key.starts_with("/added_tokens/0/") || key.starts_with("/added_tokens/2/");
      const bool list = key.starts_with("/model/vocab/") || key.starts_with("/model/merges/");
      INFO(key);
      CHECK((found || first_token || list));
    }
  }
}

TEST_CASE("a pattern that never comes to an end is an error, not a wrong split", "[text][tokenizer_keys]") {
  using namespace quipu::text;
  const json file = key_rows()["byte"];
  const auto with_pattern = [&](const char* pattern) {
    json bytes = file["pre_tokenizer"], split = {{"type", "Split"}, {"behavior", "Isolated"}, {"invert", false}};
    bytes["use_regex"] = false;
    split["pattern"] = {{"Regex", pattern}};
    json changed = file;
    changed["pre_tokenizer"] = {{"type", "Sequence"}, {"pretokenizers", {split, bytes}}};
    return any_tokenizer(parse_tokenizer_json(changed.dump(), "tokenizer.json"));
  };
  const std::string endless = std::string(200, 'a') + " b";  // (a+a+)+b tries 2^200 ways of cutting the first word
  CHECK_THROWS_WITH(with_pattern("(a+a+)+b").encode(endless), Catch::Contains("pattern") && Catch::Contains("steps"));
  CHECK(with_pattern("a+b").encode(endless).size() == 202);  // no match
  CHECK(with_pattern("(a|c)+").encode(std::string(1 << 17, 'a')).size() == 1 << 17);  // more than the compiled pattern's stack
}

TEST_CASE("a token that all others share after normalizing is refused", "[text][tokenizer_keys]") {
  using namespace quipu::text;
  json file = key_rows()["byte"];
  file["normalizer"] = {{"type", "Lowercase"}};
  file["added_tokens"][1]["normalized"] = true;
  file["added_tokens"][2]["normalized"] = true;
  file["added_tokens"][2]["content"] = "FOO";
  CHECK_THROWS_WITH(any_tokenizer(parse_tokenizer_json(file.dump(), "x.json")),
                    Catch::Contains("x.json") && Catch::Contains("'FOO'"));
}

namespace {

// A small byte-level file, or a SentencePiece one; `more` comes last and so holds, as the first of a name is dropped.
quipu::text::vocabulary small_gguf(bool byte_level, const quipu::test::gguf_builder& more) {
  quipu::test::gguf_builder file = more;
  const auto absent = [&](const std::string& name) {
    for (const std::string& key : more.keys) {
      if (key.starts_with(quipu::test::gguf_text(name))) return false;
    }
    return true;
  };
  const std::vector<std::string> tokens = {
      "<unk>", "<s>", "</s>", "a", "b", "ab", byte_level ? "\xC4\xA0" : "\xE2\x96\x81", "<x>", "1", "2", "3", "."};
  if (absent("tokenizer.ggml.model")) file.text("tokenizer.ggml.model", byte_level ? "gpt2" : "llama");
  if (absent("tokenizer.ggml.pre")) file.text("tokenizer.ggml.pre", "gpt-2");
  if (absent("tokenizer.ggml.tokens")) file.texts("tokenizer.ggml.tokens", tokens);
  if (absent("tokenizer.ggml.token_type"))
    file.array<std::int32_t>("tokenizer.ggml.token_type", 5, {2, 3, 3, 1, 1, 1, 1, 4, 1, 1, 1, 1});
  if (absent("tokenizer.ggml.merges")) file.texts("tokenizer.ggml.merges", {"a b", "1 2"});
  if (absent("tokenizer.ggml.scores"))
    file.array<float>("tokenizer.ggml.scores", 6, {0, 0, 0, -1, -2, -3, -4, 0, -5, -6, -7, -8});
  const quipu::test::temp_folder folder;
  return quipu::io::read_gguf_vocabulary(folder.write("small.gguf", file.bytes()));
}

key_ids gguf_ids(bool byte_level, const quipu::test::gguf_builder& more) {
  using namespace quipu::text;
  return encode_document(any_tokenizer(small_gguf(byte_level, more)), "ab <x>a 123.<s>", special::parse);
}

}  // namespace

// Source of what each key does: llama.cpp, src/llama-vocab.cpp, `llama_vocab::impl::load` and `tokenize`.
TEST_CASE("every tokenizer key of a GGUF file is applied, without effect or refused", "[text][tokenizer_keys]") {
  using builder = quipu::test::gguf_builder;
  const key_ids bytes = {5, 6, 7, 3, 6, 8, 9, 10, 11, 1};
  const key_ids pieces = {1, 6, 5, 6, 7, 6, 3, 6, 8, 9, 10, 11, 1};
  CHECK(gguf_ids(true, {}) == bytes);
  CHECK(gguf_ids(false, {}) == pieces);

  CHECK_THROWS_WITH(gguf_ids(true, builder().text("tokenizer.ggml.model", "t5")),
                    Catch::Contains("tokenizer.ggml.model") && Catch::Contains("t5"));
  CHECK_THROWS_WITH(gguf_ids(true, builder().text("tokenizer.ggml.pre", "kimi-k2")),
                    Catch::Contains("tokenizer.ggml.pre") && Catch::Contains("kimi-k2"));
  CHECK_THROWS_WITH(gguf_ids(true, builder().texts("tokenizer.ggml.merges", {"ab"})),
                    Catch::Contains("tokenizer.ggml.merges"));
  CHECK_THROWS_WITH(gguf_ids(true, builder().array<std::int32_t>("tokenizer.ggml.token_type", 5, {9})),
                    Catch::Contains("tokenizer.ggml.token_type"));
  CHECK(gguf_ids(true, builder().texts("tokenizer.ggml.merges", {"1 2"})) ==
        key_ids{3, 4, 6, 7, 3, 6, 8, 9, 10, 11, 1});
  CHECK(gguf_ids(true,
                 builder().array<std::int32_t>("tokenizer.ggml.token_type", 5, {2, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1})) ==
        key_ids{5, 6, 3, 6, 8, 9, 10, 11, 1});
  // Characters: an unknown byte without a token is the unk.
  CHECK(gguf_ids(false, builder().array<float>("tokenizer.ggml.scores", 6, std::vector<float>(12, 0.0f))) == pieces);
  CHECK(gguf_ids(false, builder().flag("tokenizer.ggml.add_space_prefix", false)) ==
        key_ids{1, 5, 6, 7, 3, 6, 8, 9, 10, 11, 1});
  CHECK(gguf_ids(false, builder().flag("tokenizer.ggml.add_bos_token", false)).front() == 6);
  CHECK(gguf_ids(false, builder().flag("tokenizer.ggml.add_eos_token", true)).back() == 2);
  CHECK(gguf_ids(false, builder().u32("tokenizer.ggml.bos_token_id", 3)).front() == 3);
  CHECK(gguf_ids(false, builder().u32("tokenizer.ggml.eos_token_id", 3).flag("tokenizer.ggml.add_eos_token", true))
            .back() == 3);
  CHECK(small_gguf(false, builder().u32("tokenizer.ggml.unknown_token_id", 3)).unk == 3);
  CHECK(small_gguf(false, builder().u32("tokenizer.ggml.padding_token_id", 3)).pad == 3);
  CHECK_THROWS_WITH(gguf_ids(true, builder().u32("tokenizer.ggml.bos_token_id", 99)),
                    Catch::Contains("tokenizer.ggml.bos_token_id"));
  CHECK(
      gguf_ids(true, builder().text("tokenizer.ggml.pre", "llama-bpe").u32("tokenizer.ggml.bos_token_id", 1)).front() ==
      1);
  CHECK(gguf_ids(true, builder().text("general.name", "A Phi-3 model")) == key_ids{5, 6, 7, 3, 6, 8, 9, 10, 11, 1});

  // Without effect on the ids of these two kinds, as in llama.cpp.
  const std::string prefix = "tokenizer.ggml.";
  for (const char* name :
       {"eot_token_id", "eom_token_id", "seperator_token_id", "cls_token_id", "mask_token_id", "fim_pre_token_id",
        "fim_suf_token_id", "fim_mid_token_id", "fim_pad_token_id", "fim_rep_token_id", "fim_sep_token_id",
        "prefix_token_id", "suffix_token_id", "middle_token_id", "token_type_count"}) {
    INFO(name);
    CHECK(gguf_ids(true, builder().u32(prefix + name, 3)) == bytes);
    CHECK(gguf_ids(false, builder().u32(prefix + name, 3)) == pieces);
  }
  for (const char* name :
       {"add_sep_token", "remove_extra_whitespaces", "normalizer.lowercase", "normalizer.strip_accents"}) {
    INFO(name);
    CHECK(gguf_ids(true, builder().flag(prefix + name, true)) == bytes);
    CHECK(gguf_ids(false, builder().flag(prefix + name, true)) == pieces);
  }
  CHECK(gguf_ids(false, builder().array<std::uint8_t>(prefix + "precompiled_charsmap", 0, {1, 2, 3})) == pieces);
  CHECK(gguf_ids(true, builder().array<std::int32_t>(prefix + "suppress_tokens", 5, {1})) == bytes);
  for (const char* name : {"tokenizer.huggingface.json", "tokenizer.rwkv.world", "tokenizer.chat_template"}) {
    CHECK(gguf_ids(true, builder().text(name, "{}")) == bytes);
  }
}
