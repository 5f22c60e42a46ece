#include <quipu/llama/sampler.hpp>

#include <cmath>
#include <limits>
#include <map>
#include <vector>

#include <catch2/catch.hpp>

namespace llama = quipu::llama;
using quipu::token_id;

namespace {

const std::vector<float> six_logits{1.0f, 3.0f, -2.0f, 3.0f, 2.0f, 0.0f};

// Relative frequency of each token in `n` draws.
std::map<token_id, double> frequencies(std::vector<llama::sampling_step> steps, int n = 40000,
                                       std::vector<token_id> history = {}) {
  llama::sampler s = llama::sampler::draw(11, std::move(steps));
  std::map<token_id, double> count;
  for (int i = 0; i < n; ++i) count[s(std::span<const float>(six_logits), history)] += 1.0 / n;
  return count;
}

std::vector<double> softmax(double t) {
  std::vector<double> p;
  double sum = 0;
  for (const float x : six_logits) sum += std::exp(x / t);
  for (const float x : six_logits) p.push_back(std::exp(x / t) / sum);
  return p;
}

}  // namespace

TEST_CASE("greedy takes the best, and of equal ones the first", "[llama][sampler]") {
  CHECK(llama::greedy()(std::span<const float>(six_logits), {}) == 1);
  CHECK(llama::sampler::best({llama::top_k{3}})(std::span<const float>(six_logits), {}) == 1);
}

TEST_CASE("draws follow the tempered probabilities", "[llama][sampler]") {
  for (const double t : {0.5, 1.0, 2.0}) {
    auto found = frequencies({llama::temperature{t}});
    const auto wanted = softmax(t);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      CHECK(std::abs(found[static_cast<token_id>(i)] - wanted[i]) < 5 * std::sqrt(wanted[i] / 40000) + 1e-4);
    }
  }
}

TEST_CASE("top-k, top-p and min-p keep the tokens that their definitions say", "[llama][sampler]") {
  const auto p = softmax(1);
  CHECK(frequencies({llama::top_k{2}}).size() == 2);
  CHECK(frequencies({llama::top_k{0}}).size() >= 5);
  // 1 and 3 have p[1] each; the mass just above one of them needs both, just above both needs 4 as well
  CHECK(frequencies({llama::top_p{p[1] * 1.01}}).size() == 2);
  CHECK(frequencies({llama::top_p{2 * p[1] * 1.01}}).size() == 3);
  CHECK(frequencies({llama::min_p{std::exp(-1.0) * 0.99}}).size() == 3);
  CHECK(frequencies({llama::min_p{std::exp(-1.0) * 1.01}}).size() == 2);
}

TEST_CASE("the repetition penalty looks at the window only", "[llama][sampler]") {
  llama::sampler s = llama::sampler::best({llama::repetition_penalty{2.0, 2}});
  CHECK(s(std::span<const float>(six_logits), std::vector<token_id>{1, 3}) == 4);
  CHECK(s(std::span<const float>(six_logits), std::vector<token_id>{1, 3, 5, 5}) == 1);
}

TEST_CASE("a seed fixes the draws", "[llama][sampler]") {
  const auto run = [](std::uint64_t seed) {
    llama::sampler s = llama::sampling({.temperature = 1.5, .seed = seed});
    std::vector<token_id> tokens;
    for (int i = 0; i < 50; ++i) tokens.push_back(s(std::span<const float>(six_logits), {}));
    return tokens;
  };
  CHECK(run(3) == run(3));
  CHECK(run(3) != run(4));
}

TEST_CASE("logits that are not finite and settings out of range are errors", "[llama][sampler]") {
  std::vector<float> bad = six_logits;
  bad[4] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_WITH(llama::greedy()(std::span<const float>(bad), {}), Catch::Contains("token 4"));
  bad[4] = std::numeric_limits<float>::infinity();
  CHECK_THROWS_AS(llama::greedy()(std::span<const float>(bad), {}), quipu::numeric_error);
  for (const llama::sampling_step& step :
       {llama::sampling_step(llama::temperature{0}), llama::sampling_step(llama::top_p{0}),
        llama::sampling_step(llama::min_p{2}), llama::sampling_step(llama::repetition_penalty{-1})}) {
    CHECK_THROWS_AS(llama::sampler::draw(1, {step})(std::span<const float>(six_logits), std::vector<token_id>{1}),
                    quipu::config_error);
  }
  CHECK_THROWS_AS(llama::sampler::draw(1, {[](auto& c, auto) { c.clear(); }})(std::span<const float>(six_logits), {}),
                  quipu::config_error);
}
