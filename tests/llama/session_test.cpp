#include <quipu/llama/session.hpp>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/llama/generate.hpp>
#include <quipu/llama/score.hpp>

#include "support/exact_model.hpp"
#include "support/golden.hpp"

namespace llama = quipu::llama;
namespace test = quipu::test;
using quipu::token_id;

namespace {

// A real architecture, small: the golden case with grouped heads and sizes that fill no register.
std::string tiny() { return test::golden_case("gqa_tied_odd").string(); }

std::vector<token_id> some_ids(std::size_t n, std::size_t n_vocab) {
  std::vector<token_id> ids(n);
  for (std::size_t i = 0; i < n; ++i) ids[i] = static_cast<token_id>((i * 37 + 11) % n_vocab);
  return ids;
}

std::vector<float> copy(std::span<const float> logits) { return {logits.begin(), logits.end()}; }

}  // namespace

TEST_CASE("logits do not depend on the number of threads, bit for bit", "[llama][session]") {
  QUIPU_NEEDS(tiny());
  const auto check = [](const auto& m, std::size_t n) {
    const auto ids = some_ids(n, m.config().n_vocab);
    std::vector<std::vector<float>> results;
    for (const std::size_t n_thread : {1, 2, 3}) {
      llama::session s(m, quipu::thread_team(n_thread));
      const auto sequence = s.create();
      std::vector<float> all = copy(s.next_logits(sequence, ids));
      for (int i = 0; i < 3; ++i) {
        const auto more = s.next_logits(sequence, {ids.data(), 1});
        all.insert(all.end(), more.begin(), more.end());
      }
      results.push_back(all);
    }
    CHECK(results[1] == results[0]);
    CHECK(results[2] == results[0]);
  };
  check(test::load_exact<>(tiny()), 70);
  check(llama::load<>(tiny()), 70);
  if (const auto path = test::smollm2_path(); !path.empty()) check(llama::load<>(path.string()), 40);
}

TEST_CASE("a prompt in one batch, in passes, and token by token agree", "[llama][session]") {
  QUIPU_NEEDS(tiny());
  const auto m = test::load_exact<>(tiny());
  const auto ids = some_ids(100, m.config().n_vocab);
  llama::session whole(m, quipu::thread_team(2));
  const std::vector<float> wanted = test::all_logits(whole, ids);
  llama::session passes(m, quipu::thread_team(2), {.n_batch = 7});
  CHECK(test::max_abs_difference(test::all_logits(passes, ids), wanted) < 2e-5);
  const auto sequence = whole.create();
  std::vector<float> single;
  for (const token_id id : ids) {
    const auto logits = whole.next_logits(sequence, {&id, 1});
    single.insert(single.end(), logits.begin(), logits.end());
  }
  CHECK(test::max_abs_difference(single, wanted) < 2e-5);
}

TEST_CASE("SmolLM2's prompt in one batch agrees with token by token", "[llama][session]") {
  const auto path = test::smollm2_path();
  if (path.empty()) return;
  const auto m = test::load_exact<>(path.string());
  llama::session s(m, quipu::thread_team(2));
  const auto ids = m.tokenizer().encode("The quick brown fox jumps over the lazy dog near the river.");
  const std::vector<float> wanted = test::all_logits(s, ids);
  const auto sequence = s.create();
  std::vector<float> single;
  for (const token_id id : ids) {
    const auto logits = s.next_logits(sequence, {&id, 1});
    single.insert(single.end(), logits.begin(), logits.end());
  }
  CHECK(test::max_abs_difference(single, wanted) < 5e-4);  // logits reach 40
}

