#include <quipu/io/gguf_writer.hpp>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/io/open_checkpoint.hpp>
#include <quipu/io/rope_layout.hpp>

#include "support/random_checkpoint.hpp"
#include "support/shared_data.hpp"
#include "support/same_bytes.hpp"
#include "support/temp_folder.hpp"

using Catch::Contains;
using quipu::tensor_type;
using quipu::io::open_checkpoint;
using quipu::io::rope_layout;
using quipu::io::write_gguf;
using quipu::test::random_checkpoint;
using quipu::test::small_config;
using quipu::test::same_bytes;

TEST_CASE("every type that we write comes back with the same bytes", "[io][gguf_writer]") {
  const quipu::test::temp_folder folder;
  const auto source = random_checkpoint(small_config());
  for (const tensor_type type : {tensor_type::f32, tensor_type::f16, tensor_type::bf16, tensor_type::q8_0,
                                 tensor_type::q4_0, tensor_type::q4_1, tensor_type::f64}) {
    INFO(quipu::name_of(type));
    const std::string path = folder.file("m.gguf");
    write_gguf(path, source, {.matrix_type = type});
    auto opened = open_checkpoint(path);
    CHECK(opened.rope == rope_layout::neighbours);
    quipu::io::convert_rope_layout(opened, rope_layout::halves);
    const auto expected = random_checkpoint(small_config(), type);
    REQUIRE(opened.tensors.size() == expected.tensors.size());
    for (const auto& [name, tensor] : expected.tensors) {
      INFO(name);
      CHECK(same_bytes(tensor, opened.at(name)));
    }
    // As stored: blocks are copied, not quantised again.
    const std::string again = folder.file("again.gguf");
    write_gguf(again, open_checkpoint(path));
    CHECK(quipu::test::read_bytes(again) == quipu::test::read_bytes(path));
  }
}

TEST_CASE("config and vocabulary come back", "[io][gguf_writer]") {
  const quipu::test::temp_folder folder;
  auto config = small_config();
  config.tied_embeddings = true;
  config.attention_bias = true;
  config.mlp_bias = true;
  config.rms_norm_eps = 1.0 / 1024;
  config.rope_theta = 50000;
  config.hidden_act = "fatrelu";
  config.activation_threshold = 0.01;
  config.scaling.type = quipu::io::rope_scaling::kind::linear;
  config.scaling.factor = 2.5;
  config.end_tokens = {2, 5, 3, 6};
  auto source = random_checkpoint(config);
  source.vocabulary = quipu::test::small_vocabulary();
  const std::string path = folder.file("m.gguf");
  write_gguf(path, source);
  const auto opened = open_checkpoint(path);
  const auto& read = opened.config;
  CHECK(read.d_model == config.d_model);
  CHECK(read.d_ffn == config.d_ffn);
  CHECK(read.n_layer == config.n_layer);
  CHECK(read.n_head == config.n_head);
  CHECK(read.n_kv_head == config.n_kv_head);
  CHECK(read.d_head == config.d_head);
  CHECK(read.n_vocab == config.n_vocab);
  CHECK(read.n_ctx == config.n_ctx);
  CHECK(read.rms_norm_eps == config.rms_norm_eps);
  CHECK(read.rope_theta == config.rope_theta);
  CHECK(read.scaling.type == config.scaling.type);
  CHECK(read.scaling.factor == config.scaling.factor);
  CHECK(read.hidden_act == config.hidden_act);
  CHECK(read.activation_threshold == config.activation_threshold);
  CHECK((read.tied_embeddings && read.attention_bias && read.mlp_bias));
  CHECK((read.bos == 1 && read.eos == 2));
  CHECK(read.end_tokens == std::vector<quipu::token_id>{2, 5, 3, 6});
  CHECK(read.name == "small");
  const auto& v = opened.vocabulary;
  CHECK(v.kind == source.vocabulary.kind);
  CHECK(v.tokens == source.vocabulary.tokens);
  CHECK(v.scores == source.vocabulary.scores);
  CHECK(v.kinds == source.vocabulary.kinds);
  CHECK((v.bos == 1 && v.eos == 2 && v.unk == 0 && v.pad == quipu::no_token));
  CHECK((v.add_bos && !v.add_eos && v.add_space_prefix));
  CHECK(v.chat_template == source.vocabulary.chat_template);
}

