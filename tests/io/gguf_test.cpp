#include <quipu/io/gguf.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <quipu/io/gguf_names.hpp>
#include <quipu/io/gguf_vocabulary.hpp>
#include <quipu/core/mapped_file.hpp>
#include <quipu/io/open_checkpoint.hpp>

#include "support/gguf_builder.hpp"
#include "support/hostile.hpp"
#include "support/shared_data.hpp"
#include "support/temp_folder.hpp"

using Catch::Contains;
using quipu::format_error;
using quipu::io::open_checkpoint;
using quipu::io::parse_gguf;
using quipu::test::as_bytes;
using quipu::test::gguf_builder;
using quipu::test::golden_case;
using quipu::test::raw;
using quipu::test::read_bytes;
using quipu::test::tiny_gguf;

namespace {

quipu::io::checkpoint assemble(std::span<const std::byte> bytes) {
  std::vector<quipu::io::gguf_contents> parts;
  parts.push_back(parse_gguf(bytes, "x"));
  return quipu::io::checkpoint_of_gguf(parts, "x");
}

void check_refused(const gguf_builder& builder, const std::string& reason) {
  const std::string file = builder.bytes();
  CHECK_THROWS_AS(assemble(as_bytes(file)), format_error);
  CHECK_THROWS_WITH(assemble(as_bytes(file)), Contains(reason));
}

std::uint64_t extent(const quipu::io::tensor_view& tensor, std::size_t axis) { return tensor.shape.at(axis); }

}  // namespace

TEST_CASE("the golden GGUF files open with the stated types", "[io][gguf]") {
  const auto folder = golden_case("gguf");
  QUIPU_NEEDS(folder);
  const auto golden = nlohmann::json::parse(read_bytes(folder / "golden.json"));
  for (const auto& [label, facts] : golden.at("files").items()) {
    INFO(label);
    const auto opened = open_checkpoint((folder / facts.at("file").get<std::string>()).string());
    CHECK(opened.format == "GGUF v3");
    CHECK(opened.rope == quipu::io::rope_layout::neighbours);
    CHECK(opened.tensors.size() == facts.at("types").size());
    for (const auto& [name, type] : facts.at("types").items()) {
      INFO(name);
      const auto hf_name = quipu::io::hf_name_of_gguf(name);
      REQUIRE(hf_name);
      CHECK(quipu::name_of(opened.at(*hf_name).type) == type.get<std::string>());
      CHECK(quipu::io::gguf_name_of_hf(*hf_name) == name);
    }
    CHECK(opened.vocabulary.kind == quipu::text::tokenizer_kind::sentencepiece);
    CHECK(opened.vocabulary.tokens.size() == opened.config.n_vocab);
    CHECK(opened.vocabulary.add_bos);
    CHECK(opened.vocabulary.add_space_prefix);
    CHECK(opened.config.hidden_act == "silu");
  }
}

TEST_CASE("SmolLM2's file states the model that it is", "[io][gguf]") {
  const auto path = quipu::test::smollm2_path();
  if (path.empty()) return;
  const auto opened = open_checkpoint(path.string());
  const auto& config = opened.config;
  CHECK(config.d_model == 576);
  CHECK(config.d_ffn == 1536);
  CHECK(config.n_layer == 30);
  CHECK(config.n_head == 9);
  CHECK(config.n_kv_head == 3);
  CHECK(config.d_head == 64);
  CHECK(config.n_vocab == 49152);
  CHECK(config.n_ctx == 8192);
  CHECK(config.rope_theta == 100000);
  CHECK(config.tied_embeddings);
  CHECK(config.eos == 2);
  CHECK(config.end_tokens == std::vector<quipu::token_id>{2});
  CHECK(opened.at("model.embed_tokens.weight").type == quipu::tensor_type::q8_0);
  CHECK(opened.at("model.layers.29.mlp.down_proj.weight").type == quipu::tensor_type::q4_1);
  CHECK(opened.vocabulary.kind == quipu::text::tokenizer_kind::byte_level_bpe);
  CHECK(opened.vocabulary.pre_tokenizer == "smollm");
  CHECK(opened.vocabulary.merges.size() == 48900);
  CHECK_FALSE(opened.vocabulary.add_bos);
  CHECK_FALSE(opened.vocabulary.ignore_merges);
  CHECK(opened.vocabulary.tokens[2] == "<|im_end|>");
  CHECK_THAT(opened.vocabulary.chat_template, Contains("messages"));
}

