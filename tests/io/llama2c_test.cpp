#include <quipu/io/llama2c.hpp>

#include <algorithm>
#include <cstdint>
#include <string>

#include <catch2/catch.hpp>

#include <quipu/io/llama2c_header.hpp>
#include <quipu/io/open_checkpoint.hpp>
#include <quipu/io/tensor_values.hpp>

#include "support/gguf_builder.hpp"  // raw
#include "support/hostile.hpp"
#include "support/shared_data.hpp"
#include "support/temp_folder.hpp"

using Catch::Contains;
using quipu::io::open_checkpoint;
using quipu::io::parse_llama2c;
using quipu::test::as_bytes;
using quipu::test::raw;

namespace {

std::string sizes(std::int32_t n_vocab, std::int32_t d_ffn = 4) {
  std::string header;
  for (const std::int32_t size : {4, d_ffn, 1, 2, 1, n_vocab, 3}) header += raw(size);
  return header;
}

/// d_model 4, 1 layer, 2 heads on 1 KV head, 3 tokens, context 3; weights are counted up from 0.
std::string tiny_v0(std::int32_t n_vocab) {
  const int matrices = 4 * 4 * 2 + 4 * 2 * 2 + 3 * 16;
  const int head = n_vocab < 0 ? 12 : 0;
  const int floats = 12 + 4 + matrices + 4 + 4 + 3 * 2 + head;
  std::string file = sizes(n_vocab);
  for (int i = 0; i < floats; ++i) file += raw(static_cast<float>(i));
  return file;
}

std::string versioned(std::int32_t version, bool shared, std::int32_t group = 0, std::int32_t d_ffn = 4) {
  std::string file = raw<std::uint32_t>(0x616b3432u) + raw(version) + sizes(3, d_ffn) + raw<std::uint8_t>(shared);
  if (version == 2) file += raw(group);
  file.resize(256);
  return file;
}

}  // namespace

TEST_CASE("versions 0 and 1 of a real model hold the same tensors", "[io][llama2c]") {
  const auto folder = quipu::test::shared_root() / "data" / "models" / "stories260K";
  QUIPU_NEEDS(folder);
  const auto v0 = open_checkpoint((folder / "stories260K.bin").string());
  const auto v1 = open_checkpoint((folder / "stories260K_v1.bin").string());
  CHECK(v0.format == "llama2.c v0");
  CHECK(v1.format == "llama2.c v1");
  for (const auto* opened : {&v0, &v1}) {
    const auto& config = opened->config;
    CHECK(config.d_model == 64);
    CHECK(config.d_ffn == 172);
    CHECK(config.n_layer == 5);
    CHECK(config.n_head == 8);
    CHECK(config.n_kv_head == 4);
    CHECK(config.n_vocab == 512);
    CHECK(config.n_ctx == 512);
    CHECK(config.tied_embeddings);
    CHECK(opened->rope == quipu::io::rope_layout::neighbours);
    CHECK(opened->vocabulary.tokens.size() == 512);  // from tok512.bin beside it
  }
  REQUIRE(v0.tensors.size() == v1.tensors.size());
  for (const auto& [name, tensor] : v0.tensors) {
    INFO(name);
    const auto& other = v1.at(name);
    CHECK(tensor.shape == other.shape);
    CHECK(std::equal(tensor.bytes.begin(), tensor.bytes.end(), other.bytes.begin(), other.bytes.end()));
  }
}

TEST_CASE("version 2 with groups across rows is refused and says why", "[io][llama2c]") {
  const auto path = quipu::test::shared_root() / "data/models/stories260K/stories260K_q80_v2.bin";
  QUIPU_NEEDS(path);
  CHECK_THROWS_AS(open_checkpoint(path.string()), quipu::format_error);
  CHECK_THROWS_WITH(open_checkpoint(path.string()), Contains("multiple of the group size 8") && Contains("172"));
}

TEST_CASE("tensors lie where the format puts them", "[io][llama2c]") {
  const std::string tied = tiny_v0(3);
  const auto opened = parse_llama2c(as_bytes(tied), "x");
  const auto first = [](const quipu::io::checkpoint& c, const char* name) {
    return quipu::io::values_of<float>(c.at(name)).front();
  };
  CHECK(first(opened, "model.embed_tokens.weight") == 0);
  CHECK(first(opened, "model.layers.0.input_layernorm.weight") == 12);
  CHECK(first(opened, "model.layers.0.self_attn.q_proj.weight") == 16);
  CHECK(first(opened, "model.layers.0.self_attn.k_proj.weight") == 32);
  CHECK(first(opened, "model.layers.0.self_attn.o_proj.weight") == 48);
  CHECK(first(opened, "model.layers.0.post_attention_layernorm.weight") == 64);
  CHECK(first(opened, "model.layers.0.mlp.gate_proj.weight") == 68);
  CHECK(first(opened, "model.layers.0.mlp.down_proj.weight") == 84);
  CHECK(first(opened, "model.layers.0.mlp.up_proj.weight") == 100);
  CHECK(first(opened, "model.norm.weight") == 116);
  CHECK(opened.config.tied_embeddings);
  const std::string untied = tiny_v0(-3);
  const auto other = parse_llama2c(as_bytes(untied), "x");
  CHECK_FALSE(other.config.tied_embeddings);
  CHECK(other.config.n_vocab == 3);
  CHECK(first(other, "lm_head.weight") == 126);  // after the cosine and sine tables
}

