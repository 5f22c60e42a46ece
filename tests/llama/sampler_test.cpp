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
       {llama::sampling_step(llama::temperature{0}), llama::sampling_step(llama::top_p{-0.1}),
        llama::sampling_step(llama::min_p{2}), llama::sampling_step(llama::repetition_penalty{-1})}) {
    CHECK_THROWS_AS(llama::sampler::draw(1, {step})(std::span<const float>(six_logits), std::vector<token_id>{1}),
                    quipu::config_error);
  }
  CHECK_THROWS_AS(llama::sampler::draw(1, {[](auto& c, auto) { c.clear(); }})(std::span<const float>(six_logits), {}),
                  quipu::config_error);
}

TEST_CASE("frequency and presence penalties count what the window holds", "[llama][sampler]") {
  const auto best = [](llama::frequency_penalty p, std::vector<token_id> history) {
    return llama::sampler::best({p})(std::span<const float>(six_logits), history);
  };
  CHECK(best({.frequency = 0.6}, {1, 1}) == 3);        // 3 - 1.2 against 3
  CHECK(best({.frequency = 0.6}, {1, 1, 3}) == 3);     // 1.8, 2.4, and 2 of token 4
  CHECK(best({.frequency = 0.6}, {1, 1, 3, 3}) == 4);
  CHECK(best({.presence = 0.9}, {1, 1, 1, 3}) == 1);   // 2.1 each
  CHECK(best({.presence = 1.1}, {1, 1, 1, 3}) == 4);
  CHECK(best({.presence = 1.1, .window = 1}, {1, 3}) == 1);
  CHECK(best({.presence = -1}, {4, 5}) == 1);          // rewards are allowed: 3 for token 4, and 1 has the lower id
}

TEST_CASE("limits of the settings give the best token or a refusal by name", "[llama][sampler]") {
  const auto first = [](llama::sampling_settings s) {
    return llama::sampling(s)(std::span<const float>(six_logits), std::vector<token_id>{5});
  };
  for (const double tiny : {0.0, -1.0, 1e-30, 1e-310, 5e-324}) {
    std::vector<float> logits = six_logits;
    logits[2] = 4;
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
      CHECK(llama::sampling({.temperature = tiny, .seed = seed})(std::span<const float>(logits), {}) == 2);
    }
  }
  CHECK(first({.temperature = 1, .top_p = 0}) == 1);
  CHECK(first({.temperature = 1, .top_k = 1}) == 1);
  CHECK(first({.temperature = 1, .min_p = 1, .seed = 3}) % 2 == 1);  // 1 and 3 are equal
  constexpr double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  for (const double temperature : {0.0, 1.0}) {
    const auto refuses = [&](llama::sampling_settings s, const char* name) {
      s.temperature = temperature;
      CHECK_THROWS_WITH(first(s), Catch::Contains(name) && Catch::Contains("expected") && Catch::Contains("found"));
    };
    for (const double wrong : {nan, inf, -1.0, 2.0}) {
      refuses({.top_p = wrong}, "top_p");
      refuses({.min_p = wrong}, "min_p");
    }
    for (const double wrong : {nan, inf, -1.0, 0.0}) refuses({.repetition_penalty = wrong}, "repetition_penalty");
    refuses({.frequency_penalty = nan}, "frequency_penalty");
    refuses({.presence_penalty = inf}, "presence_penalty");
  }
  CHECK_THROWS_WITH(first({.temperature = nan}), Catch::Contains("temperature"));
}
