#include <quipu/llama/training_pass.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/core/error.hpp>
#include <quipu/llama/load.hpp>
#include <quipu/llama/module_hooks.hpp>
#include <quipu/llama/row_pool.hpp>
#include <quipu/llama/trainable.hpp>
#include <quipu/pet/lora.hpp>

#include "support/modules.hpp"
#include "support/random_checkpoint.hpp"

using namespace quipu;

namespace {

auto four_blocks() {
  auto config = test::small_config();
  config.n_layer = 4;
  return llama::from_checkpoint<activations::f32>(test::random_checkpoint(config));
}

const std::vector<std::vector<token_id>> some_sequences = {{1, 3, 4, 5}, {1, 6, 6, 2, 3, 4, 0}, {1, 5}};

llama::training_batch batch_of(std::size_t first, std::size_t n) {
  llama::training_batch batch;
  for (std::size_t i = first; i < first + n; ++i)
    batch.add(some_sequences[i], std::vector<std::int64_t>(some_sequences[i].begin(), some_sequences[i].end()));
  return batch;
}

pet::lora from_block(std::size_t layer) {
  return {.rank = 2, .targets = optim::name_pattern::regex(concat("model\\.layers\\.[", layer, "-9]\\..*(q_proj|v_proj|down_proj)"))};
}

std::vector<float> gradients_of(const pet::lora::module<float>& module) {
  std::vector<float> all;
  for (const auto& p : module.parameters()) all.insert(all.end(), p.gradient, p.gradient + p.size());
  return all;
}

}  // namespace

TEST_CASE("a pass that begins with the rows before a block has the bits of one that begins at the embedding", "[llama][training]") {
  const auto m = four_blocks();
  for (const auto depth : {llama::tape_depth::everything, llama::tape_depth::block_inputs}) {
    for (const std::size_t n_thread : {1, 2}) {
      for (const std::size_t layer : {1, 2, 3}) {
        llama::training_pass pass(m, thread_team(n_thread), depth);
        llama::no_training_hooks none;
        std::vector<float> cached;  // of each sequence by itself, as a cache has them
        for (std::size_t i = 0; i < some_sequences.size(); ++i) {
          const auto rows = pass.rows_before(batch_of(i, 1), layer, none);
          cached.insert(cached.end(), rows.data(), rows.data() + rows.rows() * rows.cols());
        }
        pet::lora::module<float> module(from_block(layer), m.config(), 3);
        test::shake(module, 0.1);
        llama::module_hooks hooks(module, pass.workspace());
        const auto batch = batch_of(0, 3);
        const decltype(pass)::start_type start{layer, {cached.data(), batch.n_row(), m.config().d_model}};

        const auto whole_rows = pass.evaluate(batch, hooks);
        const std::vector<float> whole(whole_rows.data(), whole_rows.data() + whole_rows.rows() * whole_rows.cols());
        const auto begun = pass.evaluate(batch, hooks, start);
        CHECK(std::equal(whole.begin(), whole.end(), begun.data()));

        std::vector<float> d_hidden(whole.size(), 0.25f);
        const auto gradients = [&](const auto& from) {
          for (const auto& p : module.parameters()) std::fill_n(p.gradient, p.size(), 0.0f);
          static_cast<void>(pass.forward(batch, hooks, from));
          pass.backward(batch, {d_hidden.data(), batch.n_row(), m.config().d_model}, hooks, {});
          return gradients_of(module);
        };
        const auto expected = gradients(decltype(pass)::start_type{});
        CHECK(gradients(start) == expected);
        CHECK(std::any_of(expected.begin(), expected.end(), [](float g) { return g != 0; }));
      }
    }
  }
}

TEST_CASE("a pass that begins above the embedding refuses what trains below, and rows that do not fit", "[llama][training]") {
  const auto m = four_blocks();
  llama::training_pass pass(m, thread_team(1));
  llama::no_training_hooks none;
  const auto batch = batch_of(0, 1);
  const auto rows = pass.rows_before(batch, 2, none);
  const std::vector<float> kept(rows.data(), rows.data() + rows.rows() * rows.cols());
  using start = decltype(pass)::start_type;
  const start good{2, {kept.data(), rows.rows(), rows.cols()}};

  pet::lora::module<float> low(from_block(1), m.config(), 3);
  llama::module_hooks hooks(low, pass.workspace());
  CHECK_THROWS_WITH(pass.forward(batch, hooks, good), Catch::Contains("in blocks from 2 on"));
  CHECK_THROWS_WITH(pass.evaluate(batch, none, start{2, {kept.data(), rows.rows() - 1, rows.cols()}}), Catch::Contains("4 x 64"));
  CHECK_THROWS_WITH(pass.evaluate(batch, none, start{5, good.rows}), Catch::Contains("0 .. 4"));
  CHECK_THROWS_WITH(pass.rows_before(batch, 1, none, good), Catch::Contains("2 .. 4"));
  CHECK_THROWS_WITH(pass.rows_before(batch, 5, none), Catch::Contains("0 .. 4"));

  auto trainable = llama::thaw<float>(m);
  trainable.select(optim::name_pattern::all());
  llama::training_pass whole(trainable.model(), thread_team(1));
  static_cast<void>(whole.forward(batch, none, good));
  CHECK_THROWS_WITH(whole.backward(batch, good.rows, none, trainable.gradients()), Catch::Contains("blocks from 2 on"));
}

TEST_CASE("rows after all blocks are what the final norm reads", "[llama][training]") {
  const auto m = four_blocks();
  llama::training_pass pass(m, thread_team(1));
  llama::no_training_hooks none;
  const auto batch = batch_of(1, 2);
  const auto rows = pass.evaluate(batch, none);
  const std::vector<float> normed(rows.data(), rows.data() + rows.rows() * rows.cols());
  const auto again = pass.final_norm(pass.rows_before(batch, 4, none));
  CHECK(std::equal(normed.begin(), normed.end(), again.data()));
}

TEST_CASE("rows are averaged, and their gradients spread", "[llama][row_pool]") {
  const std::vector<linear::row_segment> segments = {{0, 0, 3, 0, 0}, {1, 3, 2, 0, 1}};
  const std::vector<double> hidden = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  const std::vector<llama::row_range> ranges = {{0, 3}, {1, 2}};
  llama::check_ranges(segments, ranges);
  std::vector<double> out(4), back(10, 9);
  llama::pool_rows<double>({hidden.data(), 5, 2}, segments, ranges, {out.data(), 2, 2});
  CHECK(out == std::vector<double>{3, 4, 9, 10});
  const std::vector<double> d_out = {3, 6, 1, 2};
  llama::pool_rows_backward<double>({d_out.data(), 2, 2}, segments, ranges, {back.data(), 5, 2});
  CHECK(back == std::vector<double>{1, 2, 1, 2, 1, 2, 0, 0, 1, 2});
  CHECK_THROWS_AS(llama::check_ranges(segments, std::vector<llama::row_range>{{0, 3}}), config_error);
  CHECK_THROWS_AS(llama::check_ranges(segments, std::vector<llama::row_range>{{0, 3}, {1, 3}}), config_error);
  CHECK_THROWS_AS(llama::check_ranges(segments, std::vector<llama::row_range>{{1, 1}, {0, 1}}), config_error);
}