TEST_CASE("forks share a prefix and go their own ways", "[llama][session]") {
  QUIPU_NEEDS(tiny());
  const auto m = llama::load<>(tiny());
  llama::session s(m, quipu::thread_team(2));
  const auto ids = some_ids(75, m.config().n_vocab);
  const std::span all(ids);
  const auto direct = [&](std::size_t n_prefix, token_id last) {
    const auto sequence = s.create();
    static_cast<void>(s.next_logits(sequence, all.first(n_prefix)));
    std::vector<float> logits = copy(s.next_logits(sequence, {&last, 1}));
    s.erase(sequence);
    return logits;
  };
  const auto base = s.create();
  static_cast<void>(s.next_logits(base, all.first(70)));
  const auto a = s.fork(base), b = s.fork(base, 40), c = s.fork(base);
  CHECK(s.length(b) == 40);
  const token_id x = 5, y = 9;
  // c writes first into the page that all share; nobody else may see it
  static_cast<void>(s.next_logits(c, std::vector<token_id>{1, 2, 3}));
  CHECK(copy(s.next_logits(a, {&x, 1})) == direct(70, x));
  CHECK(copy(s.next_logits(b, {&y, 1})) == direct(40, y));
  CHECK(copy(s.next_logits(base, {&y, 1})) == direct(70, y));
  s.erase(base);
  s.truncate(a, 70);
  CHECK(copy(s.next_logits(a, {&y, 1})) == direct(70, y));
}

TEST_CASE("sequences of one batch do not see one another", "[llama][session]") {
  QUIPU_NEEDS(tiny());
  const auto m = test::load_exact<>(tiny());
  llama::session s(m, quipu::thread_team(2));
  const auto ids = some_ids(60, m.config().n_vocab);
  const std::span all(ids);
  std::vector<llama::sequence_input<float>> inputs;
  for (const std::size_t n : {3, 20, 1, 36}) inputs.push_back({s.create(), all.first(n)});
  std::vector<std::vector<float>> together(inputs.size());
  s.run(inputs, [&](std::size_t i, std::size_t row, std::span<const float> logits) {
    CHECK(row + 1 == inputs[i].n_row());
    together[i] = copy(logits);
  });
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto alone = s.next_logits(s.create(), inputs[i].tokens);
    CHECK(test::max_abs_difference(copy(alone), together[i]) < 2e-5);
  }
}

TEST_CASE("embeddings in place of tokens give the same", "[llama][session]") {
  QUIPU_NEEDS(tiny());
  const auto m = test::load_exact<>(tiny());
  llama::session s(m, quipu::thread_team(2));
  const auto ids = some_ids(9, m.config().n_vocab);
  const std::size_t d = m.config().d_model;
  std::vector<float> rows(ids.size() * d);
  llama::embed<float>(m.weights().embedding, ids, {rows.data(), ids.size(), d});
  const llama::sequence_input<float> in{s.create(), {}, {rows.data(), ids.size(), d}};
  std::vector<float> found;
  s.run({&in, 1}, [&](std::size_t, std::size_t, std::span<const float> logits) { found = copy(logits); });
  CHECK(found == copy(s.next_logits(s.create(), ids)));
}

TEST_CASE("mistakes are refused and leave the session as it was", "[llama][session]") {
  QUIPU_NEEDS(tiny());
  const auto m = llama::load<>(tiny());
  llama::session s(m, quipu::thread_team(2), {.n_ctx = 16});
  const auto sequence = s.create();
  const auto ids = some_ids(10, m.config().n_vocab);
  const auto first = copy(s.next_logits(sequence, ids));
  const std::vector<token_id> beyond{static_cast<token_id>(m.config().n_vocab)}, negative{-1};
  CHECK_THROWS_WITH(s.next_logits(sequence, beyond), Catch::Contains("token id"));
  CHECK_THROWS_AS(s.next_logits(sequence, negative), quipu::config_error);
  CHECK_THROWS_WITH(s.next_logits(sequence, ids), Catch::Contains("16"));
  CHECK_THROWS_AS(s.next_logits(static_cast<llama::sequence_id>(99), ids), quipu::config_error);
  CHECK_THROWS_AS(s.next_logits(sequence, {}), quipu::config_error);
  CHECK_THROWS_AS(s.fork(sequence, 11), quipu::config_error);
  const std::vector<llama::sequence_input<float>> twice{{sequence, std::span(ids).first(1)},
                                                        {sequence, std::span(ids).first(1)}};
  CHECK_THROWS_AS(s.run(twice, [](std::size_t, std::size_t, std::span<const float>) {}), quipu::config_error);
  CHECK_THROWS_AS(llama::session(m, quipu::thread_team(1), {.n_ctx = m.config().n_ctx + 1}), quipu::config_error);
  CHECK(s.length(sequence) == 10);
  const llama::sequence_input<float> one{sequence, std::span(ids).first(1)};
  CHECK_THROWS_AS(
      s.run({&one, 1}, [](std::size_t, std::size_t, std::span<const float>) { throw std::runtime_error("user"); }),
      std::runtime_error);
  s.truncate(sequence, 0);
  CHECK(copy(s.next_logits(sequence, ids)) == first);
}

