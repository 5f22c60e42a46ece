#include <quipu/llama/session.hpp>

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/llama/hidden.hpp>
#include <quipu/llama/load.hpp>

#include "support/exact_model.hpp"
#include "support/golden.hpp"

namespace llama = quipu::llama;
namespace test = quipu::test;
using quipu::token_id;

namespace {

using silu = quipu::ffn::dense<quipu::activation::silu>;
using relu = quipu::ffn::dense<quipu::activation::relu>;

const char* const cases[] = {"mha_untied",  "gqa_tied_odd", "mqa_headdim", "llama3_rope",
                             "linear_rope", "sharded_bf16", "biased",      "relu"};

template <class Scalar, class Call>
void with_model(const std::string& name, Call&& call) {
  const std::string path = test::golden_case(name).string();
  using wide = quipu::scalar::of<Scalar>;
  if (name == "relu") {
    call(llama::load<relu, quipu::activations::f32, quipu::kv::exact, wide>(path));
  } else {
    call(llama::load<silu, quipu::activations::f32, quipu::kv::exact, wide>(path));
  }
}

}  // namespace

TEST_CASE("logits and hidden states equal transformers' in f32", "[llama][golden]") {
  for (const std::string name : cases) {
    QUIPU_NEEDS(test::golden_case(name));
    const test::golden golden(name);
    with_model<float>(name, [&](const auto& m) {
      llama::session s(m, quipu::thread_team(2));
      for (const std::string prompt : {"prompt_1", "prompt_17", "prompt_40"}) {
        INFO(name << ' ' << prompt);
        const auto ids = golden.ids(prompt + ".ids");
        CHECK(test::max_abs_difference(test::all_logits(s, ids), golden.values(prompt + ".logits")) < 1e-4);
        CHECK(test::max_abs_difference(llama::hidden_states(s, s.create(), ids, m.config().n_layer + 1),
                                       golden.values(prompt + ".hidden")) < 1e-4);
      }
    });
  }
}

TEST_CASE("logits and hidden states equal the reference in double", "[llama][golden]") {
  for (const std::string name : cases) {
    QUIPU_NEEDS(test::golden_case(name));
    const test::golden golden(name);
    with_model<double>(name, [&](const auto& m) {
      llama::session s(m, quipu::thread_team(2));
      INFO(name);
      const auto ids = golden.ids("prompt_17.ids");
      CHECK(test::max_abs_difference(test::all_logits(s, ids), golden.values("prompt_17.logits_f64")) < 1e-9);
      CHECK(test::max_abs_difference(llama::hidden_states(s, s.create(), ids, m.config().n_layer + 1),
                                     golden.values("prompt_17.hidden_f64")) < 1e-9);
    });
  }
}

TEST_CASE("greedy continuations are those of transformers", "[llama][golden]") {
  for (const std::string name : cases) {
    QUIPU_NEEDS(test::golden_case(name));
    const test::golden golden(name);
    with_model<float>(name, [&](const auto& m) {
      llama::session s(m, quipu::thread_team(2));
      const auto sequence = s.create();
      std::vector<token_id> next = golden.ids("greedy.prompt"), made;
      const auto wanted = golden.ids("greedy.ids");
      while (made.size() < wanted.size()) {
        const auto logits = s.next_logits(sequence, next);
        next = {static_cast<token_id>(std::max_element(logits.begin(), logits.end()) - logits.begin())};
        made.push_back(next[0]);
      }
      INFO(name);
      CHECK(made == wanted);
    });
  }
}

TEST_CASE("a padded batch gives every sequence its own logits", "[llama][golden]") {
  for (const std::string name : cases) {
    QUIPU_NEEDS(test::golden_case(name));
    const test::golden golden(name);
    with_model<float>(name, [&](const auto& m) {
      using scalar = float;
      llama::session s(m, quipu::thread_team(2));
      const auto ids = golden.ids("batch.ids");
      const auto wanted = golden.values("batch.logits");
      const std::size_t n_col = golden.shape("batch.ids")[1], n_vocab = m.config().n_vocab;
      const auto lengths = golden.json()["batch.lengths"].template get<std::vector<std::size_t>>();
      std::vector<llama::sequence_input<scalar>> inputs;
      for (std::size_t i = 0; i < lengths.size(); ++i) {
        inputs.push_back({s.create(), std::span(ids).subspan(i * n_col, lengths[i]), {}, llama::logits_of::every_row});
      }
      double worst = 0;
      std::size_t n_seen = 0;
      s.run(inputs, [&](std::size_t input, std::size_t row, std::span<const scalar> logits) {
        const std::span reference(wanted.data() + (input * n_col + row) * n_vocab, n_vocab);
        worst = std::max(worst, test::max_abs_difference(logits, reference));
        ++n_seen;
      });
      INFO(name);
      CHECK(n_seen == std::accumulate(lengths.begin(), lengths.end(), std::size_t{0}));
      CHECK(worst < 1e-4);
    });
  }
}
