#include <quipu/ffn/stored_thresholds.hpp>

#include <cstddef>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/core/error.hpp>

namespace ffn = quipu::ffn;
namespace io = quipu::io;
using Catch::Matchers::Contains;

namespace {

io::model_config stored_config() {
  io::model_config c;
  c.n_layer = 2, c.d_ffn = 3, c.d_model = 4;
  return c;
}

}  // namespace

TEST_CASE("thresholds and levels come back from beside the weights", "[ffn][stored_thresholds]") {
  const io::model_config c = stored_config();
  io::checkpoint to;
  CHECK(ffn::stored_thresholds(io::checkpoint_content(to), c).empty());
  CHECK(ffn::stored_levels(io::checkpoint_content(to), c, "a", "b").empty());
  const std::vector<std::vector<float>> thresholds{{1, 2, 3}, {4, 5, 6}};
  ffn::sparse_levels levels{{0.25, 0.5}, {1, 2}};
  for (int l = 0; l < 2; ++l) levels.sizes.push_back({{1, 2, 3}, {4, 5, 6}, {7, 8, 9}});
  ffn::store_thresholds(to, thresholds);
  ffn::store_levels(to, levels, "a", "b");
  const io::checkpoint_content content(to);
  CHECK(ffn::stored_thresholds(content, c) == thresholds);
  const ffn::sparse_levels read = ffn::stored_levels(content, c, "a", "b");
  CHECK(read.first == levels.first);
  CHECK(read.product == levels.product);
  REQUIRE(read.sizes.size() == 2);
  CHECK(read.sizes[1].gate == levels.sizes[1].gate);
  CHECK(read.sizes[1].down == levels.sizes[1].down);

  CHECK_THROWS_WITH(ffn::stored_levels(content, c, "a", "c"), Contains("levels for c"));
  io::model_config other = c;
  other.d_ffn = 4;
  CHECK_THROWS_WITH(ffn::stored_thresholds(content, other), Contains("F32 (2, 4)") && Contains("(2, 3)"));
  other.n_layer = 3;
  CHECK_THROWS_AS(ffn::stored_levels(content, other, "a", "b"), quipu::config_error);
  ffn::store_thresholds(to, {});
  CHECK(to.further.find(ffn::threshold_tensor_name) == to.further.end());
}
