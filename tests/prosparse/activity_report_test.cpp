#include <quipu/prosparse/activity_report.hpp>

#include <cstddef>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/core/mapped_file.hpp>

#include "support/temp_folder.hpp"

namespace prosparse = quipu::prosparse;
namespace sparsity = quipu::sparsity;

TEST_CASE("meters become tables and arrays that say the same", "[prosparse][activity_report]") {
  const quipu::test::temp_folder folder;
  std::vector<sparsity::activity_meter> layers(2, sparsity::activity_meter(10));
  for (std::size_t t = 0; t < 3; ++t) {
    for (std::size_t l = 0; l < 2; ++l) layers[l].add(sparsity::neuron_mask::where(10, [&](std::size_t i) { return i % (l + 2) == t % 2; }));
  }
  prosparse::write_activity(folder.file(""), layers);
  const auto counts = quipu::io::read_npy<double>(folder.file("counts.npy"));
  REQUIRE(counts.dimension() == 2);
  for (std::size_t l = 0; l < 2; ++l) {
    for (std::size_t i = 0; i < 10; ++i) CHECK(counts(l, i) == static_cast<double>(layers[l].counts()[i]));
  }
  const auto rows = nlohmann::json::parse(quipu::mapped_file(folder.file("activity.json")).text());
  REQUIRE(rows.size() == 2);
  CHECK(rows[1]["density"] == layers[1].density());
  CHECK(rows[1]["dead neurons"] == layers[1].n_dead());
  CHECK(rows[0]["union of 2"] == layers[0].union_density(0));
  CHECK(rows[0]["union of 32"].is_null());  // there were three tokens
  CHECK(rows[0]["overlap at 2"] == 1);
  CHECK(quipu::mapped_file(folder.file("activity.csv")).text().starts_with("layer,tokens,density"));
  layers.emplace_back(11);
  CHECK_THROWS_AS(prosparse::write_activity(folder.file(""), layers), quipu::config_error);
  CHECK_THROWS_AS(prosparse::write_activity(folder.file(""), {}), quipu::config_error);
  layers.pop_back();
  CHECK_THROWS_AS(prosparse::write_activity(folder.file("no/such"), layers), quipu::io_error);
}
