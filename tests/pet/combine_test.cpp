#include <quipu/pet/combine.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/pet/peft_folder.hpp>

#include "support/modules.hpp"
#include "support/random_checkpoint.hpp"
#include "support/temp_folder.hpp"

namespace quipu_combine_test {

namespace optim = quipu::optim;
namespace pet = quipu::pet;
namespace test = quipu::test;
using lora = pet::lora::module<double>;
using matrix = pet::task_tensor;
using part = pet::weighted_module<double>;

namespace {

const quipu::io::model_config config = test::small_config();

lora make(const pet::lora& policy, std::uint64_t seed) {
  lora module(policy, config, seed);
  test::shake(module, 0.3, seed);
  return module;
}

matrix delta(const lora::target& t) {
  const auto view = [](const double* values, std::size_t rows, std::size_t cols) {
    return pet::detail::widened(values, rows, cols);
  };
  return t.scale * view(t.b, t.d_out, t.rank) * view(t.a, t.rank, t.d_in);
}

/// Calls f(target of the combination, matching targets of the parts or null).
template <class F>
void for_each_target(const lora& combined, const std::vector<part>& parts, F&& f) {
  for (std::size_t layer = 0; layer < config.n_layer; ++layer) {
    for (const auto site : quipu::linear::projection_sites) {
      std::vector<const lora::target*> own;
      bool any = false;
      for (const part& p : parts) {
        own.push_back(p.module->touches(site, layer) ? &p.module->at(layer, site) : nullptr);
        any = any || own.back() != nullptr;
      }
      REQUIRE(combined.touches(site, layer) == any);
      if (any) f(combined.at(layer, site), own);
    }
  }
}

double largest(const matrix& m) { return m.size() == 0 ? 0 : m.cwiseAbs().maxCoeff(); }

}  // namespace

TEST_CASE("concatenation is the exact weighted sum", "[pet][combine]") {
  const lora first = make({.rank = 3,
                           .alpha = 5,
                           .targets = optim::name_pattern::suffixes({"q_proj", "down_proj"}),
                           .rank_pattern = {{"layers\\.1\\..*", 2}}},
                          1);
  const lora second =
      make({.rank = 4, .alpha = 2, .rs_lora = true, .targets = optim::name_pattern::suffixes({"q_proj", "k_proj"})}, 2);
  const std::vector<part> parts = {{&first, 0.7}, {&second, -1.5}};
  const lora combined = pet::concatenate<double>(config, parts);
  for_each_target(combined, parts, [&](const lora::target& t, const auto& own) {
    INFO(t.name);
    matrix expected = matrix::Zero(static_cast<Eigen::Index>(t.d_out), static_cast<Eigen::Index>(t.d_in));
    std::size_t rank = 0;
    for (std::size_t i = 0; i < own.size(); ++i) {
      if (own[i] == nullptr) continue;
      expected += parts[i].weight * delta(*own[i]);
      rank += own[i]->rank;
    }
    CHECK(t.rank == rank);
    CHECK(t.scale == 1);
    CHECK(largest(delta(t) - expected) < 1e-14);
  });
  // Written as a PEFT folder it is read again with the same ranks and scales.
  const test::temp_folder folder;
  pet::save_peft(folder.path(), combined, config);
  const auto again = pet::load_peft<pet::lora, double>(folder.path(), config);
  const std::vector<part> itself = {{&again, 1}};
  for_each_target(combined, itself,
                  [&](const lora::target& t, const auto& own) { CHECK(largest(delta(t) - delta(*own[0])) == 0); });
}

TEST_CASE("many modules may add up to more than a matrix' rank", "[pet][combine]") {
  std::vector<lora> modules;
  for (std::uint64_t seed = 0; seed < 6; ++seed)
    modules.push_back(make({.rank = 8, .alpha = 3, .targets = optim::name_pattern::suffixes({"k_proj"})}, seed));
  std::vector<part> parts;
  for (const lora& m : modules) parts.push_back({&m, 0.5});
  const lora combined = pet::concatenate<double>(config, parts);
  for_each_target(combined, parts, [&](const lora::target& t, const auto& own) {
    matrix expected = 0.5 * delta(*own[0]);
    for (std::size_t i = 1; i < own.size(); ++i) expected += 0.5 * delta(*own[i]);
    CHECK(t.rank == 48);
    CHECK(largest(delta(t) - expected) < 1e-13);
  });
}

TEST_CASE("products are combined by their largest singular values", "[pet][combine]") {
  const pet::lora policy{.rank = 3, .alpha = 5, .targets = optim::name_pattern::suffixes({"q_proj", "v_proj"})};
  const lora first = make(policy, 1), second = make(policy, 2);
  // One part alone is reproduced though alpha is not the rank.
  const std::vector<part> alone = {{&first, 1}};
  for_each_target(pet::combine_products<double>(config, alone), alone, [&](const lora::target& t, const auto& own) {
    CHECK(t.rank == 3);
    CHECK(largest(delta(t) - delta(*own[0])) < 1e-13);
  });
  const std::vector<part> parts = {{&first, 0.6}, {&second, 0.5}};
  for_each_target(pet::combine_products<double>(config, parts, {}, 6), parts,
                  [&](const lora::target& t, const auto& own) {
                    CHECK(largest(delta(t) - (0.6 * delta(*own[0]) + 0.5 * delta(*own[1]))) < 1e-13);
                  });
  // Of a smaller rank it is the best one (Eckart, Young): the rest has the remaining singular values.
  for_each_target(pet::combine_products<double>(config, parts, {}, 2), parts,
                  [&](const lora::target& t, const auto& own) {
                    const matrix sum = 0.6 * delta(*own[0]) + 0.5 * delta(*own[1]);
                    const Eigen::JacobiSVD<Eigen::MatrixXd> svd(sum);
                    CHECK((sum - delta(t)).norm() ==
                          Approx(svd.singularValues().tail(svd.singularValues().size() - 2).norm()).epsilon(1e-10));
                  });
}

namespace {

/// The formula once more, entry by entry: what stays of each tensor, the vote, the sum.
double one_entry(const std::vector<double>& pruned, const std::vector<double>& weights, bool elects, bool by_count) {
  double vote = 0, sum = 0, n = 0;
  for (const double x : pruned) vote += by_count ? (x > 0 ? 1 : x < 0 ? -1 : 0) : x;
  for (std::size_t i = 0; i < pruned.size(); ++i) {
    const bool counts = !elects || (vote >= 0 ? pruned[i] > 0 : pruned[i] < 0);
    sum += counts ? weights[i] * pruned[i] : 0;
    n += counts;
  }
  return elects ? sum / std::max(n, 1.0) : sum;
}

std::vector<double> pruned(const matrix& m, double density) {
  std::vector<double> values(m.data(), m.data() + m.size()), sizes;
  for (const double x : values) sizes.push_back(std::abs(x));
  std::sort(sizes.rbegin(), sizes.rend());
  const auto kept = static_cast<std::size_t>(density * static_cast<double>(values.size()));
  for (double& x : values) {
    if (kept == 0 || std::abs(x) < sizes[kept - 1]) x = 0;
  }
  return values;
}

}  // namespace

TEST_CASE("arithmetic on factors follows PEFT's definitions", "[pet][combine]") {
  const pet::lora policy{.rank = 3, .alpha = 5, .targets = optim::name_pattern::suffixes({"q_proj", "up_proj"})};
  const lora first = make(policy, 1), second = make(policy, 2), third = make(policy, 3);
  const std::vector<part> parts = {{&first, 0.6}, {&second, -0.5}, {&third, 1.25}};
  using how = pet::arithmetic;
  for (const how method : {how::linear, how::magnitude_prune, how::ties}) {
    for (const double density : {1.0, 0.4, 0.01}) {
      for (const auto vote : {pet::sign_vote::total, pet::sign_vote::frequency}) {
        INFO(static_cast<int>(method) << " " << density << " " << static_cast<int>(vote));
        const lora combined =
            pet::combine_factors<double>(config, parts, {.how = method, .density = density, .vote = vote});
        for_each_target(combined, parts, [&](const lora::target& t, const auto& own) {
          CHECK(t.scale == 1);
          for (const bool is_a : {true, false}) {
            std::vector<std::vector<double>> kept;
            std::vector<double> weights;
            for (std::size_t i = 0; i < own.size(); ++i) {
              const auto& o = *own[i];
              const matrix m =
                  is_a ? pet::detail::widened(o.a, o.rank, o.d_in) : pet::detail::widened(o.b, o.d_out, o.rank);
              kept.push_back(pruned(m, method == how::linear ? 1 : density));
              const double factor = parts[i].weight * o.scale;
              weights.push_back(std::sqrt(std::abs(factor)) * (is_a && factor < 0 ? -1 : 1));
            }
            double worst = 0;
            for (std::size_t e = 0; e < kept[0].size(); ++e) {
              const double expected = one_entry({kept[0][e], kept[1][e], kept[2][e]}, weights, method == how::ties,
                                                vote == pet::sign_vote::frequency);
              worst = std::max(worst, std::abs(expected - (is_a ? t.a : t.b)[e]));
            }
            CHECK(worst < 1e-14);
          }
        });
      }
    }
  }
}

TEST_CASE("DARE keeps the expected share and the expected value", "[pet][combine]") {
  matrix m = matrix::Constant(100, 200, 3.0);
  pet::prune_at_random(m, 0.3, quipu::random_stream(7, 1));
  const auto kept = (m.array() != 0).count();
  CHECK(static_cast<double>(kept) == Approx(6000).epsilon(0.05));  // 6000 +- 65
  CHECK(m.maxCoeff() == Approx(10).epsilon(1e-15));
  CHECK(m.mean() == Approx(3).epsilon(0.05));
  const pet::lora policy{.rank = 3, .alpha = 5, .targets = optim::name_pattern::suffixes({"q_proj"})};
  const lora first = make(policy, 1), second = make(policy, 2);
  const std::vector<part> parts = {{&first, 0.6}, {&second, 0.5}};
  const auto values = [&](pet::arithmetic how, std::uint64_t seed) {
    const lora combined = pet::combine_factors<double>(config, parts, {.how = how, .density = 0.5, .seed = seed});
    return std::vector<double>(combined.parameters()[0].value,
                               combined.parameters()[0].value + combined.parameters()[0].size());
  };
  for (const auto how : {pet::arithmetic::dare_linear, pet::arithmetic::dare_ties}) {
    CHECK(values(how, 1) == values(how, 1));
    CHECK(values(how, 1) != values(how, 2));
    // Every entry is one of the four that keeping or leaving out can give.
    const double w1 = std::sqrt(0.6 * first.at(0, quipu::linear::projection_site::q).scale),
                 w2 = std::sqrt(0.5 * first.at(0, quipu::linear::projection_site::q).scale);
    const auto got = values(how, 3);
    for (std::size_t e = 0; e < got.size(); ++e) {
      const double x = first.parameters()[0].value[e] / 0.5, y = second.parameters()[0].value[e] / 0.5;
      double nearest = 1;
      for (const double a : {0.0, x}) {
        for (const double b : {0.0, y})
          nearest = std::min(nearest,
                             std::abs(one_entry({a, b}, {w1, w2}, how == pet::arithmetic::dare_ties, false) - got[e]));
      }
      CHECK(nearest < 1e-14);
    }
  }
}

TEST_CASE("impossible combinations are refused", "[pet][combine]") {
  const lora first = make({.rank = 3}, 1), second = make({.rank = 4}, 2);
  const std::vector<part> parts = {{&first, 1}, {&second, 1}};
  CHECK_THROWS_WITH(pet::combine_factors<double>(config, parts), Catch::Matchers::Contains("rank"));
  CHECK_NOTHROW(pet::combine_products<double>(config, parts));
  CHECK_THROWS_AS(pet::concatenate<double>(config, {}), quipu::config_error);
  for (const double density : {0.0, -1.0, 1.5}) {
    CHECK_THROWS_AS(pet::combine_products<double>(config, parts, {.how = pet::arithmetic::ties, .density = density}),
                    quipu::config_error);
  }
  const std::vector<part> infinite = {{&first, HUGE_VAL}};
  CHECK_THROWS_AS(pet::concatenate<double>(config, infinite), quipu::config_error);
}

}  // namespace quipu_combine_test
