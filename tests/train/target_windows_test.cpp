#include <quipu/train/target_windows.hpp>

#include <cstdint>
#include <vector>

#include <catch2/catch.hpp>

namespace llama = quipu::llama;
namespace train = quipu::train;
using quipu::token_id;

TEST_CASE("windows with a target for every token", "[train]") {
  const train::target_windows w({1, 2, 3, 4, 5, 6, 7, 8}, 3);
  REQUIRE(w.size() == 2);
  CHECK(w.longest() == 3);
  llama::training_batch batch;
  w.add(0, batch);
  w.add(1, batch);
  CHECK(std::vector<token_id>(batch.tokens().begin(), batch.tokens().end()) == std::vector<token_id>{1, 2, 3, 4, 5, 6});
  CHECK(std::vector<std::int64_t>(batch.targets().begin(), batch.targets().end()) == std::vector<std::int64_t>{2, 3, 4, 5, 6, 7});
  CHECK(batch.n_counted() == 6);
  CHECK(train::target_windows({1, 2, 3, 4}, 3).size() == 1);
  CHECK_THROWS_WITH(train::target_windows({1, 2, 3}, 3), Catch::Contains("4 tokens") && Catch::Contains("3"));
  CHECK_THROWS_AS(train::target_windows({1, 2, 3}, 0), quipu::config_error);
  const std::vector<std::int64_t> too_few = {1};
  const std::vector<token_id> two = {1, 2};
  CHECK_THROWS_AS(batch.add_targets(two, too_few), quipu::config_error);
}
