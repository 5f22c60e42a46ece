#include <catch2/catch.hpp>
#include <quipu/text/tokenizer_folder.hpp>
#include <quipu/text/tokenizer_json.hpp>
#include <string>

#include "support/hostile.hpp"
#include "support/temp_folder.hpp"
#include "support/vocabularies.hpp"

using namespace quipu::text;
using quipu::format_error;

namespace {

const std::string small_tokenizer = R"({
  "added_tokens": [{"id": 1, "content": "<s>", "special": true}, {"id": 2, "content": "</s>", "special": true}],
  "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false},
  "model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}})";

vocabulary with_config(const std::string& config) {
  vocabulary v = parse_tokenizer_json(small_tokenizer, "tokenizer.json");
  apply_tokenizer_config(v, config, "tokenizer_config.json");
  return v;
}

}  // namespace

TEST_CASE("tokenizer_config.json completes a vocabulary", "[text][tokenizer_folder]") {
  const vocabulary v =
      with_config(R"({"bos_token": "<s>", "eos_token": {"content": "</s>"}, "pad_token": null,
                                       "add_bos_token": true, "chat_template": "{{ x }}"})");
  CHECK(v.bos == 1);
  CHECK(v.eos == 2);
  CHECK(v.pad == quipu::no_token);
  CHECK(v.add_bos);
  CHECK_FALSE(v.add_eos);
  CHECK(v.chat_template == "{{ x }}");
  CHECK(with_config(R"({"eos_token": "<none>"})").eos == quipu::no_token);
  CHECK(
      with_config(
          R"({"chat_template": [{"name": "rag", "template": "r"}, {"name": "default", "template": "d"}]})")
          .chat_template == "d");
}

TEST_CASE("a wrong tokenizer_config.json is refused", "[text][tokenizer_folder]") {
  for (const char* text :
       {"", "[]", R"({"bos_token": 1})", R"({"bos_token": {"content": 1}})",
        R"({"add_bos_token": "yes"})", R"({"chat_template": 5})", R"({"chat_template": [1]})",
        R"({"chat_template": [{"name": "default", "template": 1}]})", "{\"a\": \"\xFF\"}"}) {
    CHECK_THROWS_AS(with_config(text), format_error);
  }
  const std::string good =
      nlohmann::json::parse(
          R"({"bos_token": "<s>", "chat_template": [{"name": "default", "template": "d"}]})")
          .dump();
  const auto read = [](std::span<const std::byte> damaged) {
    (void)with_config({reinterpret_cast<const char*>(damaged.data()), damaged.size()});
  };
  CHECK(quipu::test::truncations(good, read).accepted == 0);
  CHECK(quipu::test::flips(good, read).refused > 0);
}

TEST_CASE("a folder's files are read together", "[text][tokenizer_folder]") {
  const quipu::test::temp_folder folder;
  CHECK(read_tokenizer_folder(folder.path().string()).kind == tokenizer_kind::none);
  folder.write("tokenizer.json", small_tokenizer);
  folder.write("tokenizer_config.json", R"({"eos_token": "</s>", "chat_template": "old"})");
  CHECK(read_tokenizer_folder(folder.path().string()).chat_template == "old");
  folder.write("chat_template.jinja", "of its own file");
  const vocabulary v = read_tokenizer_folder(folder.path().string());
  CHECK(v.kind == tokenizer_kind::byte_level_bpe);
  CHECK(v.eos == 2);
  CHECK(v.chat_template == "of its own file");
}

TEST_CASE("tokenizer.model serves where there is no tokenizer.json", "[text][tokenizer_folder]") {
  const auto path = quipu::test::shared_root() / "data/models/stories260K/tok512.model";
  QUIPU_NEEDS(path);
  const quipu::test::temp_folder folder;
  folder.write("tokenizer.model", quipu::test::read_bytes(path));
  CHECK(read_tokenizer_folder(folder.path().string()).tokens.size() == 512);
}
