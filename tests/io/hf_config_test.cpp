#include <quipu/io/hf_config.hpp>

#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "support/hostile.hpp"

using Catch::Contains;
using nlohmann::json;
using quipu::io::parse_hf_config;

namespace {

json small() {
  return {{"hidden_size", 8}, {"intermediate_size", 12}, {"num_hidden_layers", 2}, {"num_attention_heads", 4},
          {"vocab_size", 10}, {"model_type", "llama"},   {"architectures", {"LlamaForCausalLM"}}};
}

quipu::io::model_config with(const json& changes) {
  json config = small();
  config.update(changes);
  return parse_hf_config(config.dump(), "x");
}

void check_refused(const json& changes, const std::string& reason) {
  INFO(changes.dump());
  CHECK_THROWS_AS(with(changes), quipu::format_error);
  CHECK_THROWS_WITH(with(changes), Contains(reason));
}

}  // namespace

TEST_CASE("absent fields get transformers' defaults", "[io][hf_config]") {
  const auto config = with(json::object());
  CHECK(config.n_kv_head == 4);
  CHECK(config.d_head == 2);
  CHECK(config.n_ctx == 2048);
  CHECK(config.rms_norm_eps == 1e-6);
  CHECK(config.rope_theta == 10000);
  CHECK(config.hidden_act == "silu");
  CHECK((!config.tied_embeddings && !config.attention_bias && !config.mlp_bias));
  CHECK((config.bos == quipu::no_token && config.eos == quipu::no_token && config.end_tokens.empty()));
}

TEST_CASE("token ids may be lists, null or absent", "[io][hf_config]") {
  const auto config = with({{"eos_token_id", {7, 8, 9}}, {"bos_token_id", nullptr}});
  CHECK(config.eos == 7);
  CHECK(config.end_tokens == std::vector<quipu::token_id>{7, 8, 9});
  CHECK(config.bos == quipu::no_token);
  CHECK(with({{"bos_token_id", {3}}}).bos == 3);
  CHECK(with({{"eos_token_id", -1}}).eos == quipu::no_token);
  check_refused({{"eos_token_id", 10}}, "below 10");
  check_refused({{"eos_token_id", {1, "2"}}}, "eos_token_id");
  check_refused({{"eos_token_id", 1.5}}, "eos_token_id");
  check_refused({{"eos_token_id", 18446744073709551615u}}, "eos_token_id");
}

TEST_CASE("rotary settings of old and new files", "[io][hf_config]") {
  CHECK(with({{"rope_theta", 5e5}, {"rope_scaling", nullptr}}).rope_theta == 5e5);
  CHECK(with({{"rope_scaling", {{"type", "linear"}, {"factor", 2}}}}).scaling.factor == 2);
  const auto nested = with({{"rope_parameters", {{"rope_type", "default"}, {"rope_theta", 7}}}});
  CHECK(nested.rope_theta == 7);
  CHECK(nested.scaling.type == quipu::io::rope_scaling::kind::none);
  check_refused({{"rope_scaling", {{"type", "linear"}}}}, "factor");
  check_refused({{"rope_scaling", {{"type", "dynamic"}, {"factor", 2}}}}, "dynamic");
  check_refused({{"rope_parameters", {{"rope_type", "yarn"}, {"factor", 2}}}}, "yarn");
  check_refused({{"rope_scaling", {{"rope_type", "longrope"}}}}, "longrope");
  check_refused({{"rope_scaling", {{"rope_type", "llama3"}, {"factor", 8}}}}, "low_freq_factor");
  check_refused({{"rope_scaling", {{"rope_type", "llama3"}, {"factor", 8}, {"low_freq_factor", 4},
                                   {"high_freq_factor", 4}, {"original_max_position_embeddings", 32}}}},
                "high_freq_factor");
  check_refused({{"rope_scaling", {{"type", "linear"}, {"factor", 0}}}}, "factor");
  check_refused({{"rope_scaling", 3}}, "JSON object");
  check_refused({{"rope_theta", 0}}, "rope_theta");
}

TEST_CASE("other architectures are refused by name", "[io][hf_config]") {
  check_refused({{"model_type", "mixtral"}}, "mixtral");
  check_refused({{"architectures", {"MistralForCausalLM"}}}, "MistralForCausalLM");
  check_refused({{"num_local_experts", 8}}, "mixture of experts");
  check_refused({{"quantization_config", {{"bits", 4}}}}, "quantised");
  check_refused({{"partial_rotary_factor", 0.5}}, "partial_rotary_factor");
  const auto sparse = with({{"model_type", "sparsellama"}, {"architectures", {"SparseLlamaForCausalLM"}},
                            {"hidden_act", "fatrelu"}, {"hidden_act_param", 0.01}});
  CHECK(sparse.hidden_act == "fatrelu");
  CHECK(sparse.activation_threshold == 0.01);
  const json bamboo = {{"model_type", "bamboo"}, {"architectures", {"BambooForCausalLM"}}, {"hidden_act", "relu"}, {"sliding_window", 16}};
  CHECK(with(bamboo).hidden_act == "drelu");
  CHECK(with(bamboo).n_ctx == 16);
  check_refused({{"model_type", "bamboo"}, {"hidden_act", "silu"}}, "relu, of a bamboo model");
}

TEST_CASE("absurd sizes are refused", "[io][hf_config]") {
  for (const char* field : {"hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
                            "vocab_size", "num_key_value_heads", "head_dim", "max_position_embeddings"}) {
    for (const json& value :
         {json(0), json(-1), json(1.5), json("4"), json(4294967296u), json(18446744073709551615u)}) {
      check_refused({{field, value}}, field);
    }
  }
  check_refused({{"num_key_value_heads", 3}}, "divisor");
  check_refused({{"head_dim", 3}}, "even");
  check_refused({{"hidden_size", 10}}, "multiple of 4");
  check_refused({{"num_attention_heads", 2147483648u}, {"num_key_value_heads", 1}, {"head_dim", 2147483648u}}, "2^31");
  check_refused({{"rms_norm_eps", "x"}}, "rms_norm_eps");
  check_refused({{"rms_norm_eps", -1}}, "rms_norm_eps");
  check_refused({{"tie_word_embeddings", 1}}, "true or false");
  CHECK_THROWS_AS(parse_hf_config(R"({"rms_norm_eps": 1e999})", "x"), quipu::format_error);
}

TEST_CASE("texts that are no config are refused", "[io][hf_config]") {
  for (const std::string text : {"", "null", "[]", "3", "{", "\xff\xfe", "{\"a\": \"\xff\"}", "{\"a\":1,\"a\":2}"}) {
    CHECK_THROWS_AS(parse_hf_config(text, "x"), quipu::format_error);
  }
  CHECK_THROWS_WITH(parse_hf_config(std::string(1000000, '['), "x"), Contains("deep"));
  std::string objects;
  for (int i = 0; i < 100000; ++i) objects += "{\"a\":";
  CHECK_THROWS_WITH(parse_hf_config(objects, "x"), Contains("deep"));
}

TEST_CASE("every truncated and every flipped config throws or reads", "[io][hf_config]") {
  json config = small();
  config.update({{"eos_token_id", {1, 2}}, {"rope_scaling", {{"type", "linear"}, {"factor", 2.5}}}});
  const auto read = [](std::span<const std::byte> bytes) {
    (void)parse_hf_config({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, "x");
  };
  CHECK(quipu::test::truncations(config.dump(), read).accepted == 0);
  CHECK(quipu::test::flips(config.dump(), read).refused > 500);
}
