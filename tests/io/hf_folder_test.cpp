#include <quipu/io/hf_folder.hpp>

#include <filesystem>
#include <functional>
#include <string>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <quipu/io/open_checkpoint.hpp>
#include <quipu/io/tensor_values.hpp>

#include "support/shared_data.hpp"
#include "support/temp_folder.hpp"

using Catch::Contains;
using quipu::io::open_checkpoint;
using quipu::test::golden_case;
using quipu::test::read_bytes;

namespace {

const char* const golden_models[] = {"mha_untied", "gqa_tied_odd", "mqa_headdim", "llama3_rope",
                                     "linear_rope", "relu",         "sharded_bf16", "biased"};

}  // namespace

TEST_CASE("the golden folders open with the sizes of their config.json", "[io][hf_folder]") {
  for (const char* name : golden_models) {
    INFO(name);
    const auto folder = golden_case(name);
    QUIPU_NEEDS(folder);
    const auto opened = open_checkpoint(folder.string());
    const auto stated = nlohmann::json::parse(read_bytes(folder / "config.json"));
    const auto& config = opened.config;
    CHECK(config.d_model == stated.at("hidden_size"));
    CHECK(config.d_ffn == stated.at("intermediate_size"));
    CHECK(config.n_layer == stated.at("num_hidden_layers"));
    CHECK(config.n_head == stated.at("num_attention_heads"));
    CHECK(config.n_kv_head == stated.at("num_key_value_heads"));
    CHECK(config.n_vocab == stated.at("vocab_size"));
    CHECK(config.d_head == stated.value("head_dim", config.d_model / config.n_head));
    CHECK(config.rms_norm_eps == stated.at("rms_norm_eps"));
    CHECK(config.tied_embeddings == stated.at("tie_word_embeddings"));
    CHECK(config.attention_bias == stated.at("attention_bias"));
    CHECK(config.mlp_bias == stated.at("mlp_bias"));
    CHECK(config.hidden_act == stated.at("hidden_act"));
    CHECK(config.bos == stated.at("bos_token_id"));
    CHECK(config.eos == stated.at("eos_token_id"));
    CHECK(opened.rope == quipu::io::rope_layout::halves);
    const std::string dtype = stated.value("torch_dtype", stated.value("dtype", ""));
    const auto type = dtype == "bfloat16" ? quipu::tensor_type::bf16 : quipu::tensor_type::f32;
    for (const auto& [tensor_name, tensor] : opened.tensors) CHECK(tensor.type == type);
    CHECK((opened.find("lm_head.weight") == nullptr) == config.tied_embeddings);
  }
}

TEST_CASE("rotary settings are read from both homes", "[io][hf_folder]") {
  QUIPU_NEEDS(golden_case("llama3_rope"));
  const auto llama3 = open_checkpoint(golden_case("llama3_rope").string()).config.scaling;
  const auto stated = nlohmann::json::parse(read_bytes(golden_case("llama3_rope") / "config.json")).at("rope_scaling");
  CHECK(llama3.type == quipu::io::rope_scaling::kind::llama3);
  CHECK(llama3.factor == stated.at("factor"));
  CHECK(llama3.low_freq_factor == stated.at("low_freq_factor"));
  CHECK(llama3.high_freq_factor == stated.at("high_freq_factor"));
  CHECK(llama3.original_n_ctx == stated.at("original_max_position_embeddings"));
  const auto linear = open_checkpoint(golden_case("linear_rope").string()).config;
  const auto nested =
      nlohmann::json::parse(read_bytes(golden_case("linear_rope") / "config.json")).at("rope_parameters");
  CHECK(linear.scaling.type == quipu::io::rope_scaling::kind::linear);
  CHECK(linear.scaling.factor == nested.at("factor"));
  CHECK(linear.rope_theta == nested.at("rope_theta"));
  const auto odd = golden_case("gqa_tied_odd");
  CHECK(open_checkpoint(odd.string()).config.rope_theta ==
        nlohmann::json::parse(read_bytes(odd / "config.json")).at("rope_theta"));
}

