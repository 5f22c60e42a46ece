// Losses of continual learning: values and gradients against PyTorch in double, by differences, and by brute force.
#include <quipu/conpet/losses/alignment.hpp>
#include <quipu/conpet/losses/contrastive.hpp>
#include <quipu/conpet/losses/cross_entropy.hpp>
#include <quipu/conpet/losses/distillation.hpp>
#include <quipu/conpet/losses/elastic_weights.hpp>
#include <quipu/conpet/losses/softmax_rows.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/core/error.hpp>
#include <quipu/core/matrix_view.hpp>
#include <quipu/core/random.hpp>

#include "support/golden.hpp"
#include "support/shared_data.hpp"

namespace quipu_conpet_losses_test {

namespace conpet = quipu::conpet;
using quipu::matrix_view;

// Rows with values of their own.
struct table {
  std::size_t n_row = 0, n_col = 0;
  std::vector<double> values;

  table(std::size_t rows, std::size_t cols) : n_row(rows), n_col(cols), values(rows * cols) {}
  table(std::size_t rows, std::size_t cols, std::uint64_t seed) : table(rows, cols) {
    quipu::random_stream random(seed);
    for (double& v : values) v = random.normal();
  }
  table(const quipu::test::golden& golden, const std::string& name)
      : n_row(golden.shape(name)[0]), n_col(golden.shape(name).size() > 1 ? golden.shape(name)[1] : 1), values(golden.values(name)) {}
  [[nodiscard]] matrix_view<const double> view() const { return {values.data(), n_row, n_col}; }
  [[nodiscard]] matrix_view<double> out() { return {values.data(), n_row, n_col}; }
  [[nodiscard]] conpet::double_rows eigen() const { return conpet::in_double<double>(view()); }
};

std::vector<std::size_t> labels(const quipu::test::golden& golden, const std::string& name) {
  const auto wide = golden.values<std::int64_t>(name);
  return {wide.begin(), wide.end()};
}

void check_gradient(const std::vector<double>& found, const std::vector<double>& wanted) {
  double largest = 0;
  for (const double v : wanted) largest = std::max(largest, std::abs(v));
  CHECK(quipu::test::max_abs_difference(found, wanted) < 1e-9 * std::max(1.0, largest));
}
std::vector<double> values_of(const conpet::double_rows& m) { return {m.data(), m.data() + m.size()}; }

// loss(values) against the gradient by central differences.
template <class Loss>
void check_differences(table at, const std::vector<double>& gradient, Loss&& loss) {
  constexpr double step = 1e-5;
  for (std::size_t i = 0; i < at.values.size(); ++i) {
    const double v = at.values[i];
    at.values[i] = v + step;
    const double above = loss(at);
    at.values[i] = v - step;
    const double below = loss(at);
    at.values[i] = v;
    CHECK(gradient[i] == Approx((above - below) / (2 * step)).margin(1e-7).epsilon(1e-6));
  }
}

TEST_CASE("losses of continual learning are PyTorch's, with their gradients", "[conpet][losses]") {
  QUIPU_NEEDS(quipu::test::golden_case("continual_losses"));
  const quipu::test::golden g("continual_losses");
  const auto expected = [&](const char* name) { return Approx(g.json()[name].get<double>()).epsilon(1e-9); };
  {
    INFO("prototypes");
    const table h(g, "emar.h"), prototypes(g, "emar.prototypes");
    table d(h.n_row, h.n_col);
    CHECK(conpet::prototype_loss(h.view(), prototypes.view(), labels(g, "emar.y"), d.out()) == expected("emar"));
    check_gradient(d.values, g.values("emar.grad.h"));
  }
  {
    INFO("alignment");
    const table now(g, "align.now"), anchor(g, "align.anchor"), matrix(g, "align.matrix"), offset(g, "align.offset");
    conpet::alignment_gradients d;
    CHECK(conpet::alignment_loss({matrix.eigen(), offset.eigen().col(0)}, now.eigen(), anchor.eigen(), d) == expected("align"));
    check_gradient(values_of(d.now), g.values("align.grad.now"));
    check_gradient(values_of(d.matrix), g.values("align.grad.matrix"));
    check_gradient({d.offset.data(), d.offset.data() + d.offset.size()}, g.values("align.grad.offset"));
  }
  {
    INFO("contrast");
    const table x(g, "crl.x"), bank(g, "crl.bank");
    table d(x.n_row, x.n_col);
    CHECK(conpet::contrastive_loss(x.view(), labels(g, "crl.y"), bank.view(), labels(g, "crl.bank_y"), d.out(),
                                   g.json()["crl.temperature"].get<double>()) == expected("crl"));
    check_gradient(d.values, g.values("crl.grad.x"));
  }
  {
    INFO("similarities");
    const table x(g, "kl.x"), means(g, "kl.means"), prototypes(g, "kl.prototypes");
    table d(x.n_row, x.n_col);
    CHECK(conpet::similarity_distillation(x.view(), labels(g, "kl.y"), means.view(), prototypes.view(), d.out(), g.json()["kl.t"].get<double>()) ==
          expected("kl"));
    check_gradient(d.values, g.values("kl.grad.x"));
  }
  {
    INFO("elastic weights");
    const table snapshots(g, "ewc.snapshots"), fisher(g, "ewc.fisher");
    const auto theta = g.values("ewc.theta");
    std::vector<conpet::weight_anchor> anchors;
    for (std::size_t t = 0; t < snapshots.n_row; ++t) {
      const auto row = [&](const table& m) { return std::vector<double>(m.view().row(t), m.view().row(t) + m.n_col); };
      anchors.push_back({row(snapshots), row(fisher)});
    }
    std::vector<double> d(theta.size());
    CHECK(conpet::elastic_penalty<double>(theta, anchors, g.json()["ewc.lambda"].get<double>(), d) == expected("ewc"));
    check_gradient(d, g.values("ewc.grad.theta"));
  }
  {
    INFO("learning without forgetting");
    const table z(g, "lwf.z"), old(g, "lwf.old");
    table d(z.n_row, z.n_col);
    CHECK(conpet::lwf_loss(z.view(), old.view(), d.out(), g.json()["lwf.lambda"].get<double>()) == expected("lwf"));
    check_gradient(d.values, g.values("lwf.grad.z"));
  }
}

TEST_CASE("gradients of losses are their differences", "[conpet][losses]") {
  const std::vector<std::size_t> y{0, 2, 1, 2};
  const std::vector<double> weight{0.5, 2, 1};
  const table z(4, 3, 1), old(4, 3, 2);
  {
    table d(4, 3);
    conpet::cross_entropy(z.view(), y, weight, d.out());
    check_differences(z, d.values, [&](const table& at) {
      table unused(4, 3);
      return conpet::cross_entropy(at.view(), y, weight, unused.out());
    });
  }
  {
    table d(4, 3);
    conpet::lwf_loss(z.view(), old.view(), d.out(), 0.7, 2.0);
    check_differences(z, d.values, [&](const table& at) {
      table unused(4, 3);
      return conpet::lwf_loss(at.view(), old.view(), unused.out(), 0.7, 2.0);
    });
  }
  {
    table d(4, 3), dz(4, 3);
    conpet::der_plus_plus_loss(z.view(), old.view(), d.out(), z.view(), y, dz.out(), 0.3, 0.6);
    check_differences(z, d.values, [&](const table& at) {
      table unused(4, 3), other(4, 3);
      return conpet::der_plus_plus_loss(at.view(), old.view(), unused.out(), z.view(), y, other.out(), 0.3, 0.6);
    });
    check_differences(z, dz.values, [&](const table& at) {
      table unused(4, 3), other(4, 3);
      return conpet::der_plus_plus_loss(z.view(), old.view(), unused.out(), at.view(), y, other.out(), 0.3, 0.6);
    });
  }
}

TEST_CASE("the hand case of the contrast, and slots that nothing wrote", "[conpet][losses]") {
  // Two rows of the bank, likeness 1 and 0, the first of the same class.
  const std::vector<double> x{1, 0}, bank{1, 0, 0, 1};
  std::vector<double> d(2);
  const double loss = conpet::contrastive_loss<double>({x.data(), 1, 2}, std::vector<std::size_t>{4}, {bank.data(), 2, 2},
                                                       std::vector<std::size_t>{4, 7}, {d.data(), 1, 2});
  CHECK(loss == Approx(1.4537e-4).epsilon(1e-4));
  // Beside -100 the loss is that of the written slots alone, and the others have no gradient.
  const std::vector<double> z{0.3, -0.2, -100, -100}, two{0.3, -0.2};
  std::vector<double> dz(4), dtwo(2);
  const std::vector<std::size_t> y{1};
  CHECK(conpet::cross_entropy<double>({z.data(), 1, 4}, y, {}, {dz.data(), 1, 4}) ==
        Approx(conpet::cross_entropy<double>({two.data(), 1, 2}, y, {}, {dtwo.data(), 1, 2})).epsilon(1e-12));
  CHECK(std::abs(dz[2]) + std::abs(dz[3]) < 1e-40);
  CHECK(dz[0] == Approx(dtwo[0]));
}

TEST_CASE("Fisher by batches, and merged online", "[conpet][losses]") {
  // By hand: two batches, two classes, three values.
  const double p[2][2] = {{0.25, 0.75}, {0.5, 0.5}};
  const std::vector<double> grad[2][2] = {{{1, 0, 2}, {0, 1, -1}}, {{-1, 2, 0}, {3, 0, 1}}};
  conpet::fisher_diagonal fisher(3);
  CHECK_THROWS_AS(fisher.mean(), quipu::config_error);
  std::vector<double> wanted(3);
  for (int b = 0; b < 2; ++b) {
    for (int c = 0; c < 2; ++c) {
      fisher.add<double>(p[b][c], grad[b][c]);
      for (std::size_t i = 0; i < 3; ++i) wanted[i] += p[b][c] * grad[b][c][i] * grad[b][c][i] / 2;
    }
    fisher.end_batch();
  }
  CHECK(fisher.mean() == wanted);
  const auto merged = conpet::merge_online({{1, 1, 1}, {2, 4, 8}}, {{5, 6, 7}, {1, 1, 1}}, 0.5);
  CHECK(merged.values == std::vector<double>{5, 6, 7});
  CHECK(merged.fisher == std::vector<double>{2, 3, 5});
  CHECK(conpet::merge_online({}, {{5}, {1}}, 0.5).fisher == std::vector<double>{1});
  CHECK_THROWS_AS(conpet::merge_online({}, {{5}, {1}}, 1.5), quipu::config_error);
}

TEST_CASE("losses say what does not fit", "[conpet][losses]") {
  table z(2, 3, 1), d(2, 3);
  CHECK_THROWS_WITH(conpet::cross_entropy(z.view(), std::vector<std::size_t>{0, 3}, {}, d.out()), Catch::Contains("below 3"));
  CHECK_THROWS_AS(conpet::cross_entropy(z.view(), std::vector<std::size_t>{0}, {}, d.out()), quipu::config_error);
  CHECK_THROWS_AS(conpet::cross_entropy(z.view(), std::vector<std::size_t>{0, 1}, std::vector<double>{1}, d.out()), quipu::config_error);
  const std::vector<std::size_t> y{0, 1}, bank_y{0, 0};
  CHECK_THROWS_WITH(conpet::contrastive_loss(z.view(), y, z.view(), bank_y, d.out()), Catch::Contains("class 1"));
  CHECK_THROWS_AS(conpet::contrastive_loss(z.view(), y, z.view(), y, d.out(), 0.0), quipu::config_error);
  CHECK_THROWS_AS(conpet::lwf_loss(z.view(), table(1, 3).view(), d.out()), quipu::config_error);
}

}  // namespace quipu_conpet_losses_test
