#include <quipu/pet/lora_gguf.hpp>

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "support/modules.hpp"
#include "support/random_checkpoint.hpp"
#include "support/temp_folder.hpp"

namespace quipu_lora_gguf_test {

namespace io = quipu::io;
namespace optim = quipu::optim;
namespace pet = quipu::pet;
namespace test = quipu::test;
using Catch::Matchers::Contains;
using lora = pet::lora::module<float>;

namespace {

lora shaken(const pet::lora& policy) {
  lora module(policy, test::small_config(), 1);
  test::shake(module, 0.3);
  return module;
}

}  // namespace

TEST_CASE("llama.cpp's adapter file names, shapes, scales and orders tensors as it expects", "[pet][lora_gguf]") {
  const auto c = test::small_config();
  const lora module = shaken({.rank = 4,
                              .alpha = 6,
                              .targets = optim::name_pattern::suffixes({"q_proj", "k_proj", "v_proj", "down_proj"}),
                              .rank_pattern = {{"v_proj", 2}},
                              .alpha_pattern = {{"down_proj", 3}}});
  const test::temp_folder folder;
  pet::write_lora_gguf(folder.file("a.gguf"), module, c);
  const std::string text = test::read_bytes(folder.file("a.gguf"));
  const io::gguf_contents file = io::parse_gguf(test::as_bytes(text), "a.gguf");
  CHECK(file.metadata.text_or("general.type", "") == "adapter");
  CHECK(file.metadata.text_or("general.architecture", "") == "llama");
  CHECK(file.metadata.text_or("adapter.type", "") == "lora");
  CHECK(file.metadata.number_or("adapter.lora.alpha", 0) == 6);
  CHECK(file.tensors.size() == 2 * 4 * c.n_layer);
  const auto values = [&](const char* name) { return io::values_of<float>(file.tensors.at(name)); };
  using site = quipu::linear::projection_site;
  const auto &q = module.at(1, site::q), &v = module.at(1, site::v), &down = module.at(1, site::down);
  CHECK(file.tensors.at("blk.1.attn_q.weight.lora_a").shape == std::vector<std::size_t>{4, c.d_model});
  CHECK(file.tensors.at("blk.1.attn_v.weight.lora_b").shape == std::vector<std::size_t>{c.d_kv(), 2});
  CHECK(values("blk.1.attn_q.weight.lora_a") == std::vector<float>(q.a, q.a + 4 * c.d_model));
  CHECK(values("blk.1.attn_v.weight.lora_b") == std::vector<float>(v.b, v.b + 2 * c.d_kv()));  // 6 / 2 is its own scale
  // alpha 3 of rank 4 instead of 6: half of it is left for B.
  const auto b = values("blk.1.ffn_down.weight.lora_b");
  for (std::size_t i = 0; i < b.size(); ++i) CHECK(b[i] == 0.5f * down.b[i]);
  // Pair i of a head is (i, i + d_head/2) here and (2i, 2i + 1) there.
  const auto rows = values("blk.1.attn_q.weight.lora_b");
  for (std::size_t head = 0; head < c.n_head; ++head) {
    for (std::size_t i = 0; i < c.d_head / 2; ++i) {
      for (std::size_t half = 0; half < 2; ++half) {
        for (std::size_t k = 0; k < 4; ++k)
          CHECK(rows[(head * c.d_head + 2 * i + half) * 4 + k] ==
                q.b[(head * c.d_head + i + half * c.d_head / 2) * 4 + k]);
      }
    }
  }
}

TEST_CASE("an adapter file is read as it was written", "[pet][lora_gguf]") {
  const auto c = test::small_config();
  const test::temp_folder folder;
  for (const bool rs_lora : {false, true}) {
    const lora module = shaken({.rank = 4,
                                .alpha = 6,
                                .rs_lora = rs_lora,
                                .targets = optim::name_pattern::all(),
                                .rank_pattern = {{"v_proj", 2}},
                                .alpha_pattern = {{"down_proj", 3}}});
    pet::write_lora_gguf(folder.file("a.gguf"), module, c);
    const auto again = pet::read_lora_gguf<float>(folder.file("a.gguf"), c);
    for (std::size_t layer = 0; layer < c.n_layer; ++layer) {
      for (const auto site : quipu::linear::projection_sites) {
        const auto &t = module.at(layer, site), &u = again.at(layer, site);
        REQUIRE(t.rank == u.rank);
        CHECK(std::equal(t.a, t.a + t.rank * t.d_in, u.a));
        for (std::size_t i = 0; i < t.rank * t.d_out; ++i)
          CHECK(u.scale * u.b[i] == Approx(t.scale * t.b[i]).epsilon(1e-6));
      }
    }
  }
}

TEST_CASE("other and damaged adapter files are refused", "[pet][lora_gguf]") {
  const auto c = test::small_config();
  const test::temp_folder folder;
  const auto read = [&](const io::model_config& config) {
    static_cast<void>(pet::read_lora_gguf<float>(folder.file("a.gguf"), config));
  };
  pet::write_lora_gguf(folder.file("a.gguf"), shaken({.rank = 2}), c);
  auto wider = c;
  wider.d_model += 2;
  CHECK_THROWS_WITH(read(wider), Contains("lora_a") && Contains("expected shape"));
  auto shallow = c;
  shallow.n_layer = 1;
  CHECK_THROWS_WITH(read(shallow), Contains("blk.1."));
  CHECK_THROWS_AS(pet::write_lora_gguf(folder.file("b.gguf"), shaken({.rank = 2}), wider), quipu::config_error);
  const std::string bytes = test::read_bytes(folder.file("a.gguf"));
  for (std::size_t n = 0; n + 64 < bytes.size(); n += 1 + bytes.size() / 100) {
    folder.write("a.gguf", std::string_view(bytes).substr(0, n));
    CHECK_THROWS_AS(read(c), quipu::format_error);
  }
  const auto edited = [&](const std::string& from, const std::string& to) {
    std::string changed = bytes;
    const std::size_t at = changed.find(from);
    REQUIRE(at != std::string::npos);
    changed.replace(at, from.size(), to);
    folder.write("a.gguf", changed);
  };
  edited("adapter", "adaptor");
  CHECK_THROWS_WITH(read(c), Contains("general.type"));
  edited("blk.1.attn_q.weight.lora_b", "blk.1.attn_q.weight.lora_c");
  CHECK_THROWS_WITH(read(c), Contains("one of them"));
  edited("blk.1.attn_q.weight.lora_b", "blk.1.attn_z.weight.lora_b");
  CHECK_THROWS_AS(read(c), quipu::format_error);
}

}  // namespace quipu_lora_gguf_test
