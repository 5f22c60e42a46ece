#include <quipu/io/tokenizer_files.hpp>

#include <filesystem>
#include <fstream>
#include <string>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <quipu/io/hf_writer.hpp>
#include <quipu/io/open_checkpoint.hpp>
#include <quipu/io/read_vocabulary.hpp>
#include <quipu/text/tokenizer_folder.hpp>

#include "support/random_checkpoint.hpp"
#include "support/temp_folder.hpp"
#include "support/vocabularies.hpp"

namespace quipu_tokenizer_files_test {

using quipu::io::write_tokenizer_files;
using quipu::test::read_bytes;

namespace {

quipu::io::checkpoint small_model() {
  auto config = quipu::test::small_config();
  config.end_tokens = {2, 4};
  auto made = quipu::test::random_checkpoint(config);
  made.vocabulary = quipu::test::small_vocabulary();
  return made;
}

}  // namespace

TEST_CASE("a vocabulary from another form becomes the files of a folder that opens", "[io][tokenizer_files]") {
  const quipu::test::temp_folder root;
  const auto source = small_model();
  const auto folder = root.path() / "hf";
  quipu::io::write_hf_folder(folder, source);
  std::ofstream(folder / "chat_template.jinja") << "of an earlier model";
  CHECK(write_tokenizer_files(folder, source, "model.gguf"));
  CHECK_FALSE(std::filesystem::exists(folder / "chat_template.jinja"));
  const auto opened = quipu::io::open_checkpoint(folder.string());
  CHECK(opened.vocabulary.tokens == source.vocabulary.tokens);
  CHECK(opened.vocabulary.chat_template == source.vocabulary.chat_template);
  CHECK(opened.vocabulary.add_bos);
  CHECK(opened.vocabulary.add_space_prefix);
  CHECK(opened.config.end_tokens == source.config.end_tokens);
  const auto generation = nlohmann::json::parse(read_bytes(folder / "generation_config.json"));
  CHECK(generation == nlohmann::json({{"bos_token_id", 1}, {"eos_token_id", {2, 4}}}));
}

TEST_CASE("the files of a folder are copied as they are", "[io][tokenizer_files]") {
  const quipu::test::temp_folder root;
  const auto source = small_model();
  const auto from = root.path() / "from", to = root.path() / "to";
  quipu::io::write_hf_folder(from, source);
  quipu::io::write_hf_folder(to, source);
  write_tokenizer_files(from, source, "model.gguf");
  std::ofstream(from / "special_tokens_map.json") << "{}";
  std::ofstream(from / "chat_template.jinja") << "{{ messages }}";
  std::ofstream(to / "merges.txt") << "of an earlier model";
  auto other = source;
  other.vocabulary.tokens[3] = "not asked";
  CHECK(write_tokenizer_files(to, other, from));
  for (const char* name : {"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja",
                           "generation_config.json"}) {
    INFO(name);
    CHECK(read_bytes(from / name) == read_bytes(to / name));
  }
  CHECK_FALSE(std::filesystem::exists(to / "merges.txt"));
  CHECK(write_tokenizer_files(to, other, to));  // in place: nothing happens to them
  CHECK(read_bytes(from / "tokenizer.json") == read_bytes(to / "tokenizer.json"));
}

TEST_CASE("one file of a tokenizer is copied, the rest made", "[io][tokenizer_files]") {
  const auto model = quipu::test::vocabulary_path("llama2");
  QUIPU_NEEDS(model);
  const quipu::test::temp_folder root;
  quipu::io::checkpoint source;
  source.vocabulary = quipu::io::read_vocabulary(model.string(), 32000);
  CHECK(write_tokenizer_files(root.path(), source, model));
  CHECK(read_bytes(root.path() / "tokenizer.model") == read_bytes(model));
  const auto read = quipu::text::read_tokenizer_folder(root.path().string());
  CHECK(read.tokens == source.vocabulary.tokens);
  CHECK((read.bos == 1 && read.eos == 2 && read.add_bos && !read.add_eos));
}

TEST_CASE("without a vocabulary there is no tokenizer", "[io][tokenizer_files]") {
  const quipu::test::temp_folder root;
  auto source = small_model();
  source.vocabulary = {};
  CHECK_FALSE(write_tokenizer_files(root.path(), source, "model.bin"));
  CHECK_FALSE(std::filesystem::exists(root.path() / "tokenizer.json"));
  CHECK(std::filesystem::exists(root.path() / "generation_config.json"));
}

}  // namespace quipu_tokenizer_files_test
