#include <quipu/notes/bert_encoder.hpp>

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/data/eren_sets.hpp>
#include <quipu/notes/dense_retriever.hpp>
#include <quipu/notes/hnsw_index.hpp>

#include "support/golden.hpp"
#include "support/sentence_encoder.hpp"
#include "support/temp_folder.hpp"

using namespace quipu;

TEST_CASE("the sentence encoder gives the reference ids and embeddings", "[notes][bert_encoder]") {
  QUIPU_NEEDS(test::golden_case("minilm"));
  const auto folder = test::sentence_encoder_path();
  if (folder.empty()) return;
  const test::golden golden("minilm");
  const auto& cases = golden.json().at("cases");
  const notes::bert_encoder encoder(folder.string(), golden.json().at("max_length").get<std::size_t>());
  const auto shape = golden.shape("embeddings");
  REQUIRE(shape == std::vector<std::size_t>{cases.size(), encoder.dimension()});
  const auto expected = golden.values<double>("embeddings");
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const auto text = cases[i].at("text").get<std::string>();
    INFO(text.substr(0, 60));
    CHECK(encoder.tokens_of(text) == cases[i].at("ids").get<std::vector<token_id>>());
    const std::vector<float> found = encoder.encode(text);
    const std::vector<double> row(expected.begin() + static_cast<std::ptrdiff_t>(i * shape[1]),
                                  expected.begin() + static_cast<std::ptrdiff_t>((i + 1) * shape[1]));
    CHECK(test::max_abs_difference(found, row) < 1e-5);
    CHECK(encoder.encode(text) == found);
  }
}

TEST_CASE("dense retrieval finds notes of CounterFact-Hard", "[notes][bert_encoder]") {
  const auto path = test::shared_root() / "data" / "edit" / "eren" / "cfh_filtered.json";
  QUIPU_NEEDS(path);
  const auto folder = test::sentence_encoder_path();
  if (folder.empty()) return;
  const auto cases = data::read_counterfact_hard(path.string());
  notes::dense_retriever<notes::bert_encoder> index{notes::bert_encoder(folder.string(), 64)};
  std::vector<std::size_t> development;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    if (data::part_of(cases[i].id) != data::data_part::development || development.size() == 60) continue;
    development.push_back(i);
    index.add(static_cast<notes::note_id>(i + 1), notes::without_final_period(cases[i].notes.front()));
  }
  std::size_t n = 0, n_found = 0;
  for (const std::size_t i : development) {
    if (cases[i].in_scope.empty()) continue;
    const auto found = index.retrieve(cases[i].in_scope.front().question, 5);
    for (const auto& hit : found) n_found += hit.id == static_cast<notes::note_id>(i + 1) ? 1 : 0;
    ++n;
  }
  CHECK(static_cast<double>(n_found) / static_cast<double>(n) > 0.97);
}

TEST_CASE("folders that hold no BERT are refused", "[notes][bert_encoder]") {
  const test::temp_folder folder;
  CHECK_THROWS_AS(notes::bert_encoder(folder.path().string()), io_error);
  folder.write("tokenizer.json", R"({"model": {"type": "WordPiece", "vocab": {"[CLS]": 0, "[SEP]": 1, "[UNK]": 2}}})");
  CHECK_THROWS_AS(notes::bert_encoder(folder.path().string()), io_error);
  folder.write("config.json", R"({"model_type": "llama"})");
  CHECK_THROWS_AS(notes::bert_encoder(folder.path().string()), format_error);
  const std::string good =
      R"({"model_type": "bert", "hidden_act": "gelu", "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2,
                               "intermediate_size": 16, "vocab_size": 3, "max_position_embeddings": 16})";
  folder.write("config.json", good);
  CHECK_THROWS_AS(notes::bert_encoder(folder.path().string(), 17), config_error);
  CHECK_THROWS_AS(notes::bert_encoder(folder.path().string(), 16), io_error);  // no weights
  folder.write("config.json", std::string(good).replace(good.find("\"hidden_size\": 8"), 16, "\"hidden_size\": 9"));
  CHECK_THROWS_WITH(notes::bert_encoder(folder.path().string(), 16), Catch::Contains("hidden_size"));
}