TEST_CASE("a real F16 model with a head of its own opens", "[io][gguf]") {
  const auto path = quipu::test::shared_root() / "data/models/tiny-random/llama-2-tiny-random.gguf";
  QUIPU_NEEDS(path);
  const auto opened = open_checkpoint(path.string());
  CHECK_FALSE(opened.config.tied_embeddings);
  CHECK(opened.config.n_vocab == 32000);
  CHECK(extent(opened.at("lm_head.weight"), 0) == 32000);
  CHECK(opened.vocabulary.bos == 1);
  CHECK(opened.vocabulary.add_bos);  // by default, the file does not say
}

TEST_CASE("vocabularies are read from files without tensors", "[io][gguf]") {
  const auto folder = quipu::test::shared_root() / "data" / "tokenizers";
  QUIPU_NEEDS(folder);
  const auto read = [&](const std::string& file) {
    return quipu::io::read_gguf_vocabulary((folder / file).string());
  };
  const auto llama2 = read("llama2/ggml-vocab-llama.gguf");
  CHECK(llama2.kind == quipu::text::tokenizer_kind::sentencepiece);
  CHECK(llama2.tokens.size() == 32000);
  CHECK(llama2.scores.size() == 32000);
  CHECK((llama2.add_bos && llama2.add_space_prefix && !llama2.add_eos));
  const auto gpt2 = read("gpt-2/ggml-vocab-gpt-2.gguf");
  CHECK(gpt2.kind == quipu::text::tokenizer_kind::byte_level_bpe);
  CHECK(gpt2.pre_tokenizer == "gpt-2");
  CHECK((!gpt2.add_bos && !gpt2.add_space_prefix && !gpt2.ignore_merges));
  CHECK(gpt2.merges.front() == std::pair<std::string, std::string>("\xc4\xa0", "t"));
  const auto llama3 = read("llama-bpe/ggml-vocab-llama-bpe.gguf");
  CHECK((llama3.add_bos && llama3.ignore_merges && !llama3.add_space_prefix));
  CHECK(llama3.bos == 128000);
  const auto qwen2 = read("qwen2/ggml-vocab-qwen2.gguf");
  CHECK((!qwen2.add_bos && !qwen2.ignore_merges));
  CHECK_FALSE(qwen2.chat_template.empty());
  CHECK_THROWS_WITH(open_checkpoint((folder / "qwen2/ggml-vocab-qwen2.gguf").string()), Contains("qwen2"));
  CHECK_THROWS_WITH(open_checkpoint((folder / "llama2/ggml-vocab-llama.gguf").string()),
                    Contains("model.embed_tokens.weight"));
}

TEST_CASE("a hand-made file gives the model that it states", "[io][gguf]") {
  auto builder = tiny_gguf();
  builder.u32("llama.vocab_size", 3).text("quipu.hidden_act", "fatrelu").f32("quipu.activation_threshold", 0.5f);
  builder.text("llama.rope.scaling.type", "linear").f32("llama.rope.scaling.factor", 4);
  builder.u32("tokenizer.ggml.eot_token_id", 0).ramp("blk.0.attn_q.bias", {4});
  builder.tensor({"rope_freqs.weight", {1}, 0, raw(2.5f)});
  for (const char* part : {"attn_k", "attn_v", "attn_output"})
    builder.ramp(std::string("blk.0.") + part + ".bias", {4});
  for (const std::uint32_t version : {2u, 3u}) {
    builder.version = version;
    const std::string file = builder.bytes();
    const auto opened = assemble(as_bytes(file));
    CHECK(opened.config.hidden_act == "fatrelu");
    CHECK(opened.config.activation_threshold == 0.5);
    CHECK(opened.config.scaling.type == quipu::io::rope_scaling::kind::linear);
    CHECK(opened.config.scaling.factor == 4);
    CHECK(opened.config.n_kv_head == 2);
    CHECK(opened.config.d_head == 2);
    CHECK(opened.config.rope_factors == std::vector<float>{2.5f});
    CHECK(opened.config.attention_bias);
    CHECK_FALSE(opened.config.mlp_bias);
    CHECK(opened.config.tied_embeddings);
    CHECK(opened.config.end_tokens == std::vector<quipu::token_id>{2, 0});
    CHECK(opened.config.bos == 1);
    CHECK(opened.find("rope_freqs.weight") == nullptr);
  }
}

