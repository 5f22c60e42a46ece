// A row's numbers do not depend on what is computed beside it, only on whether its token was given or chosen.
// SPDX-License-Identifier: Apache-2.0
#include <quipu/llama/sequence_input.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include <quipu/core/tensor_type.hpp>
#include <quipu/core/thread_team.hpp>
#include <quipu/llama/load.hpp>
#include <quipu/llama/session.hpp>

#include "support/random_checkpoint.hpp"

namespace quipu_roles_test {

namespace llama = quipu::llama;
using llama::logits_of;
using llama::token_role;
using quipu::token_id;
using input = llama::sequence_input<float>;

const std::vector<token_id> text = {1, 3, 4, 6, 5, 0, 2, 3, 3, 1, 6, 4, 5, 5, 2, 0, 1, 6, 3, 4, 2, 5, 6};

std::vector<float> copy(std::span<const float> logits) { return {logits.begin(), logits.end()}; }

/// Calls check(model) for models of several types in every storage, with every rounding of activations.
template <class Check>
void with_each_model(Check&& check) {
  using enum quipu::tensor_type;
  for (const auto type : {f32, f16, bf16, q4_0, q4_1, q8_0}) {
    INFO(quipu::name_of(type));
    const auto made = [&] { return quipu::test::random_checkpoint(quipu::test::small_config(), type); };
    check(llama::from_checkpoint<>(made()));
    check(llama::from_checkpoint<quipu::activations::int8>(made()));
    check(llama::from_checkpoint<quipu::activations::f32>(made()));
    check(llama::from_checkpoint<quipu::storage::as_stored>(made()));
    check(llama::from_checkpoint<quipu::storage::as_stored, quipu::activations::int8>(made()));
  }
}

TEST_CASE("a prompt has one set of numbers however it is cut", "[llama][roles]") {
  with_each_model([](const auto& m) {
    const auto read = [&](std::size_t n_batch, std::size_t n_piece) {
      llama::session s(m, quipu::thread_team(2), {.n_batch = n_batch});
      const auto sequence = s.create();
      std::vector<float> all;
      for (std::size_t at = 0; at < text.size(); at += n_piece) {
        const std::span<const token_id> piece(text.data() + at, std::min(n_piece, text.size() - at));
        const input in{sequence, piece, {}, logits_of::every_row};
        s.run(std::span(&in, 1), [&](std::size_t, std::size_t, std::span<const float> logits) {
          all.insert(all.end(), logits.begin(), logits.end());
        });
      }
      return all;
    };
    const auto whole = read(256, text.size());
    CHECK(read(256, 1) == whole);
    CHECK(read(256, 3) == whole);
    CHECK(read(5, text.size()) == whole);
  });
}

TEST_CASE("a chosen token's logits are the same alone and beside other sequences", "[llama][roles]") {
  with_each_model([](const auto& m) {
    llama::session s(m, quipu::thread_team(3));
    const auto begin = [&](std::size_t n) {
      const auto sequence = s.create();
      static_cast<void>(s.next_logits(sequence, {text.data(), n}));
      return sequence;
    };
    const auto alone = copy(s.next_logits(begin(9), {&text[9], 1}, token_role::decode));
    const auto prompt_alone = copy(s.next_logits(begin(4), {text.data() + 4, 6}));
    // Given in between, so that the session has to sort them.
    std::vector<input> together;
    together.push_back({begin(4), {text.data() + 4, 6}});
    for (std::size_t i = 0; i < 6; ++i) together.push_back({begin(3 + i), {&text[i], 1}, {}, logits_of::last_row, token_role::decode});
    together.push_back({begin(9), {&text[9], 1}, {}, logits_of::last_row, token_role::decode});
    std::vector<std::vector<float>> logits(together.size());
    s.run(together, [&](std::size_t i, std::size_t, std::span<const float> row) { logits[i] = copy(row); });
    CHECK(logits[7] == alone);
    CHECK(logits[0] == prompt_alone);
  });
}

TEST_CASE("weights in tiles have one set of numbers for both roles", "[llama][roles]") {
  using enum quipu::tensor_type;
  for (const auto type : {f32, f16, bf16, q4_0, q4_1, q8_0}) {
    const auto m = llama::from_checkpoint<>(quipu::test::random_checkpoint(quipu::test::small_config(), type));
    llama::session s(m, quipu::thread_team(2));
    const auto given = s.create(), chosen = s.create();
    const auto wanted = copy(s.next_logits(given, text));
    static_cast<void>(s.next_logits(chosen, {text.data(), text.size() - 1}));
    CHECK(copy(s.next_logits(chosen, {&text.back(), 1}, token_role::decode)) == wanted);
  }
}

}  // namespace quipu_roles_test
