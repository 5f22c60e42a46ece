#include <quipu/pet/lora_gguf.hpp>

#include <cmath>
#include <cstddef>
#include <filesystem>
#include <regex>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <quipu/core/json_text.hpp>
#include <quipu/core/mapped_file.hpp>
#include <quipu/io/open_checkpoint.hpp>
#include <quipu/io/safetensors.hpp>
#include <quipu/pet/peft_folder.hpp>

#include "support/modules.hpp"
#include "support/random_checkpoint.hpp"
#include "support/strangers.hpp"
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

namespace {

/// PEFT's factor of a target: lora_alpha / r, or / sqrt(r), each as the patterns say for its name.
double peft_scale(const nlohmann::json& config, const std::string& target) {
  const auto value = [&](const char* plain, const char* patterns) {
    for (const auto& [key, number] : config.at(patterns).items()) {
      if (std::regex_match(target, std::regex("(.*\\.)?(" + key + ")"))) return number.get<double>();
    }
    return config.at(plain).get<double>();
  };
  const double alpha = value("lora_alpha", "alpha_pattern"), rank = value("r", "rank_pattern");
  return config.at("use_rslora").get<bool>() ? alpha / std::sqrt(rank) : alpha / rank;
}

std::vector<double> product(const std::vector<float>& b, const std::vector<float>& a, std::size_t rank, double scale) {
  const std::size_t rows = b.size() / rank, cols = a.size() / rank;
  std::vector<double> all(rows * cols, 0.0);
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t k = 0; k < rank; ++k) {
      for (std::size_t j = 0; j < cols; ++j)
        all[i * cols + j] += scale * static_cast<double>(b[i * rank + k]) * static_cast<double>(a[k * cols + j]);
    }
  }
  return all;
}

}  // namespace

TEST_CASE("adapters that strangers wrote for llama.cpp have PEFT's weights there", "[pet][lora_gguf]") {
  const auto strangers = test::strangers_of([](const test::stranger& s) {
    return test::has_keys(s.expected, {"relative difference"}) && std::filesystem::exists(s.input / "base");
  });
  for (const test::stranger& s : strangers) {
    const io::model_config c = io::open_checkpoint((s.input / "base").string()).config;
    for (const auto& entry : std::filesystem::directory_iterator(s.input)) {
      if (!std::filesystem::exists(entry.path() / "adapter_config.json")) continue;
      INFO(entry.path());
      const quipu::mapped_file config_file((entry.path() / "adapter_config.json").string());
      const nlohmann::json config = quipu::parse_json(config_file.text(), "adapter_config.json");
      const io::safetensors_file peft((entry.path() / "adapter_model.safetensors").string());
      const test::temp_folder folder;
      pet::write_lora_gguf(folder.file("a.gguf"), pet::load_peft<pet::lora, float>(entry.path(), c), c);
      const std::string bytes = test::read_bytes(folder.file("a.gguf"));
      const io::gguf_contents file = io::parse_gguf(test::as_bytes(bytes), "a.gguf");
      const double alpha = file.metadata.number_or("adapter.lora.alpha", 0);
      std::size_t n_target = 0;
      for (const auto& [name, view] : peft.tensors()) {
        const std::string suffix = ".lora_A.weight";
        if (!name.ends_with(suffix)) continue;
        ++n_target;
        const std::string target = name.substr(0, name.size() - suffix.size());
        const auto a = io::values_of<float>(view), b = io::values_of<float>(peft.at(target + ".lora_B.weight"));
        const std::vector<double> wanted = product(b, a, view.shape[0], peft_scale(config, target));

        const std::size_t layer_at = target.find(".layers.") + 8, part = target.find('.', layer_at);
        const std::string gguf = "blk." + target.substr(layer_at, part - layer_at) + "." +
                                 (target.ends_with("q_proj")      ? "attn_q"
                                  : target.ends_with("k_proj")    ? "attn_k"
                                  : target.ends_with("v_proj")    ? "attn_v"
                                  : target.ends_with("o_proj")    ? "attn_output"
                                  : target.ends_with("gate_proj") ? "ffn_gate"
                                  : target.ends_with("up_proj")   ? "ffn_up"
                                                                  : "ffn_down");
        const io::tensor_view& written = file.tensors.at(gguf + ".weight.lora_a");
        const double rank = static_cast<double>(written.shape[0]);
        const std::vector<double> found = product(io::values_of<float>(file.tensors.at(gguf + ".weight.lora_b")),
                                                  io::values_of<float>(written), written.shape[0], alpha / rank);
        REQUIRE(found.size() == wanted.size());
        const bool rotated = target.ends_with("q_proj") || target.ends_with("k_proj");
        const std::size_t cols = view.shape[1];
        double worst = 0, largest = 0;
        for (std::size_t i = 0; i < found.size() / cols; ++i) {
          // Row (2 p + half) of a head is PEFT's row (p + half d_head / 2).
          const std::size_t in_head = i % c.d_head;
          const std::size_t row = rotated ? i - in_head + in_head / 2 + in_head % 2 * (c.d_head / 2) : i;
          for (std::size_t j = 0; j < cols; ++j) {
            worst = std::max(worst, std::abs(found[i * cols + j] - wanted[row * cols + j]));
            largest = std::max(largest, std::abs(wanted[row * cols + j]));
          }
        }
        CHECK(worst <= 1e-5 * largest);
        CHECK(largest > 0);
      }
      CHECK(n_target > 0);
    }
  }
}

}  // namespace quipu_lora_gguf_test