TEST_CASE("all metadata types are read", "[io][gguf]") {
  gguf_builder g;
  g.key("u8", 0, raw<std::uint8_t>(200)).key("i8", 1, raw<std::int8_t>(-3)).key("u16", 2, raw<std::uint16_t>(60000));
  g.key("i16", 3, raw<std::int16_t>(-300)).u32("u32", 4000000000u).key("i32", 5, raw<std::int32_t>(-70000));
  g.f32("f32", 0.25f).flag("flag", true).text("text", "hi").key("u64", 10, raw<std::uint64_t>(1ull << 40));
  g.key("i64", 11, raw<std::int64_t>(-(1ll << 40))).key("f64", 12, raw(0.1)).key("huge", 10, raw<std::uint64_t>(~0ull));
  g.key("nested", 9,
        raw<std::uint32_t>(9) + raw<std::uint64_t>(2) + raw<std::uint32_t>(0) + raw<std::uint64_t>(1) + "a" +
            raw<std::uint32_t>(8) + raw<std::uint64_t>(1) + quipu::test::gguf_text("b"));
  g.array<std::uint16_t>("sizes", 2, {5, 5}).array<std::uint16_t>("mixed", 2, {5, 6}).array<float>("none", 6, {});
  const std::string file = g.bytes();
  const auto contents = parse_gguf(as_bytes(file), "x");
  const auto& m = contents.metadata;
  CHECK(m.integer_or("u8", 0) == 200);
  CHECK(m.integer_or("i8", 0) == -3);
  CHECK(m.integer_or("u16", 0) == 60000);
  CHECK(m.integer_or("i16", 0) == -300);
  CHECK(m.integer_or("u32", 0) == 4000000000);
  CHECK(m.integer_or("i32", 0) == -70000);
  CHECK(m.integer_or("u64", 0) == 1ll << 40);
  CHECK(m.integer_or("i64", 0) == -(1ll << 40));
  CHECK(m.number_or("f32", 0) == 0.25);
  CHECK(m.number_or("f64", 0) == 0.1);
  CHECK(m.number_or("i8", 0) == -3);
  CHECK(m.flag_or("flag", false));
  CHECK(m.text_or("text", "") == "hi");
  CHECK(m.uniform_size("sizes") == 5);
  CHECK(m.floats("none").empty());
  CHECK(m.integer_or("absent", 7) == 7);
  CHECK(m.entries().at("nested").count == 2);
  CHECK_THROWS_AS(m.uniform_size("mixed"), format_error);
  CHECK_THROWS_AS(m.integer_or("huge", 0), format_error);
  CHECK_THROWS_AS(m.integer_or("text", 0), format_error);
  CHECK_THROWS_AS(m.integer_or("none", 0), format_error);
  CHECK_THROWS_AS(m.number_or("none", 0), format_error);
  CHECK_THROWS_AS(m.text_or("u8", ""), format_error);
  CHECK_THROWS_AS(m.texts("sizes"), format_error);
  CHECK_THROWS_AS(m.size("i8"), format_error);
  CHECK_THROWS_AS(m.integers("nested"), format_error);
}

TEST_CASE("models that we do not run are refused by name", "[io][gguf]") {
  check_refused(tiny_gguf().u32("llama.expert_count", 8), "mixture of experts");
  check_refused(tiny_gguf().text("llama.rope.scaling.type", "yarn"), "yarn");
  check_refused(tiny_gguf().u32("llama.rope.dimension_count", 1), "d_head = 2");
  check_refused(tiny_gguf().ramp("blk.0.attn_q_norm.weight", {4}), "blk.0.attn_q_norm.weight");
  check_refused(tiny_gguf().ramp("blk.00.attn_q.bias", {4}), "blk.00.attn_q.bias");
  check_refused(tiny_gguf().ramp("blk.0.ffn_up.bias", {4}), "up_proj.bias");
  check_refused(tiny_gguf().ramp("blk.1.attn_q.weight", {4, 4}), "layers.1");
  auto gpt2 = tiny_gguf();
  gpt2.keys.front() = gguf_builder().text("general.architecture", "gpt2").keys.front();
  check_refused(gpt2, "gpt2");
}

