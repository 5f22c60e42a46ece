#include <quipu/prosparse/corpus.hpp>

#include <algorithm>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/core/mapped_file.hpp>
#include <quipu/io/read_vocabulary.hpp>
#include <quipu/text/any_tokenizer.hpp>

#include "support/json_file.hpp"
#include "support/shared_data.hpp"
#include "support/temp_folder.hpp"

namespace prosparse = quipu::prosparse;
namespace test = quipu::test;

TEST_CASE("the stories become the reference's stream of tokens", "[prosparse]") {
  const auto folder = test::golden_case("prosparse_stories260K");
  QUIPU_NEEDS(folder);
  const auto path = test::shared_root() / "data" / "text" / "tinystories" / "tiny_stories_944k.txt";
  QUIPU_NEEDS(path);
  const auto reference = test::read_json(folder / "trajectory.json")["data"];
  const quipu::text::any_tokenizer tokenizer(
      quipu::io::read_vocabulary((test::shared_root() / "data" / "models" / "stories260K" / "tok512.model").string()));
  const std::string text = test::read_bytes(path);
  const prosparse::corpus_settings settings{prosparse::document_split::single_lines, true, 0.1};
  const auto documents = prosparse::documents_of(text, settings);
  CHECK(documents.size() == reference["stories"].get<std::size_t>());
  CHECK(prosparse::n_training_document(documents, 0.1) == reference["train_stories"].get<std::size_t>());
  const auto made = prosparse::make_corpus(tokenizer, text, settings);
  CHECK(made.training.size() == reference["train_tokens"].get<std::size_t>());
  CHECK(made.validation.size() == reference["val_tokens"].get<std::size_t>());
  CHECK(made.training_starts.size() == reference["train_stories"].get<std::size_t>());
  const std::string bytes = test::read_bytes(folder / "tokens_u16.bin");
  REQUIRE(bytes.size() / 2 <= made.training.size());
  std::size_t n_other = 0;
  for (std::size_t i = 0; i < bytes.size() / 2; ++i) {
    const int expected = static_cast<unsigned char>(bytes[2 * i]) | static_cast<unsigned char>(bytes[2 * i + 1]) << 8;
    n_other += made.training[i] != expected;
  }
  CHECK(n_other == 0);
  for (const std::size_t start : made.training_starts) CHECK(made.training[start] == tokenizer.bos());

  const auto whole = prosparse::make_corpus(tokenizer, documents[0], {prosparse::document_split::whole, false, 0.25});
  CHECK(whole.training_starts == std::vector<std::size_t>{0});
  const auto all = quipu::text::encode_document(tokenizer, documents[0]);
  CHECK(whole.training.size() + whole.validation.size() == all.size());
  CHECK(std::equal(whole.training.begin(), whole.training.end(), all.begin()));
}