TEST_CASE("version 2 is widened group by group", "[io][llama2c]") {
  std::string file = versioned(2, true, 2);
  for (int i = 0; i < 12; ++i) file += raw(1.0f + static_cast<float>(i));  // three norms
  int next = 0;
  for (const int n : {12, 16, 8, 8, 16, 16, 16, 16}) {
    for (int i = 0; i < n; ++i) file += raw(static_cast<std::int8_t>(next++ % 100 - 50));
    for (int i = 0; i < n / 2; ++i) file += raw(0.5f + static_cast<float>(i));
  }
  const auto opened = parse_llama2c(as_bytes(file), "x");
  CHECK(opened.format == "llama2.c v2");
  const auto q = quipu::io::values_of<float>(opened.at("model.layers.0.self_attn.q_proj.weight"));
  REQUIRE(q.size() == 16);
  for (int i = 0; i < 16; ++i) {
    CHECK(q[static_cast<std::size_t>(i)] == static_cast<float>(12 + i - 50) * (0.5f + static_cast<float>(i / 2)));
  }
  CHECK(quipu::io::values_of<float>(opened.at("model.norm.weight")).front() == 9);
  CHECK_THROWS_WITH(parse_llama2c(as_bytes(versioned(2, true, 3)), "x"), Contains("group size 3"));
  CHECK_THROWS_WITH(parse_llama2c(as_bytes(versioned(2, true, 0)), "x"), Contains("group_size"));
}

TEST_CASE("headers that are none are refused", "[io][llama2c]") {
  const auto refused = [](const std::string& file, const std::string& reason) {
    CHECK_THROWS_AS(parse_llama2c(as_bytes(file), "x"), quipu::format_error);
    CHECK_THROWS_WITH(parse_llama2c(as_bytes(file), "x"), Contains(reason));
    CHECK_FALSE((quipu::io::is_llama2c(as_bytes(file)) && file.substr(0, 4) != "24ka"));
  };
  refused(versioned(3, true), "version");
  refused(versioned(1, true), "bytes for the sizes");
  refused(tiny_v0(3) + "x", "bytes for the sizes");
  refused(sizes(0), "vocab_size");
  refused(sizes(INT32_MIN), "vocab_size");
  std::string huge;
  for (int i = 0; i < 7; ++i) huge += raw<std::int32_t>(0x7fffffff);
  refused(huge, "x");
  std::string odd = tiny_v0(3);
  odd.replace(12, 4, raw<std::int32_t>(3));
  refused(odd, "n_heads");
  auto shared = versioned(1, true);
  shared[36] = 2;
  refused(shared, "shared_classifier");
}

TEST_CASE("every truncated and every flipped llama2.c file throws or reads", "[io][llama2c]") {
  const auto read = [](std::span<const std::byte> bytes) { (void)parse_llama2c(bytes, "x"); };
  for (const std::string& file : {tiny_v0(3), tiny_v0(-3)}) {
    REQUIRE(quipu::test::survives(file, read));
    CHECK(quipu::test::truncations(file, read).accepted == 0);
    CHECK(quipu::test::flips(file, read).refused > 100);
  }
  for (const int version : {1, 2}) {
    std::string file = versioned(version, true, 2);
    file.resize(file.size() + (version == 1 ? 4 * (12 + 12 + 96) : 48 + 12 + 96 + 4 * (6 + 48)));
    REQUIRE(quipu::test::survives(file, read));
    CHECK(quipu::test::truncations(file, read).accepted == 0);
    CHECK(quipu::test::flips(file, read).refused > 100);
  }
}

TEST_CASE("files that are no checkpoint are told apart", "[io][llama2c]") {
  const quipu::test::temp_folder folder;
  CHECK_THROWS_WITH(open_checkpoint(folder.write("empty", "")), Contains("empty file"));
  CHECK_THROWS_WITH(open_checkpoint(folder.write("short", "abc")), Contains("3 bytes"));
  CHECK_THROWS_WITH(open_checkpoint(folder.write("zip", "PK\3\4" + std::string(40, 'x'))), Contains("ZIP"));
  CHECK_THROWS_WITH(open_checkpoint(folder.write("st", raw<std::uint64_t>(30) + "{" + std::string(40, ' '))),
                    Contains("safetensors"));
  CHECK_THROWS_WITH(open_checkpoint(folder.write("text", std::string(100, 'x'))), Contains("something else"));
  CHECK_THROWS_AS(open_checkpoint(folder.file("none")), quipu::io_error);
  const auto opened = open_checkpoint(folder.write("model", tiny_v0(3)));
  CHECK(opened.files.size() == 1);
  CHECK(opened.vocabulary.kind == quipu::text::tokenizer_kind::none);
  folder.write("tokenizer.bin", "abc");
  CHECK_THROWS_WITH(open_checkpoint(folder.file("model")), Contains("tokenizer.bin"));
}
