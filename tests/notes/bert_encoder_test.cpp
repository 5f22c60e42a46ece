#include <quipu/notes/bert_encoder.hpp>

#include <cmath>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/core/tensor_type.hpp>
#include <quipu/data/eren_sets.hpp>
#include <quipu/io/checkpoint.hpp>
#include <quipu/io/safetensors_writer.hpp>
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
    if (data::part_of(cases[i]) != data::data_part::development || development.size() == 60) continue;
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

namespace {

using bert_entries = std::map<std::string, std::vector<std::size_t>>;

// The tensors of a model of width 4 with one layer.
bert_entries small_bert_shapes() {
  const std::string at = "encoder.layer.0.";
  bert_entries shapes = {{"embeddings.word_embeddings.weight", {5, 4}},
                         {"embeddings.position_embeddings.weight", {16, 4}},
                         {"embeddings.token_type_embeddings.weight", {2, 4}}};
  for (const auto& [name, n_out, n_in] :
       {std::tuple("attention.self.query", 4, 4), std::tuple("attention.self.key", 4, 4),
        std::tuple("attention.self.value", 4, 4), std::tuple("attention.output.dense", 4, 4),
        std::tuple("intermediate.dense", 6, 4), std::tuple("output.dense", 4, 6)}) {
    shapes[at + name + ".weight"] = {static_cast<std::size_t>(n_out), static_cast<std::size_t>(n_in)};
    shapes[at + name + ".bias"] = {static_cast<std::size_t>(n_out)};
  }
  for (const std::string& name :
       {std::string("embeddings.LayerNorm"), at + "attention.output.LayerNorm", at + "output.LayerNorm"}) {
    shapes[name + ".weight"] = {4};
    shapes[name + ".bias"] = {4};
  }
  return shapes;
}

void write_small_bert(const test::temp_folder& folder, const bert_entries& shapes, float value,
                      const std::string& more = "") {
  folder.write("tokenizer.json",
               R"({"model": {"type": "WordPiece", "vocab": {"[CLS]": 0, "[SEP]": 1, "[UNK]": 2, "a": 3, "b": 4}}})");
  folder.write("config.json",
               R"({"model_type": "bert", "hidden_size": 4, "num_hidden_layers": 1, "num_attention_heads": 2,
                                  "intermediate_size": 6, "vocab_size": 5, "max_position_embeddings": 16)" +
                   more + "}");
  std::map<std::string, io::tensor_view, std::less<>> tensors;
  const std::vector<float> values(100, value);
  for (const auto& [name, shape] : shapes) {
    std::size_t n = 1;
    for (const std::size_t extent : shape) n *= extent;
    tensors[name] = {tensor_type::f32, shape, std::as_bytes(std::span(values.data(), n))};
  }
  io::write_safetensors(folder.file("model.safetensors"), tensors, {});
}

}  // namespace

TEST_CASE("a sentence encoder whose tensors or settings do not fit is refused", "[notes][bert_encoder]") {
  const test::temp_folder folder;
  const auto open = [&] { return notes::bert_encoder(folder.path().string(), 8); };
  const bert_entries good = small_bert_shapes();
  write_small_bert(folder, good, 0.5f);
  CHECK(open().encode("a b").size() == 4);
  const std::string kinds = "embeddings.token_type_embeddings.weight";
  // Without rows there would be nothing to read.
  for (const std::vector<std::size_t>& shape :
       std::vector<std::vector<std::size_t>>{{}, {0, 4}, {4}, {2, 3}, {1, 2, 4}}) {
    bert_entries changed = good;
    changed[kinds] = shape;
    write_small_bert(folder, changed, 0.5f);
    CHECK_THROWS_WITH(open(), Catch::Contains(kinds) && Catch::Contains("expected shape"));
    changed.erase(kinds);
    changed["bert." + kinds] = shape;
    write_small_bert(folder, changed, 0.5f);
    CHECK_THROWS_WITH(open(), Catch::Contains(kinds) && Catch::Contains("expected shape"));
  }
  bert_entries one = good;
  one[kinds] = {1, 4};
  write_small_bert(folder, one, 0.5f);
  CHECK_NOTHROW(open());
  for (const char* epsilon : {"-1e-3", "-1e30", "2", "1e39", "\"x\"", "null"}) {
    INFO(epsilon);
    write_small_bert(folder, good, 0.5f, std::string(", \"layer_norm_eps\": ") + epsilon);
    CHECK_THROWS_WITH(open(), Catch::Contains("layer_norm_eps: expected 0 to 1"));
  }
  write_small_bert(folder, good, NAN);
  CHECK_THROWS_WITH(open(), Catch::Contains("finite"));
  write_small_bert(folder, good, 3e38f);
  CHECK_THROWS_AS(open().encode("a b"), numeric_error);
  std::filesystem::remove(folder.file("config.json"));
  std::filesystem::create_directory(folder.file("config.json"));
  CHECK_THROWS_WITH(open(), Catch::Contains("expected a regular file, found a directory"));
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
