#include <quipu/llama/generate.hpp>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/llama/score.hpp>
#include <quipu/text/chat_render.hpp>

#include "support/exact_model.hpp"
#include "support/golden.hpp"

namespace llama = quipu::llama;
namespace test = quipu::test;
using quipu::token_id;

namespace {

// Greedy ids must agree up to the first position where the reference itself was nearly undecided.
void check_greedy(const std::vector<token_id>& made, const std::vector<token_id>& wanted,
                  const std::vector<float>& margins) {
  for (std::size_t i = 0; i < wanted.size() && margins[i] >= 0.05f; ++i) {
    INFO("token " << i);
    REQUIRE(made[i] == wanted[i]);
  }
}

}  // namespace

TEST_CASE("SmolLM2 with f32 activations gives the reference's logits and texts", "[llama][smollm2]") {
  const auto path = test::smollm2_path();
  if (path.empty()) return;
  QUIPU_NEEDS(test::golden_case("smollm2"));
  const auto m = test::load_exact<>(path.string());
  llama::session s(m, quipu::thread_team(2), {.n_ctx = 1024});
  for (const std::string name : {"plain", "chat", "unicode_code"}) {
    const test::golden golden("smollm2", name);
    INFO(name);
    const auto ids = golden.ids("ids");
    const auto encoded = m.tokenizer().encode(golden.json()["text"].get<std::string>(), quipu::text::special::parse);
    CHECK(encoded == ids);
    const auto logits = test::all_logits(s, ids);
    const std::size_t n_vocab = m.config().n_vocab;
    const std::vector<float> last(logits.end() - static_cast<std::ptrdiff_t>(n_vocab), logits.end());
    CHECK(test::max_abs_difference(last, golden.values("last_logits")) < 1e-3);
    const auto top_ids = golden.values<std::int64_t>("top20.ids");
    const auto top_logits = golden.values("top20.logits");
    double worst = 0;
    for (std::size_t i = 0; i < top_ids.size(); ++i) {
      worst =
          std::max(worst, std::abs(logits[i / 20 * n_vocab + static_cast<std::size_t>(top_ids[i])] - top_logits[i]));
    }
    CHECK(worst < 1e-3);
    const auto wanted = golden.ids("greedy.ids");
    const auto made = llama::generate(s, m.tokenizer(), s.create(), ids,
                                      {.max_tokens = wanted.size(), .end_tokens = llama::end_tokens::ignore});
    check_greedy(made.tokens, wanted, golden.values<float>("greedy.margins"));
  }
}

TEST_CASE("SmolLM2's perplexity on WikiText-2 is the reference's", "[llama][smollm2]") {
  const auto path = test::smollm2_path();
  if (path.empty()) return;
  QUIPU_NEEDS(test::golden_case("smollm2"));
  const test::golden golden("smollm2", "perplexity");
  const auto ids = golden.ids("ids");
  const auto wanted = golden.json()["perplexity"].get<double>();
  {
    const auto m = test::load_exact<>(path.string());
    llama::session s(m, quipu::thread_team(2), {.n_ctx = 512});
    const auto result = llama::perplexity(s, ids, {.window = ids.size(), .stride = ids.size()});
    CHECK(result.n_scored == golden.json()["predictions"].get<std::size_t>());
    CHECK(std::abs(result.value() / wanted - 1) < 1e-3);
    CHECK(test::max_abs_difference(result.log_probs, golden.values("log_probs")) < 1e-3);
  }
}

TEST_CASE("rounded activations cost SmolLM2 next to nothing", "[llama][smollm2]") {
  const auto path = test::smollm2_path();
  if (path.empty()) return;
  const auto text = test::shared_root() / "data/text/wikitext-2/test.txt";
  QUIPU_NEEDS(text);
  std::ifstream in(text, std::ios::binary);
  std::string words(40'000, '\0');
  in.read(words.data(), static_cast<std::streamsize>(words.size()));
  const auto perplexity = [&](const auto& m) {
    auto ids = m.tokenizer().encode(words);
    REQUIRE(ids.size() >= 4096);
    ids.resize(4096);
    llama::session s(m, quipu::thread_team(2), {.n_ctx = 1024});
    return llama::perplexity(s, ids, {.window = 1024, .stride = 1024}).value();
  };
  const double exact = perplexity(llama::load<quipu::activations::f32>(path.string()));
  const double bits16 = perplexity(llama::load<>(path.string()));
  const double bits8 = perplexity(llama::load<quipu::activations::int8>(path.string()));
  CAPTURE(exact, bits16, bits8);
  CHECK(std::abs(bits16 / exact - 1) < 0.0002);
  CHECK(std::abs(bits8 / exact - 1) < 0.005);
}

TEST_CASE("SmolLM2 with 16-bit activations and an f16 cache writes the reference's texts", "[llama][smollm2]") {
  const auto path = test::smollm2_path();
  if (path.empty()) return;
  QUIPU_NEEDS(test::golden_case("smollm2"));
  const auto m = llama::load<>(path.string());
  llama::session s(m, quipu::thread_team(2), {.n_ctx = 1024});
  for (const std::string name : {"plain", "chat", "unicode_code"}) {
    const test::golden golden("smollm2", name);
    INFO(name);
    const auto wanted = golden.ids("greedy.ids");
    const auto made = llama::generate(s, m.tokenizer(), s.create(), golden.ids("ids"),
                                      {.max_tokens = wanted.size(), .end_tokens = llama::end_tokens::ignore});
    check_greedy(made.tokens, wanted, golden.values<float>("greedy.margins"));
  }
}

TEST_CASE("SmolLM2 knows the capital of France", "[llama][smollm2]") {
  const auto path = test::smollm2_path();
  if (path.empty()) return;
  const auto m = llama::load<>(path.string());
  const auto chat = quipu::text::chat_template_of(m.tokenizer());
  const std::vector<quipu::text::chat_message> messages{{"user", "What is the capital of France?"}};
  const auto ids = quipu::text::encode_chat(m.tokenizer(), chat, messages, quipu::text::generation_prompt::add);
  llama::session s(m, quipu::thread_team(2), {.n_ctx = 256});
  const auto answer = llama::generate(s, m.tokenizer(), s.create(), ids, {.max_tokens = 48});
  CHECK(answer.text.find("Paris") != std::string::npos);
  CHECK(answer.reason == llama::stop_reason::end_token);
}