TEST_CASE("a byte-level vocabulary comes back", "[io][gguf_writer]") {
  const quipu::test::temp_folder folder;
  auto source = random_checkpoint(small_config());
  auto& v = source.vocabulary;
  v = quipu::test::small_vocabulary();
  v.kind = quipu::text::tokenizer_kind::byte_level_bpe;
  v.scores.clear();
  v.merges = {{"a", "b"}, {"\xc4\xa0", "c"}};
  v.pre_tokenizer = "llama-bpe";
  v.ignore_merges = true;
  v.add_space_prefix = false;
  const std::string path = folder.file("m.gguf");
  write_gguf(path, source);
  const auto read = open_checkpoint(path).vocabulary;
  CHECK(read.merges == v.merges);
  CHECK(read.pre_tokenizer == v.pre_tokenizer);
  CHECK((read.ignore_merges && read.add_bos && !read.add_space_prefix));
  v.ignore_merges = false;
  CHECK_THROWS_WITH(write_gguf(path, source), Contains("ignore_merges"));
}

TEST_CASE("without a vocabulary the special tokens stay", "[io][gguf_writer]") {
  const quipu::test::temp_folder folder;
  write_gguf(folder.file("m.gguf"), random_checkpoint(small_config()));
  const auto opened = open_checkpoint(folder.file("m.gguf"));
  CHECK(opened.vocabulary.kind == quipu::text::tokenizer_kind::none);
  CHECK((opened.config.bos == 1 && opened.config.eos == 2));
}

TEST_CASE("llama3 scaling becomes a table with its three bands", "[io][gguf_writer]") {
  const quipu::test::temp_folder folder;
  auto config = small_config();
  config.scaling = {quipu::io::rope_scaling::kind::llama3, 8, 1, 4, 64};
  write_gguf(folder.file("m.gguf"), random_checkpoint(config));
  const auto read = open_checkpoint(folder.file("m.gguf")).config;
  CHECK(read.scaling.type == quipu::io::rope_scaling::kind::none);
  REQUIRE(read.rope_factors.size() == config.d_head / 2);
  CHECK(read.rope_factors.front() == 1.0f);  // wavelength 2 pi < 64 / 4
  CHECK(read.rope_factors.back() == 8.0f);
  // Pair 1: wavelength 2 pi 10000^(1/8) = 19.869, between 16 and 64: s = (64 / 19.869 - 1) / 3 = 0.7404.
  CHECK(read.rope_factors[1] == Approx(1 / ((1 - 0.74037) / 8 + 0.74037)).epsilon(1e-4));
  CHECK(std::is_sorted(read.rope_factors.begin(), read.rope_factors.end()));
}

TEST_CASE("the golden files are reproduced tensor by tensor", "[io][gguf_writer]") {
  const auto golden = quipu::test::golden_case("gguf");
  QUIPU_NEEDS(golden);
  const quipu::test::temp_folder folder;
  const auto source = open_checkpoint((golden / "f32.gguf").string());
  for (const auto& [file, type] :
       {std::pair{"f16.gguf", tensor_type::f16}, std::pair{"q8_0.gguf", tensor_type::q8_0},
        std::pair{"q4_0.gguf", tensor_type::q4_0}, std::pair{"q4_1.gguf", tensor_type::q4_1}}) {
    INFO(file);
    const auto expected = open_checkpoint((golden / file).string());
    if (expected.config.d_model != source.config.d_model) continue;
    write_gguf(folder.file(file), expected);
    const auto written = open_checkpoint(folder.file(file));
    for (const auto& [name, tensor] : expected.tensors) CHECK(same_bytes(tensor, written.at(name)));
    write_gguf(folder.file(file), source, {.matrix_type = type});
    for (const auto& [name, tensor] : open_checkpoint(folder.file(file)).tensors) {
      CHECK(tensor.shape == expected.at(name).shape);
      CHECK(tensor.bytes.size() == expected.at(name).bytes.size());
    }
  }
}

TEST_CASE("what cannot be written is refused and leaves no file", "[io][gguf_writer]") {
  const quipu::test::temp_folder folder;
  const auto source = random_checkpoint(small_config());
  CHECK_THROWS_AS(write_gguf(folder.file("m"), source, {.matrix_type = tensor_type::q4_k}), quipu::config_error);
  auto odd = small_config();
  odd.d_ffn = 50;
  CHECK_THROWS_WITH(write_gguf(folder.file("m"), random_checkpoint(odd), {.matrix_type = tensor_type::q8_0}),
                    Contains("mlp.down_proj") && Contains("50"));
  auto missing = source;
  missing.tensors.erase("model.norm.weight");
  CHECK_THROWS_AS(write_gguf(folder.file("m"), missing), quipu::format_error);
  CHECK_THROWS_AS(write_gguf(folder.file("none/m"), source), quipu::io_error);
  CHECK(std::filesystem::is_empty(folder.path()));
}
