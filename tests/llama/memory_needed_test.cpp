// What a model takes is told before it is taken, and refused where there is too little.
// SPDX-License-Identifier: Apache-2.0
#include <quipu/llama/memory_needed.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/tensor_type.hpp>
#include <quipu/core/thread_team.hpp>
#include <quipu/ffn/certified_sparse.hpp>
#include <quipu/ffn/gate_sparse.hpp>
#include <quipu/ffn/per_layer.hpp>
#include <quipu/io/tensor_names.hpp>
#include <quipu/linear/packed_form.hpp>
#include <quipu/llama/kv_cache.hpp>
#include <quipu/llama/load.hpp>
#include <quipu/llama/session.hpp>

#include "support/random_checkpoint.hpp"

namespace quipu_memory_needed_test {

namespace llama = quipu::llama;
namespace storage = quipu::storage;
using Catch::Contains;
using quipu::tensor_type;
using quipu::token_id;

quipu::io::checkpoint made(tensor_type type) { return quipu::test::random_checkpoint(quipu::test::small_config(), type); }

std::string message_of(auto&& act) {
  try {
    act();
  } catch (const quipu::config_error& e) {
    return e.what();
  }
  return "nothing was thrown";
}

TEST_CASE("an estimate counts tiles, converted matrices and the file apart", "[llama][memory]") {
  const auto source = made(tensor_type::q8_0);
  REQUIRE_FALSE(source.config.tied_embeddings);  // so that rows of the embedding are only looked up
  std::size_t file = 0, tiles = 0, floats = 0, embedding = 0;
  for (const auto& [name, t] : source.tensors) {
    if (t.shape.size() != 2) continue;
    file += t.bytes.size();
    if (name == quipu::io::embedding_name) embedding = t.shape[0] * t.shape[1];
    if (name != quipu::io::embedding_name) tiles += quipu::linear::packed_bytes(t.type, t.shape[0], t.shape[1]);
    floats += 4 * t.shape[0] * t.shape[1];
  }
  const auto repacked = llama::memory_needed<>(source, 32);
  CHECK(repacked.tiles >= tiles);
  CHECK(repacked.tiles < tiles + 64 * source.tensors.size());
  CHECK(repacked.converted == 0);
  CHECK(repacked.mapped == quipu::row_bytes(tensor_type::q8_0, embedding));
  const auto stored = llama::memory_needed<storage::as_stored>(source, 32);
  CHECK((stored.tiles == 0 && stored.converted == 0 && stored.mapped == file));
  const auto unrounded = llama::memory_needed<quipu::activations::f32>(source, 32);
  CHECK((unrounded.tiles == 0 && unrounded.mapped == file));
  const auto wide = llama::memory_needed<storage::f32>(source, 32);
  CHECK((wide.converted == floats && wide.mapped == 0 && wide.tiles >= floats - 4 * embedding));

  const auto c = source.config;
  llama::kv_cache<quipu::f16> cache({c.n_layer, c.n_kv_head, c.d_head});
  cache.prepare(70);
  CHECK(llama::memory_needed<>(source, 70, 3).cache == 3 * cache.n_byte());
  CHECK(llama::memory_needed<quipu::kv::f32>(source, 70, 3).cache == 6 * cache.n_byte());
  CHECK(llama::memory_needed<quipu::kv::int8>(source, 70, 1).cache == cache.n_byte() * (c.d_head + 4) / (2 * c.d_head));
  CHECK(repacked.total() == repacked.tiles + repacked.cache + repacked.work);
}

TEST_CASE("what a kernel reads only to make forms of its own is not brought into tiles", "[llama][memory]") {
  using relu = quipu::activation::relu;
  const auto tiles_of = [](const auto& m) {
    const auto& ffn = m.weights().blocks[0].ffn;
    return std::vector<bool>{ffn.gate.packed != nullptr, ffn.up.packed != nullptr, ffn.down.packed != nullptr};
  };
  for (const tensor_type type : {tensor_type::q8_0, tensor_type::q4_0, tensor_type::bf16}) {
    auto config = quipu::test::small_config();
    config.hidden_act = "relu";
    const auto source = [&] { return quipu::test::random_checkpoint(config, type); };
    const bool integer = type == tensor_type::q8_0;
    const auto dense = llama::from_checkpoint<quipu::ffn::dense<relu>>(source());
    CHECK(tiles_of(dense) == std::vector<bool>{true, true, true});
    const auto exact = llama::from_checkpoint<quipu::ffn::gate_sparse<relu>>(source());
    CHECK(tiles_of(exact) == std::vector<bool>{!integer, false, false});
    CHECK(tiles_of(llama::from_checkpoint<quipu::ffn::certified_sparse<relu>>(source())) == std::vector<bool>{false, false, false});
    using mixed = quipu::ffn::per_layer<quipu::ffn::dense<relu>, quipu::ffn::gate_sparse<relu>>;
    CHECK(tiles_of(llama::from_checkpoint<mixed>(source())) == std::vector<bool>{true, true, true});

    const auto s = source();
    const std::size_t all = llama::memory_needed<quipu::ffn::dense<relu>>(s, 32).tiles;
    const std::size_t up = quipu::linear::packed_bytes(type, config.d_ffn, config.d_model), down = quipu::linear::packed_bytes(type, config.d_model, config.d_ffn);
    const std::size_t spared = config.n_layer * (up + down + (integer ? up : 0));
    const std::size_t left = llama::memory_needed<quipu::ffn::gate_sparse<relu>>(s, 32).tiles;
    CHECK(all - left >= spared);
    CHECK(all - left <= spared + 3 * 64 * config.n_layer);

    // The same numbers as a kernel put on afterwards.
    const std::vector<token_id> prompt{1, 2, 3, 4, 5};
    const auto logits = [&](const auto& m) {
      auto session = open_session(m, quipu::thread_team(2));
      const auto sequence = session.create();
      const auto l = session.next_logits(sequence, prompt);
      std::vector<float> all_logits(l.begin(), l.end());
      const token_id next = 6;
      const auto n = session.next_logits(sequence, {&next, 1}, llama::token_role::decode);
      all_logits.insert(all_logits.end(), n.begin(), n.end());
      return all_logits;
    };
    CHECK(logits(exact) == logits(llama::with_ffn(dense, quipu::ffn::gate_sparse<relu>{})));
  }
}

TEST_CASE("what a kernel's forms will take is told before they are made", "[llama][memory]") {
  using relu = quipu::activation::relu;
  auto config = quipu::test::small_config();
  config.hidden_act = "relu";
  for (const tensor_type type : {tensor_type::q8_0, tensor_type::q4_0, tensor_type::bf16}) {
    const auto source = quipu::test::random_checkpoint(config, type);
    const auto told = [&]<class Kernel>(std::in_place_type_t<Kernel>) { return llama::memory_needed<Kernel>(source, 32).forms; };
    const auto taken = [&]<class Kernel>(std::in_place_type_t<Kernel>) {
      const auto m = llama::from_checkpoint<Kernel>(quipu::test::random_checkpoint(config, type));
      std::size_t n = 0;
      for (std::size_t layer = 0; layer < config.n_layer; ++layer) n += m.ffn_state_of(layer).report.n_byte;
      return n;
    };
    const auto check = [&](auto kernel, std::size_t in_lines) {
      const std::size_t before = told(kernel), after = taken(kernel);
      CHECK(after > 0);
      CHECK(before >= after);
      CHECK(before <= after + in_lines * config.n_layer);
    };
    check(std::in_place_type<quipu::ffn::gate_sparse<relu>>, 64);
    check(std::in_place_type<quipu::ffn::certified_sparse<relu>>, 64);
    CHECK(told(std::in_place_type<quipu::ffn::dense<relu>>) == 0);
    using both = quipu::ffn::per_layer<quipu::ffn::dense<relu>, quipu::ffn::gate_sparse<relu>, quipu::ffn::certified_sparse<relu>>;
    CHECK(told(std::in_place_type<both>) == std::max(told(std::in_place_type<quipu::ffn::gate_sparse<relu>>),
                                                     told(std::in_place_type<quipu::ffn::certified_sparse<relu>>)));
  }
  const std::string refused = message_of([&] {
    static_cast<void>(llama::from_checkpoint<quipu::ffn::gate_sparse<relu>, storage::as_stored>(quipu::test::random_checkpoint(config, tensor_type::q8_0),
                                                                                                {.memory = 1 << 10}));
  });
  CHECK_THAT(refused, Contains("at most 1 MiB") && Contains("FFN kernel"));
}

TEST_CASE("too little memory is refused with both numbers before it is taken", "[llama][memory]") {
  const std::string weights =
      message_of([] { static_cast<void>(llama::from_checkpoint<>(made(tensor_type::q8_0), {.memory = 1 << 10})); });
  CHECK_THAT(weights, Contains("random") && Contains("at most 1 MiB") && Contains("storage::as_stored"));
  const auto m = llama::from_checkpoint<storage::as_stored>(made(tensor_type::q8_0), {.memory = 1 << 10});
  CHECK_THAT(message_of([&] { llama::session(m, quipu::thread_team(1), {.n_ctx = 32, .memory = 1 << 10}); }),
             Contains("32 tokens") && Contains("1 MiB"));
  CHECK_NOTHROW(llama::session(m, quipu::thread_team(1), {.n_ctx = 32}));
}

TEST_CASE("reading a long prompt tells how far it is, and goes on after it was cancelled", "[llama][memory]") {
  const auto m = llama::from_checkpoint<>(made(tensor_type::f32));
  const std::vector<token_id> ids = {1, 3, 4, 6, 5, 0, 2, 3, 3, 1, 6, 4, 5, 5, 2, 0, 1, 6, 3, 4, 2, 5, 6};
  std::vector<std::size_t> told;
  std::size_t last = 1000;
  llama::session s(m, quipu::thread_team(2), {.n_batch = 5, .progress = [&](const quipu::progress_state& p) {
    CHECK((p.stage == "reading" && p.total <= ids.size()));
    told.push_back(p.done);
    return p.done < last;
  }});
  const auto whole = s.create();
  const auto logits = s.next_logits(whole, ids);
  const std::vector<float> wanted(logits.begin(), logits.end());
  CHECK(told == std::vector<std::size_t>{5, 10, 15, 20});
  last = 10;
  const auto cut = s.create();
  CHECK_THROWS_AS(s.next_logits(cut, ids), quipu::cancelled);
  REQUIRE(s.length(cut) == 10);
  last = 1000;
  const auto rest = s.next_logits(cut, std::span(ids).subspan(10));
  CHECK(std::vector<float>(rest.begin(), rest.end()) == wanted);
}

}  // namespace quipu_memory_needed_test