TEST_CASE("generation stops at strings, tokens, limits and on request", "[llama][generate]") {
  QUIPU_NEEDS(test::shared_root() / "data" / "models" / "stories260K");
  const auto folder = test::shared_root() / "data" / "models" / "stories260K";
  const auto m =
      llama::load<>((folder / "stories260K.bin").string(), {.tokenizer = (folder / "tok512.model").string()});
  const auto start = quipu::text::encode_document(m.tokenizer(), "Once upon a time");
  llama::session s(m, quipu::thread_team(2));
  const auto tell = [&](llama::generate_options o) {
    return llama::generate(s, m.tokenizer(), s.create(), start, std::move(o));
  };
  const auto whole = tell({.max_tokens = 60});
  CHECK(whole.reason == llama::stop_reason::max_tokens);
  CHECK(whole.tokens.size() == 60);
  std::string streamed;
  const auto stopped = tell({.max_tokens = 60, .stop = {"Lily", "zzz"}, .on_text = [&](std::string_view t) {
                               streamed += t;
                               return true;
                             }});
  CHECK(stopped.reason == llama::stop_reason::stop_string);
  CHECK(stopped.text == whole.text.substr(0, whole.text.find("Lily")));
  CHECK(streamed == stopped.text);
  const auto by_token = tell({.max_tokens = 60, .stop_tokens = {whole.tokens[10]}});
  CHECK(by_token.reason == llama::stop_reason::end_token);
  CHECK(by_token.tokens.size() <= 10);
  int calls = 0;
  const auto cancelled = tell({.max_tokens = 60, .on_text = [&](std::string_view) { return ++calls < 4; }});
  CHECK(cancelled.reason == llama::stop_reason::cancelled);
  CHECK(calls == 4);
  llama::session small(m, quipu::thread_team(2), {.n_ctx = start.size() + 5});
  const auto full = llama::generate(small, m.tokenizer(), small.create(), start, {.max_tokens = 60});
  CHECK(full.reason == llama::stop_reason::context_full);
  CHECK(full.tokens.size() == 6);
}

TEST_CASE("scores of continuations are the log-probabilities of their tokens", "[llama][score]") {
  QUIPU_NEEDS(tiny());
  const auto m = test::load_exact<>(tiny());
  llama::session s(m, quipu::thread_team(2));
  const auto ids = some_ids(12, m.config().n_vocab);
  const std::span all(ids);
  const auto scores = llama::score(s, s.create(), all.first(5), all.subspan(5));
  const auto logits = test::all_logits(s, ids);
  REQUIRE(scores.size() == 7);
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const std::span row(logits.data() + (4 + i) * m.config().n_vocab, m.config().n_vocab);
    double total = 0;
    for (const float x : row) total += std::exp(static_cast<double>(x));
    CHECK(scores[i] == Approx(row[static_cast<std::size_t>(ids[5 + i])] - std::log(total)).margin(1e-5));
  }
  CHECK(llama::score(s, s.create(), all.first(1), {}).empty());
  CHECK_THROWS_AS(llama::score(s, s.create(), {}, all), quipu::config_error);
  // strided windows score every token but the first once
  const auto strided = llama::perplexity(s, ids, {.window = 6, .stride = 2});
  CHECK(strided.n_scored == ids.size() - 1);
  CHECK_THROWS_AS(llama::perplexity(s, all.first(1)), quipu::config_error);
  CHECK_THROWS_AS(llama::perplexity(s, ids, {.window = 4, .stride = 5}), quipu::config_error);
}
