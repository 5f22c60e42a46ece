// Phrases that a generation must not say, on a scripted model of one token a byte.
// SPDX-License-Identifier: Apache-2.0
#include <quipu/llama/avoid_phrases.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "support/scripted_model.hpp"

namespace quipu_avoid_phrases_test {

namespace llama = quipu::llama;

std::string said(const std::vector<std::string>& phrases, const std::string& reply = "in Vienna, I think", const std::string& prompt = "Where?") {
  const quipu::test::scripted_model model({}, reply);
  auto session = open_session(model, quipu::thread_team(1));
  const auto ids = model.tokenizer().encode(prompt, quipu::text::special::plain);
  return llama::generate(session, model.tokenizer(), session.create(), ids,
                         llama::without_phrases({.max_tokens = 40}, model.tokenizer(), phrases, ids.size()))
      .text;
}

TEST_CASE("a phrase is not completed, and texts without it stay as they are", "[llama][avoid_phrases]") {
  CHECK(said({}) == "in Vienna, I think");
  CHECK(said({""}) == "in Vienna, I think");
  CHECK(said({"Berlin", "Vienna?"}) == "in Vienna, I think");
  const std::string other = said({"Berlin", "Vienna"});
  CHECK(other.starts_with("in Vienn"));
  CHECK(other.find("Vienna") == std::string::npos);
  // Parts of longer words are no phrases; letters of scripts without blanks are.
  CHECK(said({"enn", "ink", "n"}) == "in Vienna, I think");
  CHECK(said({"纳"}, "他在维也纳出生").find("纳") == std::string::npos);
  // What the prompt says is no part of it.
  CHECK(said({"ennain"}, "in Rome", "Where is Vienna").starts_with("in Rome"));
}

TEST_CASE("steps of a sampler stand in line", "[llama][avoid_phrases]") {
  std::vector<int> order;
  const auto note = [&](int i) { return [&order, i](std::vector<llama::candidate>&, std::span<const quipu::token_id>) { order.push_back(i); }; };
  llama::sampler sampler = llama::sampler::best({note(2)}).after(note(1));
  const std::vector<float> logits = {0, 1};
  CHECK(sampler(std::span<const float>(logits), {}) == 1);
  CHECK(order == std::vector<int>{1, 2});
  // Where every token would complete a phrase all are left.
  const quipu::test::tokenizer_archetype bytes;
  std::vector<llama::candidate> candidates = {{'a', 1.0}};
  llama::avoid_phrases(bytes, {"a"}, 0)(candidates, {});
  CHECK(candidates.size() == 1);
}

}  // namespace quipu_avoid_phrases_test
