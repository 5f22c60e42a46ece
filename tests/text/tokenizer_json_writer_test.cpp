#include <quipu/text/tokenizer_json_writer.hpp>

#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <quipu/text/any_tokenizer.hpp>
#include <quipu/text/tokenizer.hpp>  // encode_document
#include <quipu/text/tokenizer_folder.hpp>

#include "support/shared_data.hpp"
#include "support/temp_folder.hpp"
#include "support/vocabularies.hpp"

namespace quipu_tokenizer_json_writer_test {

using namespace quipu::text;

namespace {

constexpr const char* shared_vocabularies[] = {"gpt-2", "llama-bpe", "qwen2", "smollm2", "llama2"};

// The golden texts, and strings of pieces at which tokenizers go wrong.
std::vector<std::string> texts_for(const std::string& name) {
  std::vector<std::string> texts;
  for (const auto& one : quipu::test::read_cases(quipu::test::golden_case("tokenizers") / (name + ".json"))) {
    texts.push_back(one.at("text").get<std::string>());
  }
  const std::vector<std::string> parts = {
      " ",      "\n",      "\t",  "  ",   "\u2581",       "a",     "B",  "\u00df", "\u6f22", "1", "234", "'s",
      "\u00a0", "e\u0301", "<s>", "</s>", "<|im_start|>", "<unk>", "ll", "."};
  std::mt19937 engine(1);
  for (int i = 0; i < 500; ++i) {
    std::string text;
    for (auto n = engine() % 30; n-- > 0;) text += parts[engine() % parts.size()];
    texts.push_back(text);
  }
  return texts;
}

vocabulary reread(const quipu::test::temp_folder& folder, const vocabulary& source) {
  folder.write("tokenizer.json", tokenizer_json_text(source));
  folder.write("tokenizer_config.json", tokenizer_config_text(source));
  return read_tokenizer_folder(folder.path().string());
}

}  // namespace

TEST_CASE("written tokenizers give the ids of the originals in our reader", "[text][tokenizer_json_writer]") {
  QUIPU_NEEDS(quipu::test::golden_case("tokenizers"));
  for (const std::string name : shared_vocabularies) {
    INFO(name);
    const auto path = quipu::test::vocabulary_path(name);
    if (path.empty()) continue;
    const quipu::test::temp_folder folder;
    const vocabulary source = quipu::test::read_vocabulary(path);
    const vocabulary read = reread(folder, source);
    CHECK((read.bos == source.bos && read.eos == source.eos && read.unk == source.unk && read.pad == source.pad));
    CHECK((read.add_bos == source.add_bos && read.add_eos == source.add_eos));
    CHECK((read.add_space_prefix == source.add_space_prefix && read.ignore_merges == source.ignore_merges));
    CHECK(read.tokens == source.tokens);
    if (source.kind == tokenizer_kind::byte_level_bpe) CHECK(read.merges == source.merges);
    CHECK(read.chat_template == source.chat_template);
    const any_tokenizer theirs(source), ours(read);
    for (const std::string& text : texts_for(name)) {
      INFO(text);
      CHECK(ours.encode(text) == theirs.encode(text));
      const auto ids = theirs.encode(text, special::parse);
      CHECK(ours.encode(text, special::parse) == ids);
      for (const auto id : ids) {
        // The unknown token is special in a tokenizer.json and decodes to nothing; SentencePiece shows it.
        if (id != source.unk) CHECK(ours.piece(id) == theirs.piece(id));
      }
    }
  }
}

TEST_CASE("written tokenizers give the ids of the originals in Hugging Face's library",
          "[text][tokenizer_json_interop]") {
  QUIPU_NEEDS(quipu::test::golden_case("tokenizers"));
  const auto script = std::filesystem::path(__FILE__).parent_path().parent_path() / "interop" / "tokenizer_json.py";
  const std::string chosen = quipu::test::setting("QUIPU_PYTHON");
  const std::string python = chosen.empty() ? "python3" : chosen;
  for (const std::string name : shared_vocabularies) {
    INFO(name);
    const auto path = quipu::test::vocabulary_path(name);
    if (path.empty()) continue;
    const quipu::test::temp_folder folder;
    const vocabulary source = quipu::test::read_vocabulary(path);
    const any_tokenizer tokenizer(source);
    nlohmann::json expected = {{"around", encode_document(tokenizer, "")}, {"cases", nlohmann::json::array()}};
    for (const std::string& text : texts_for(name)) {
      expected["cases"].push_back({{"text", text}, {"ids", tokenizer.encode(text, special::parse)}});
    }
    folder.write("tokenizer.json", tokenizer_json_text(source));
    folder.write("expected.json", expected.dump());
    const std::string command = python + " '" + script.string() + "' '" + folder.file("tokenizer.json") + "' '" +
                                folder.file("expected.json") + "' > '" + folder.file("said") + "' 2>&1";
    const int status = std::system(command.c_str());
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    INFO(quipu::test::read_bytes(folder.file("said")));
    if (code == 77 || code == 127) {
      quipu::test::note_missing_tool("no tokenizers (pip install tokenizers; QUIPU_PYTHON names the interpreter)");
      return;
    }
    CHECK(code == 0);
  }
}

TEST_CASE("tokens that are matched as a whole, and what stands around a text, are stated",
          "[text][tokenizer_json_writer]") {
  auto v = quipu::test::tiny_sentencepiece({"a", "b", "ab", "\u2581", "\u2581x", "<tool>"}, {-4, -5, -1, -2, -3, 0});
  v.kinds[v.tokens.size() - 2] = token_kind::user_defined;
  v.kinds.back() = token_kind::control;
  v.add_eos = true;
  v.chat_template = "{{ 'x' }}";
  const auto document = nlohmann::json::parse(tokenizer_json_text(v));
  CHECK(document["added_tokens"].size() == 5);
  CHECK(document["added_tokens"][3]["content"] == " x");  // looked for in the text as it is
  CHECK(document["added_tokens"][3]["special"] == false);
  CHECK(document["added_tokens"][4]["special"] == true);
  CHECK(document["model"]["merges"].dump() == R"([["a","b"]])");
  CHECK(document["model"]["unk_token"] == "<unk>");
  CHECK(document["post_processor"]["single"].size() == 3);
  CHECK(document["post_processor"]["special_tokens"]["<s>"]["ids"] == nlohmann::json({1}));
  const quipu::test::temp_folder folder;
  const any_tokenizer theirs(v), ours(reread(folder, v));
  for (const char* text : {"ab xab", "a<tool>b x", " x", "ab<s>ba"}) {
    INFO(text);
    CHECK(ours.encode(text) == theirs.encode(text));
    CHECK(ours.encode(text, special::parse) == theirs.encode(text, special::parse));
  }
  v.add_space_prefix = false;
  const any_tokenizer bare(v), read(reread(folder, v));
  CHECK(read.encode("ab a") == bare.encode("ab a"));
  CHECK(read.vocab().add_eos);
  CHECK(read.vocab().chat_template == v.chat_template);
}

TEST_CASE("what cannot be written is refused", "[text][tokenizer_json_writer]") {
  CHECK_THROWS_AS(tokenizer_json_text({}), quipu::config_error);
  CHECK_THROWS_AS(tokenizer_config_text({}), quipu::config_error);
  auto v = quipu::test::tiny_byte_level({{"a", "b"}});
  CHECK_NOTHROW(tokenizer_json_text(v));
  v.pre_tokenizer = "another";
  CHECK_THROWS_AS(tokenizer_json_text(v), quipu::config_error);
  v.pre_tokenizer = "gpt-2";
  v.tokens.back() = "\xff";
  CHECK_THROWS_WITH(tokenizer_json_text(v), Catch::Contains("UTF-8"));
}

}  // namespace quipu_tokenizer_json_writer_test
