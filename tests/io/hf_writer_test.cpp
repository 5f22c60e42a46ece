#include <quipu/io/hf_writer.hpp>

#include <algorithm>
#include <filesystem>
#include <string>

#include <catch2/catch.hpp>

#include <quipu/io/gguf_writer.hpp>
#include <quipu/io/hf_config_text.hpp>
#include <quipu/io/llama2c_writer.hpp>
#include <quipu/io/open_checkpoint.hpp>
#include <quipu/io/rope_layout.hpp>
#include <quipu/io/tensor_values.hpp>

#include "support/random_checkpoint.hpp"
#include "support/shared_data.hpp"
#include "support/same_bytes.hpp"
#include "support/temp_folder.hpp"

using quipu::tensor_type;
using quipu::io::open_checkpoint;
using quipu::io::write_hf_folder;
using quipu::test::same_bytes;

TEST_CASE("the golden folders survive writing and reading", "[io][hf_writer]") {
  for (const char* name : {"mha_untied", "gqa_tied_odd", "mqa_headdim", "llama3_rope", "linear_rope", "relu",
                           "sharded_bf16", "biased"}) {
    INFO(name);
    const auto golden = quipu::test::golden_case(name);
    QUIPU_NEEDS(golden);
    const quipu::test::temp_folder folder;
    const auto source = open_checkpoint(golden.string());
    write_hf_folder(folder.path() / "new", source);
    const auto copy = open_checkpoint((folder.path() / "new").string());
    REQUIRE(copy.tensors.size() == source.tensors.size());
    for (const auto& [tensor_name, tensor] : source.tensors) CHECK(same_bytes(tensor, copy.at(tensor_name)));
    const auto& a = source.config;
    const auto& b = copy.config;
    CHECK((a.d_model == b.d_model && a.d_ffn == b.d_ffn && a.n_layer == b.n_layer && a.n_head == b.n_head));
    CHECK((a.n_kv_head == b.n_kv_head && a.d_head == b.d_head && a.n_vocab == b.n_vocab && a.n_ctx == b.n_ctx));
    CHECK((a.rms_norm_eps == b.rms_norm_eps && a.rope_theta == b.rope_theta && a.hidden_act == b.hidden_act));
    CHECK((a.tied_embeddings == b.tied_embeddings && a.attention_bias == b.attention_bias && a.mlp_bias == b.mlp_bias));
    CHECK((a.scaling.type == b.scaling.type && a.scaling.factor == b.scaling.factor));
    CHECK((a.scaling.low_freq_factor == b.scaling.low_freq_factor));
    CHECK((a.scaling.high_freq_factor == b.scaling.high_freq_factor));
    CHECK((a.scaling.original_n_ctx == b.scaling.original_n_ctx));
    CHECK((a.bos == b.bos && a.eos == b.eos && a.end_tokens == b.end_tokens));
  }
}

TEST_CASE("blocks are widened, rows of q and k reordered, types converted", "[io][hf_writer]") {
  const quipu::test::temp_folder folder;
  auto config = quipu::test::small_config();
  config.hidden_act = "fatrelu";
  config.activation_threshold = 0.25;
  config.end_tokens = {2, 4};
  auto source = quipu::test::random_checkpoint(config, tensor_type::q8_0);
  auto neighbours = source;
  quipu::io::convert_rope_layout(neighbours, quipu::io::rope_layout::neighbours);
  write_hf_folder(folder.path() / "a", source);
  write_hf_folder(folder.path() / "b", neighbours);
  const auto a = open_checkpoint(folder.file("a"));
  const auto b = open_checkpoint(folder.file("b"));
  for (const auto& [name, tensor] : a.tensors) {
    INFO(name);
    CHECK(tensor.type == tensor_type::f32);
    CHECK(same_bytes(tensor, b.at(name)));
    CHECK(quipu::io::values_of<float>(tensor) == quipu::io::values_of<float>(source.at(name)));
  }
  CHECK(a.config.activation_threshold == 0.25);
  CHECK(a.config.end_tokens == config.end_tokens);
  write_hf_folder(folder.path() / "c", source, {.type = tensor_type::bf16});
  for (const auto& [name, tensor] : open_checkpoint(folder.file("c")).tensors) CHECK(tensor.type == tensor_type::bf16);
  CHECK_THROWS_AS(write_hf_folder(folder.path() / "d", source, {.type = tensor_type::q8_0}), quipu::config_error);
  source.config.rope_factors = {1, 3, 2, 1, 7, 5, 1, 4};  // of no scaling that has a name
  CHECK_THROWS_AS(write_hf_folder(folder.path() / "d", source), quipu::config_error);
  CHECK_FALSE(std::filesystem::exists(folder.path() / "d"));
}

