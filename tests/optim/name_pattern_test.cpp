#include <quipu/optim/name_pattern.hpp>

#include <catch2/catch.hpp>

#include <quipu/core/error.hpp>

using quipu::optim::name_pattern;

TEST_CASE("suffixes are whole parts of a name", "[optim]") {
  const auto p = name_pattern::suffixes({"q_proj", "mlp.down_proj"});
  CHECK(p("model.layers.0.self_attn.q_proj"));
  CHECK(p("q_proj"));
  CHECK(p("model.layers.11.mlp.down_proj"));
  CHECK_FALSE(p("model.layers.0.self_attn.eq_proj"));
  CHECK_FALSE(p("model.layers.0.other.down_proj"));
  CHECK_FALSE(p("model.layers.0.self_attn.q_proj.weight"));
}

TEST_CASE("expressions must match the whole name", "[optim]") {
  const auto p = name_pattern::regex(".*\\.layers\\.[0-3]\\..*_proj|head");
  CHECK(p("model.layers.2.self_attn.v_proj"));
  CHECK(p("head"));
  CHECK_FALSE(p("model.layers.4.self_attn.v_proj"));
  CHECK_FALSE(p("model.layers.2.self_attn.v_proj.weight"));
  CHECK_FALSE(p("lm_head"));
  CHECK_THROWS_AS(name_pattern::regex("("), quipu::config_error);
}

TEST_CASE("an expression that explodes is stopped, not waited for", "[optim]") {
  const auto hard = name_pattern::regex("(?:a|aa)+b");
  CHECK(hard("aaab"));
  CHECK_THROWS_AS(hard(std::string(60, 'a') + "cb"), quipu::config_error);
}

TEST_CASE("everything and nothing", "[optim]") {
  CHECK(name_pattern::all()("x"));
  CHECK_FALSE(name_pattern::none()("x"));
}
