#include <quipu/sparsity/prediction_meter.hpp>

#include <cstddef>
#include <vector>

#include <catch2/catch.hpp>

namespace sparsity = quipu::sparsity;

namespace {

sparsity::neuron_mask mask_of(std::vector<int> bits) {
  return sparsity::neuron_mask::where(bits.size(), [&](std::size_t i) { return bits[i] != 0; });
}

}  // namespace

TEST_CASE("recall, precision and energy are averages over all tokens together", "[sparsity][prediction_meter]") {
  sparsity::prediction_meter m;
  const std::vector<float> energy{1, 2, 4, 8};
  m.add(mask_of({1, 1, 0, 0}), mask_of({1, 0, 1, 0}), energy);  // one hit of two, energy 1 of 5
  m.add(mask_of({0, 1, 1, 1}), mask_of({0, 1, 1, 1}), energy);  // three of three, 14 of 14
  CHECK(m.recall() == Approx(4.0 / 5));
  CHECK(m.precision() == Approx(4.0 / 5));
  CHECK(m.predicted_sparsity() == Approx(3.0 / 8));
  CHECK(m.sparsity() == Approx(3.0 / 8));
  CHECK(m.energy_recall() == Approx(15.0 / 19));
  CHECK(m.n_missed() == 1);
  CHECK_THROWS_AS(m.add(mask_of({1}), mask_of({1, 1})), quipu::shape_error);
  CHECK_THROWS_AS(m.add(mask_of({1}), mask_of({1}), energy), quipu::shape_error);
}
