#include <quipu/conpet/frozen_learner.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/conpet/cached_rows.hpp>
#include <quipu/conpet/evaluate.hpp>
#include <quipu/core/error.hpp>

#include "conpet/small_streams.hpp"
#include "support/temp_folder.hpp"

using namespace quipu;

TEST_CASE("a learner without training is the same in any order of the tasks", "[conpet][frozen_learner]") {
  QUIPU_NEEDS(test::stories_folder());
  const auto stream = test::word_stream(3, 2);
  using learner = conpet::frozen_learner<decltype(test::stories())>;
  learner forward(test::stories()), backward(test::stories());
  CHECK_THROWS_WITH(forward.predict("too early"), Catch::Contains("none yet"));
  for (std::size_t t = 0; t < 3; ++t) {
    forward.learn(stream.tasks[t]);
    backward.learn(stream.tasks[2 - t]);
  }
  const auto e = conpet::evaluate(forward, stream);
  CHECK(*e.whole() > 0.7);
  for (const auto& task : stream) {
    for (const auto& text : task.test) {
      const auto a = forward.predict(text.text), b = backward.predict(text.text);
      CHECK(a.label == b.label);
      CHECK(a.task == b.task);
      CHECK(a.probability == Approx(b.probability).epsilon(1e-6));
    }
  }
  CHECK_THROWS_WITH(forward.learn(stream.tasks[0]), Catch::Contains("a new name"));
}

TEST_CASE("states from a cache are the states", "[conpet][cached_rows]") {
  QUIPU_NEEDS(test::stories_folder());
  const test::temp_folder folder;
  const auto m = test::stories();
  llama::training_pass pass(m, thread_team(2));
  const auto stream = test::word_stream(1, 2, 5);
  const auto texts = conpet::encode_examples(m.tokenizer(), conpet::label_prompt{}, conpet::mean_row{}, stream.tasks[0].train, 0, 64);
  const std::size_t d = m.config().d_model;
  io::row_cache none({}, "", d);
  const auto direct = conpet::pooled_states(pass, texts, 2, none);
  for (int round = 0; round < 2; ++round) {
    io::row_cache cache(folder.file("states"), conpet::key_of_pass(pass), d);
    CHECK(cache.size() == (round == 0 ? 0 : none.size()));
    CHECK(conpet::pooled_states(pass, texts, 2, cache) == direct);
  }
  // Means of rows before a block, from the cache that modules begin with.
  conpet::cached_block_inputs inputs(pass, 2, folder.file("inputs"));
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const conpet::encoded_example* const one = &texts[i];
    const auto start = inputs.start(std::span(&one, 1));
    REQUIRE(start.rows.rows() == one->tokens.size());
    for (std::size_t c = 0; c < d; ++c) {
      double sum = 0;
      for (std::size_t r = 0; r < start.rows.rows(); ++r) sum += static_cast<double>(start.rows(r, c));
      CHECK(static_cast<double>(direct[i * d + c]) == Approx(sum / static_cast<double>(start.rows.rows())).margin(1e-5));
    }
  }
  CHECK_THROWS_WITH(conpet::pooled_states(pass, texts, 6, none), Catch::Contains("0 .. 5"));
  CHECK_THROWS_AS(conpet::cached_block_inputs(pass, 9), config_error);
  const auto stop = [](const progress_state&) { return false; };
  io::row_cache empty({}, "", d);
  CHECK_THROWS_AS(conpet::pooled_states(pass, texts, 2, empty, stop), cancelled);
}
