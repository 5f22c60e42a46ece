#include <quipu/io/validate.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/io/tensor_values.hpp>

#include "support/random_checkpoint.hpp"

using Catch::Contains;
using quipu::io::checkpoint;
using quipu::test::random_checkpoint;
using quipu::test::small_config;

namespace {

void check_refused(const std::function<void(checkpoint&)>& damage, const std::string& reason) {
  checkpoint opened = random_checkpoint(small_config());
  opened.vocabulary = quipu::test::small_vocabulary();
  damage(opened);
  CHECK_THROWS_AS(quipu::io::validate(opened), quipu::format_error);
  opened = random_checkpoint(small_config());
  opened.vocabulary = quipu::test::small_vocabulary();
  damage(opened);
  CHECK_THROWS_WITH(quipu::io::validate(opened), Contains(reason));
}

}  // namespace

TEST_CASE("a complete checkpoint passes", "[io][validate]") {
  checkpoint opened = random_checkpoint(small_config());
  opened.vocabulary = quipu::test::small_vocabulary();
  const std::size_t n_tensor = opened.tensors.size();
  opened.tensors["model.layers.0.self_attn.rotary_emb.inv_freq"] = {quipu::tensor_type::i8, {0}, {}};
  CHECK_NOTHROW(quipu::io::validate(opened));
  CHECK(opened.tensors.size() == n_tensor);
}

TEST_CASE("the head of a tied model is left out", "[io][validate]") {
  checkpoint opened = random_checkpoint(small_config());
  opened.config.tied_embeddings = true;
  quipu::io::validate(opened);
  CHECK(opened.find("lm_head.weight") == nullptr);
}

TEST_CASE("missing, foreign, misshapen and integer tensors are refused", "[io][validate]") {
  for (const auto& [name, tensor] : random_checkpoint(small_config()).tensors) {
    INFO(name);
    check_refused([&n = name](checkpoint& c) { c.tensors.erase(n); }, name);
    check_refused([&n = name](checkpoint& c) { c.tensors[n].shape.push_back(1); }, name);
    check_refused([&n = name](checkpoint& c) { c.tensors[n].type = quipu::tensor_type::i32; }, "I32");
    check_refused([&n = name](checkpoint& c) { c.tensors[n].bytes = c.tensors[n].bytes.first(4); }, "bytes");
  }
  check_refused([](checkpoint& c) { c.tensors["extra"] = c.tensors["model.norm.weight"]; }, "extra");
  check_refused([](checkpoint& c) { c.tensors["model.layers.2.x"] = c.tensors["model.norm.weight"]; }, "layers.2");
}

TEST_CASE("a vocabulary that does not fit is refused", "[io][validate]") {
  check_refused([](checkpoint& c) { c.vocabulary.kinds.pop_back(); }, "types");
  check_refused([](checkpoint& c) { c.vocabulary.scores.pop_back(); }, "scores");
  check_refused([](checkpoint& c) { c.vocabulary.scores[0] = std::nanf(""); }, "finite");
  check_refused([](checkpoint& c) { c.vocabulary.pad = 7; }, "pad");
  check_refused([](checkpoint& c) {
    c.vocabulary.tokens.emplace_back("d");
    c.vocabulary.scores.push_back(0);
    c.vocabulary.kinds.push_back(quipu::text::token_kind::normal);
  }, "7 tokens");
}

TEST_CASE("a config that contradicts itself is refused", "[io][validate]") {
  check_refused([](checkpoint& c) { c.config.rope_factors = {1}; }, "rope factors");
  check_refused([](checkpoint& c) { c.config.rope_factors.assign(8, 0.0f); }, "rope factors");
  check_refused([](checkpoint& c) { c.config.n_layer = 0; }, "n_layer");
  check_refused([](checkpoint& c) { c.config.n_layer = 1u << 30; }, "layers.2");
  check_refused([](checkpoint& c) { c.config.rms_norm_eps = std::nan(""); }, "rms_norm_eps");
  check_refused([](checkpoint& c) { c.config.activation_threshold = HUGE_VAL; }, "threshold");
  check_refused([](checkpoint& c) { c.config.end_tokens = {7}; }, "end tokens");
}

TEST_CASE("tensors at odd addresses are moved", "[io][validate]") {
  checkpoint opened = random_checkpoint(small_config());
  auto& norm = opened.tensors["model.norm.weight"];
  std::vector<std::byte> shifted(norm.bytes.size() + 1);
  std::copy(norm.bytes.begin(), norm.bytes.end(), shifted.begin() + 1);
  const auto before = quipu::io::values_of<float>(norm);
  norm.bytes = std::span<const std::byte>(shifted).subspan(1);
  quipu::io::validate(opened);
  CHECK(reinterpret_cast<std::uintptr_t>(opened.at("model.norm.weight").bytes.data()) % 4 == 0);
  CHECK(quipu::io::values_of<float>(opened.at("model.norm.weight")) == before);
}