TEST_CASE("damaged GGUF files are refused with the reason", "[io][gguf]") {
  auto g = tiny_gguf();
  g.version = 1;
  check_refused(g, "version");
  g.version = 0x03000000u;
  check_refused(g, "big-endian");
  check_refused(tiny_gguf().u32("llama.block_count", 1), "twice");
  check_refused(tiny_gguf().ramp("output_norm.weight", {4}), "twice");
  check_refused(tiny_gguf().key("x", 13, ""), "value type");
  check_refused(tiny_gguf().u32("general.alignment", 24), "power of two");
  check_refused(tiny_gguf().u32("general.alignment", 0), "2^31");
  check_refused(tiny_gguf().u32("llama.vocab_size", 4), "embedding rows");
  check_refused(tiny_gguf().key("a", 9, raw<std::uint32_t>(4) + raw<std::uint64_t>(~0ull)), "elements");
  check_refused(tiny_gguf().key("a", 9, raw<std::uint32_t>(8) + raw<std::uint64_t>(~0ull)), "elements");
  check_refused(tiny_gguf().key("a", 8, raw<std::uint64_t>(~0ull)), "length");
  std::string deep;
  for (int i = 0; i < 10000; ++i) deep += raw<std::uint32_t>(9) + raw<std::uint64_t>(1);
  check_refused(tiny_gguf().key("a", 9, deep), "nested");
  check_refused(tiny_gguf().tensor({"x", {1ull << 32, 1ull << 32}, 0, ""}), "2^64");
  check_refused(tiny_gguf().tensor({"x", {1ull << 40}, 0, ""}), "of the data");
  check_refused(tiny_gguf().tensor({"x", {4}, 0, std::string(16, 'x'), 32}), "of the data");
  check_refused(tiny_gguf().tensor({"x", {4}, 0, std::string(16, 'x'), 4}), "multiple of 32");
  check_refused(tiny_gguf().tensor({"x", {4}, 0, std::string(16, 'x'), ~0ull - 31}), "offset");
  check_refused(tiny_gguf().tensor({"x", {4}, 23, std::string(16, 'x')}), "IQ4_XS");
  check_refused(tiny_gguf().tensor({"x", {4}, 777, std::string(16, 'x')}), "777");
  check_refused(tiny_gguf().tensor({"x", {4}, 2, std::string(16, 'x')}), "multiple of 32");
  check_refused(tiny_gguf().tensor({"x", {1, 1, 1, 1, 1}, 0, std::string(4, 'x')}), "axes");
  for (std::size_t missing = 0; missing < tiny_gguf().tensors.size(); ++missing) {
    auto without = tiny_gguf();
    without.tensors.erase(without.tensors.begin() + static_cast<std::ptrdiff_t>(missing));
    check_refused(without, "found none of that name");
    auto misshapen = tiny_gguf();
    misshapen.tensors[missing].extents.front() = 2;
    const std::string file = misshapen.bytes();
    CHECK_THROWS_AS(assemble(as_bytes(file)), format_error);
    auto integers = tiny_gguf();
    integers.tensors[missing].type = 26;  // I32
    check_refused(integers, "weights");
  }
  std::string counts = tiny_gguf().bytes();
  counts.replace(8, 8, raw<std::uint64_t>(~0ull));
  CHECK_THROWS_WITH(assemble(as_bytes(counts)), Contains("counts"));
}

TEST_CASE("vocabularies that do not fit together are refused", "[io][gguf]") {
  const auto with = [](std::string_view key, const std::string& entry) {
    auto g = tiny_gguf();
    std::erase_if(g.keys, [&](const std::string& k) { return k.find(key) != std::string::npos; });
    if (!entry.empty()) g.keys.push_back(entry);
    return g;
  };
  const auto key = [](const gguf_builder& g) { return g.keys.front(); };
  check_refused(with("ggml.scores", key(gguf_builder().array<float>("tokenizer.ggml.scores", 6, {0, 1}))), "scores");
  check_refused(
      with("ggml.scores", key(gguf_builder().array<float>("tokenizer.ggml.scores", 6, {0, 1, std::nanf("")}))),
      "finite");
  check_refused(with("token_type", key(gguf_builder().array<std::int32_t>("tokenizer.ggml.token_type", 5, {1}))),
                "types");
  check_refused(with("token_type", key(gguf_builder().array<std::int32_t>("tokenizer.ggml.token_type", 5, {1, 1, 9}))),
                "0 to 6");
  check_refused(with("ggml.tokens", key(gguf_builder().texts("tokenizer.ggml.tokens", {"a", "b"}))), "types");
  check_refused(with("ggml.tokens", ""), "tokens");
  check_refused(with("ggml.model", key(gguf_builder().text("tokenizer.ggml.model", "bert"))), "bert");
  check_refused(with("-", key(gguf_builder().u32("tokenizer.ggml.bos_token_id", 3))), "below 3");
  auto bpe = with("ggml.model", key(gguf_builder().text("tokenizer.ggml.model", "gpt2")));
  const std::string right = gguf_builder(bpe).texts("tokenizer.ggml.merges", {"a b", "  c"}).bytes();
  const auto opened = assemble(as_bytes(right));
  CHECK(opened.vocabulary.merges[1] == std::pair<std::string, std::string>(" ", "c"));
  CHECK(opened.vocabulary.bos == quipu::no_token);
  check_refused(gguf_builder(bpe).texts("tokenizer.ggml.merges", {"ab"}), "space");
  auto fewer = tiny_gguf();
  fewer.tensors.front() = gguf_builder().ramp("token_embd.weight", {4, 5}).tensors.front();
  check_refused(fewer, "5 tokens");
}