TEST_CASE("a table of rotary factors is stated as the scaling that gives it", "[io][hf_writer]") {
  const quipu::test::temp_folder folder;
  const auto golden = quipu::test::golden_case("llama3_rope");
  QUIPU_NEEDS(golden);
  const auto source = open_checkpoint(golden.string());
  quipu::io::write_gguf(folder.file("m.gguf"), source);
  const auto table = open_checkpoint(folder.file("m.gguf"));
  REQUIRE_FALSE(table.config.rope_factors.empty());
  write_hf_folder(folder.path() / "back", table);
  const auto back = open_checkpoint(folder.file("back"));
  CHECK(back.config.rope_factors.empty());
  const auto& a = source.config.scaling;
  const auto& b = back.config.scaling;
  CHECK((a.type == b.type && a.factor == b.factor && a.original_n_ctx == b.original_n_ctx));
  CHECK((a.low_freq_factor == b.low_freq_factor && a.high_freq_factor == b.high_freq_factor));
  for (const auto& [name, tensor] : source.tensors) CHECK(same_bytes(tensor, back.at(name)));
  auto ones = table;
  ones.config.rope_factors.assign(ones.config.rope_factors.size(), 1.0f);
  write_hf_folder(folder.path() / "ones", ones);
  CHECK(open_checkpoint(folder.file("ones")).config.scaling.type == quipu::io::rope_scaling::kind::none);
}

TEST_CASE("numbers that were F32 are stated as they were meant", "[io][hf_writer]") {
  auto config = quipu::test::small_config();
  config.rms_norm_eps = static_cast<double>(1e-5f);
  config.rope_theta = 123456.789;
  const std::string text = quipu::io::hf_config_text(config, tensor_type::f32);
  CHECK(text.find("\"rms_norm_eps\": 1e-05") != std::string::npos);
  CHECK(text.find("\"rope_theta\": 123456.789") != std::string::npos);
}

TEST_CASE("writing reports and can be stopped, and leaves what was there", "[io][hf_writer]") {
  const quipu::test::temp_folder folder;
  const auto source = quipu::test::random_checkpoint(quipu::test::small_config());
  std::size_t n = 0;
  write_hf_folder(folder.path() / "a", source, {.type = {}, .progress = [&](const quipu::progress_state& s) {
                    CHECK(s.done == ++n);
                    CHECK(s.total == source.tensors.size());
                    return true;
                  }});
  CHECK(n == source.tensors.size());
  const std::string before = quipu::test::read_bytes(folder.path() / "a" / "model.safetensors");
  const auto other = quipu::test::random_checkpoint(quipu::test::small_config(), tensor_type::f32, 2);
  const auto stop = [](const quipu::progress_state& s) { return s.done < 3; };
  CHECK_THROWS_AS(write_hf_folder(folder.path() / "a", other, {.type = {}, .progress = stop}), quipu::cancelled);
  CHECK_THROWS_AS(quipu::io::write_gguf(folder.file("m.gguf"), other, {.matrix_type = {}, .progress = stop}),
                  quipu::cancelled);
  CHECK_THROWS_AS(quipu::io::write_llama2c(folder.file("m.bin"), other, quipu::io::llama2c_version::v0, stop),
                  quipu::cancelled);
  CHECK(quipu::test::read_bytes(folder.path() / "a" / "model.safetensors") == before);
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path() / "a"), {}) == 2);
}
