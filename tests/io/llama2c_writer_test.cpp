#include <quipu/io/llama2c_writer.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <filesystem>
#include <string>

#include <catch2/catch.hpp>

#include <quipu/io/open_checkpoint.hpp>
#include <quipu/io/rope_layout.hpp>

#include "support/random_checkpoint.hpp"
#include "support/shared_data.hpp"
#include "support/temp_folder.hpp"

using quipu::io::llama2c_version;
using quipu::io::open_checkpoint;
using quipu::io::write_llama2c;
using quipu::test::read_bytes;

TEST_CASE("a real model is written as it came", "[io][llama2c_writer]") {
  const auto models = quipu::test::shared_root() / "data" / "models" / "stories260K";
  QUIPU_NEEDS(models);
  const quipu::test::temp_folder folder;
  const auto source = open_checkpoint((models / "stories260K.bin").string());
  write_llama2c(folder.file("v1"), source, llama2c_version::v1);
  CHECK(read_bytes(folder.file("v1")) == read_bytes(models / "stories260K_v1.bin"));
  write_llama2c(folder.file("v0"), source, llama2c_version::v0);
  const std::string written = read_bytes(folder.file("v0"));
  const std::string original = read_bytes(models / "stories260K.bin");
  REQUIRE(written.size() == original.size());
  const std::size_t tables = source.config.n_ctx * source.config.d_head * sizeof(float);
  const std::size_t begin = original.size() - tables;  // tied: they are the end of the file
  CHECK(written.substr(0, begin) == original.substr(0, begin));
  float largest = 0;
  for (std::size_t i = begin; i < original.size(); i += sizeof(float)) {
    float a = 0;
    float b = 0;
    std::memcpy(&a, written.data() + i, sizeof(float));
    std::memcpy(&b, original.data() + i, sizeof(float));
    largest = std::max(largest, std::fabs(a - b));
  }
  CHECK(largest < 1e-4f);  // the original's angles were rounded to float: 512 * 2^-24 at most
}

TEST_CASE("heads of their own and Hugging Face's row order come back", "[io][llama2c_writer]") {
  const quipu::test::temp_folder folder;
  const auto source = quipu::test::random_checkpoint(quipu::test::small_config());
  for (const auto version : {llama2c_version::v0, llama2c_version::v1}) {
    write_llama2c(folder.file("m"), source, version);
    auto opened = open_checkpoint(folder.file("m"));
    CHECK_FALSE(opened.config.tied_embeddings);
    quipu::io::convert_rope_layout(opened, quipu::io::rope_layout::halves);
    REQUIRE(opened.tensors.size() == source.tensors.size());
    for (const auto& [name, tensor] : source.tensors) {
      INFO(name);
      const auto& read = opened.at(name).bytes;
      CHECK(std::equal(tensor.bytes.begin(), tensor.bytes.end(), read.begin(), read.end()));
    }
  }
}

TEST_CASE("what run.c would compute otherwise is refused", "[io][llama2c_writer]") {
  const quipu::test::temp_folder folder;
  const auto refused = [&](const std::function<void(quipu::io::model_config&)>& change) {
    auto config = quipu::test::small_config();
    change(config);
    CHECK_THROWS_AS(write_llama2c(folder.file("m"), quipu::test::random_checkpoint(config), llama2c_version::v0),
                    quipu::config_error);
  };
  refused([](auto& c) { c.rope_theta = 1e5; });
  refused([](auto& c) { c.rms_norm_eps = 1e-6; });
  refused([](auto& c) { c.hidden_act = "relu"; });
  refused([](auto& c) { c.attention_bias = true; });
  refused([](auto& c) { c.mlp_bias = true; });
  refused([](auto& c) { c.d_head = 8; });
  refused([](auto& c) { c.scaling.type = quipu::io::rope_scaling::kind::linear; });
  CHECK(std::filesystem::is_empty(folder.path()));
}