TEST_CASE("every truncated and every flipped GGUF file throws or reads", "[io][gguf]") {
  const std::string file = tiny_gguf().bytes();
  const auto read = [](std::span<const std::byte> bytes) { (void)assemble(bytes); };
  REQUIRE(quipu::test::survives(file, read));
  const auto cut = quipu::test::truncations(file, read);
  CHECK(cut.accepted == 0);
  const auto flipped = quipu::test::flips(file, read);
  CHECK(flipped.refused > 1000);
}

TEST_CASE("a checkpoint that is read keeps its weights when the file is truncated", "[io][gguf]") {
  const quipu::test::temp_folder folder;
  const std::string file = tiny_gguf().bytes(), path = folder.write("m.gguf", file);
  const auto expected = assemble(as_bytes(file));
  const auto opened = open_checkpoint(path, quipu::file_access::read);
  folder.write("m.gguf", "");
  REQUIRE(opened.tensors.size() == expected.tensors.size());
  for (const auto& [name, tensor] : expected.tensors) {
    const auto& read = opened.at(name).bytes;
    CHECK(std::equal(tensor.bytes.begin(), tensor.bytes.end(), read.begin(), read.end()));
  }
}

TEST_CASE("split models are joined and checked", "[io][gguf]") {
  const quipu::test::temp_folder folder;
  const auto whole = tiny_gguf();
  const auto part = [&](std::uint16_t number, std::uint16_t count, std::int32_t n_tensor) {
    gguf_builder g;
    if (number == 0) g.keys = whole.keys;
    g.key("split.no", 2, raw(number)).key("split.count", 2, raw(count)).key("split.tensors.count", 5, raw(n_tensor));
    for (std::size_t i = 0; i < whole.tensors.size(); ++i) {
      if (i % count == number) g.tensor(whole.tensors[i]);
    }
    return g.bytes();
  };
  const auto total = static_cast<std::int32_t>(whole.tensors.size());
  const std::string first = folder.write("m-00001-of-00003.gguf", part(0, 3, total));
  folder.write("m-00002-of-00003.gguf", part(1, 3, total));
  CHECK_THROWS_WITH(open_checkpoint(first), Contains("00003-of-00003"));
  const std::string last = folder.write("m-00003-of-00003.gguf", part(2, 3, total));
  const auto joined = open_checkpoint(first);
  const std::string file = whole.bytes();
  const auto expected = assemble(as_bytes(file));
  REQUIRE(joined.tensors.size() == expected.tensors.size());
  for (const auto& [name, tensor] : expected.tensors) {
    CHECK(std::equal(tensor.bytes.begin(), tensor.bytes.end(), joined.at(name).bytes.begin(),
                     joined.at(name).bytes.end()));
  }
  CHECK(joined.files.size() == 3);
  CHECK_THROWS_WITH(open_checkpoint(last), Contains("split.no"));
  CHECK_THROWS_WITH(open_checkpoint(folder.write("other.gguf", part(0, 3, total))), Contains("named"));
  folder.write("m-00003-of-00003.gguf", part(1, 3, total));
  CHECK_THROWS_WITH(open_checkpoint(first), Contains("split.no"));
  folder.write("m-00003-of-00003.gguf", part(2, 3, total));
  folder.write("m-00001-of-00003.gguf", part(0, 3, total + 1));
  CHECK_THROWS_WITH(open_checkpoint(first), Contains("split.tensors.count"));
}
