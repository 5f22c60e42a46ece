#include <quipu/conpet/arrow_selection.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <numeric>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/conpet/dynamic_tuner.hpp>
#include <quipu/core/eigen_decompositions.hpp>
#include <quipu/core/error.hpp>
#include <quipu/pet/ia3.hpp>

#include "conpet/small_streams.hpp"

using namespace quipu;

namespace {

/// Keeps what goes into every site.
struct input_keeper : pet::no_module {
  using scalar_type = float;
  std::map<std::pair<std::size_t, linear::projection_site>, conpet::double_rows> inputs;

  [[nodiscard]] static std::span<const optim::parameter<float>> parameters() noexcept { return {}; }
  static void add_to_key(pet::key_hash&) noexcept {}
  static bool touches(linear::projection_site, std::size_t) noexcept { return true; }
  void projected(const pet::module_call<float>& call, linear::projection_site site, matrix_view<const float> x, matrix_view<float>) {
    inputs[{call.layer, site}] = conpet::in_double<float>(x);
  }
};

}  // namespace

TEST_CASE("likeness to modules is that of all inputs with the first singular vectors of the whole products", "[conpet][arrow_selection]") {
  QUIPU_NEEDS(test::stories_folder());
  const auto stream = test::word_stream(2, 2, 8);
  auto options = test::short_training();
  options.training.n_step = 10;
  conpet::dynamic_tuner<decltype(test::stories()), conpet::arrow_selector> tuner(test::stories(), test::small_lora(), options);
  for (const auto& task : stream) tuner.learn(task);
  auto& core = tuner.core();
  const auto texts = core.encode(stream.tasks[1].test, 1);
  const auto probabilities = tuner.task_probabilities_of(texts, *core.inputs, true);
  REQUIRE(probabilities.size() == texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    llama::training_batch batch;
    batch.add(texts[i].tokens, {});
    input_keeper keeper;
    llama::module_hooks hooks(keeper, core.pass->workspace());
    static_cast<void>(core.pass->evaluate(batch, hooks));
    std::vector<double> likeness;
    for (const auto& task : tuner.tasks()) {
      double sum = 0;
      std::size_t n = 0;
      for (const auto& [place, x] : keeper.inputs) {
        const auto& t = task.who.module->at(place.first, place.second);
        if (t.empty()) continue;
        const Eigen::MatrixXd product = conpet::in_double<float>({t.b, t.d_out, t.rank}) * conpet::in_double<float>({t.a, t.rank, t.d_in});
        const Eigen::JacobiSVD<Eigen::MatrixXd> svd(product, Eigen::ComputeThinU | Eigen::ComputeThinV);
        for (std::size_t r = texts[i].rows.first; r < texts[i].rows.last; ++r, ++n) {
          const Eigen::RowVectorXd row = x.row(static_cast<Eigen::Index>(r));
          sum += std::abs(row.dot(svd.matrixV().col(0).transpose())) / row.norm();
        }
      }
      likeness.push_back(sum / static_cast<double>(n));
    }
    const double total = std::exp(50 * likeness[0]) + std::exp(50 * likeness[1]);
    for (std::size_t t = 0; t < 2; ++t) CHECK(probabilities[i][t] == Approx(std::exp(50 * likeness[t]) / total).epsilon(1e-3));
    const auto answer = tuner.predict(std::span(&stream.tasks[1].test[i], 1)).front();
    CHECK(answer.task_index == static_cast<std::size_t>(probabilities[i][1] > probabilities[i][0]));
  }
  tuner.forget(stream.tasks[0].name);
  CHECK(tuner.task_probabilities_of(texts, *core.inputs, true).front() == std::vector<double>{1.0});

  conpet::dynamic_tuner<decltype(test::stories()), conpet::arrow_selector, pet::ia3> other(
      test::stories(), pet::ia3{.targets = optim::name_pattern::suffixes({"k_proj"})}, options);
  other.learn(stream.tasks[0]);
  CHECK_THROWS_WITH(other.predict("which?"), Catch::Contains("modules of low rank"));
}