TEST_CASE("shards and index must agree", "[io][hf_folder]") {
  const auto golden = golden_case("sharded_bf16");
  QUIPU_NEEDS(golden);
  const auto expect_refusal = [&](const std::function<void(nlohmann::json&)>& change, const std::string& reason) {
    const quipu::test::temp_folder folder;
    for (const auto& entry : std::filesystem::directory_iterator(golden)) {
      folder.write(entry.path().filename().string(), read_bytes(entry.path()));
    }
    auto index = nlohmann::json::parse(read_bytes(golden / "model.safetensors.index.json"));
    change(index);
    folder.write("model.safetensors.index.json", index.dump());
    CHECK_THROWS_WITH(open_checkpoint(folder.path().string()), Contains(reason));
    CHECK_THROWS_AS(open_checkpoint(folder.path().string()), quipu::error);
  };
  const std::string norm = "model.norm.weight";
  expect_refusal([&](auto& index) { index["weight_map"][norm] = "../secret"; }, "same folder");
  expect_refusal([&](auto& index) { index["weight_map"][norm] = 3; }, "same folder");
  expect_refusal([&](auto& index) { index["weight_map"][norm] = "none.safetensors"; }, "none.safetensors");
  expect_refusal([&](auto& index) { index["weight_map"].erase(norm); }, "does not name");
  expect_refusal([&](auto& index) {
    auto& home = index["weight_map"][norm];
    home = home == "model-00001-of-00002.safetensors" ? "model-00002-of-00002.safetensors"
                                                      : "model-00001-of-00002.safetensors";
  }, "none of that name");
  expect_refusal([&](auto& index) { index.erase("weight_map"); }, "weight_map");
}

TEST_CASE("folders that are no checkpoint say why", "[io][hf_folder]") {
  const quipu::test::temp_folder folder;
  CHECK_THROWS_WITH(open_checkpoint(folder.path().string()), Contains("config.json"));
  CHECK_THROWS_AS(open_checkpoint(folder.file("none")), quipu::error);
  folder.write("config.json", "{}");
  CHECK_THROWS_WITH(open_checkpoint(folder.path().string()), Contains("hidden_size"));
}

TEST_CASE("a folder's tokenizer is read and filled up to the embedding's rows", "[io][hf_folder]") {
  const auto golden = golden_case("mha_untied");
  QUIPU_NEEDS(golden);
  const quipu::test::temp_folder folder;
  for (const char* name : {"config.json", "model.safetensors"}) folder.write(name, read_bytes(golden / name));
  CHECK(open_checkpoint(folder.path().string()).vocabulary.kind == quipu::text::tokenizer_kind::none);
  folder.write("tokenizer.json", R"({"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]},)"
                                 R"("added_tokens":[],"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false},)"
                                 R"("decoder":{"type":"ByteLevel"}})");
  folder.write("tokenizer_config.json", R"({"eos_token":"b","chat_template":"{{ x }}"})");
  const auto opened = open_checkpoint(folder.path().string());
  const auto& v = opened.vocabulary;
  REQUIRE(v.tokens.size() == opened.config.n_vocab);
  CHECK(v.kinds.size() == opened.config.n_vocab);
  CHECK(v.tokens[2] == "ab");
  CHECK(v.tokens[3] == "[PAD3]");
  CHECK(v.kinds[3] == quipu::text::token_kind::unused);
  CHECK(v.eos == 1);
  CHECK(v.chat_template == "{{ x }}");
  nlohmann::json more = nlohmann::json::parse(read_bytes(folder.file("tokenizer.json")));
  for (std::size_t i = 3; i <= opened.config.n_vocab; ++i) more["model"]["vocab"]["x" + std::to_string(i)] = i;
  folder.write("tokenizer.json", more.dump());
  CHECK_THROWS_WITH(open_checkpoint(folder.path().string()), Contains("one an embedding row"));
}
