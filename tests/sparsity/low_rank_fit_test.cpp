#include <quipu/sparsity/low_rank_fit.hpp>

#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/core/mapped_file.hpp>
#include <quipu/ffn/predicted_sparse.hpp>
#include <quipu/llama/load.hpp>
#include <quipu/sparsity/predictions.hpp>

#include "support/shared_data.hpp"

namespace activation = quipu::activation;
namespace ffn = quipu::ffn;
namespace llama = quipu::llama;
namespace sparsity = quipu::sparsity;
using fit_relu = activation::relu;

namespace {

struct fit_stories {
  llama::model<ffn::dense<fit_relu>> model;
  std::vector<quipu::token_id> text, other;
  sparsity::record_options record{.window = 128, .team = quipu::thread_team(2)};

  fit_stories()
      : model(llama::with_activation<fit_relu>(
            llama::load<>((quipu::test::shared_root() / "data/models/stories260K/stories260K.bin").string(),
                          {.tokenizer = (quipu::test::shared_root() / "data/models/stories260K/tok512.bin").string()}))) {
    const quipu::mapped_file file((quipu::test::shared_root() / "data/text/tinystories/validation_100.txt").string());
    text = quipu::text::encode_document(model.tokenizer(), std::string(file.text().substr(0, 6000)));
    text.resize(std::min<std::size_t>(text.size(), 1536));
    other.assign(text.begin() + 1024, text.end());
    text.resize(1024);
  }
  template <class Predictor>
  [[nodiscard]] sparsity::prediction_meter measured(Predictor p, const std::vector<quipu::token_id>& on) const {
    return sparsity::measured_predictions(llama::with_ffn(model, ffn::predicted_sparse<Predictor>(std::move(p))), on, record);
  }
};

}  // namespace

TEST_CASE("low-rank predictors keep the recall that they were calibrated for", "[sparsity][low_rank_fit]") {
  QUIPU_NEEDS(quipu::test::shared_root() / "data/models/stories260K");
  const fit_stories s;
  double before = 0;
  for (const std::size_t rank : {8, 32, 64}) {
    const auto m = s.measured(sparsity::fit_low_rank(s.model, s.text, {.rank = rank, .recall = 0.95, .record = s.record}), s.text);
    CHECK(m.recall() >= 0.95);
    CHECK(m.recall() < 0.97);
    CHECK(m.predicted_sparsity() > before);  // more of the gate is known
    before = m.predicted_sparsity();
    CHECK(m.energy_recall() > m.recall());
  }
  // Of full rank it is the gate, and everything is known of it.
  const auto whole = s.measured(sparsity::fit_low_rank(s.model, s.text, {.rank = s.model.config().d_model, .recall = 1, .record = s.record}), s.text);
  CHECK(whole.recall() > 0.9999);
  CHECK(whole.precision() > 0.98);  // least outputs are those that occurred, a little above 0
  // Whitened is better than plain at the same rank, on other text.
  const auto whitened = s.measured(sparsity::fit_low_rank(s.model, s.text, {.rank = 32, .recall = 0.95, .record = s.record}), s.other);
  const auto plain = s.measured(sparsity::fit_low_rank(s.model, s.text, {.rank = 32, .recall = 0.95, .whiten = false, .record = s.record}), s.other);
  CHECK(whitened.precision() > plain.precision());
  CHECK(whitened.recall() > 0.9);
  CHECK_THROWS_AS(sparsity::fit_low_rank(s.model, s.text, {.rank = 65, .record = s.record}), quipu::config_error);
  CHECK_THROWS_AS(sparsity::fit_low_rank(s.model, s.text, {.rank = 8, .recall = 0, .record = s.record}), quipu::config_error);
}

TEST_CASE("the fit minimises the error of outputs on the calibration text", "[sparsity][low_rank_fit]") {
  // With L L^T = E[x x^T], E |W x - A B x|^2 = |(W - A B) L|^2, whose least value over rank r is the tail of the singular values of W L.
  const Eigen::Index f = 30, d = 12, rank = 5;
  std::srand(1);
  const quipu::eigen_matrix<double> w = quipu::eigen_matrix<double>::Random(f, d), root = quipu::eigen_matrix<double>::Random(40, d);
  const quipu::eigen_matrix<double> moments = root.transpose() * root;
  quipu::eigen_matrix<float> first, second;
  sparsity::detail::fit_low_rank_layer(w, moments, static_cast<std::size_t>(rank), first, second);
  const Eigen::MatrixXd lower = Eigen::LLT<Eigen::MatrixXd>(moments).matrixL();
  const Eigen::MatrixXd error = (w - second.cast<double>() * first.cast<double>()) * lower;
  const Eigen::JacobiSVD<Eigen::MatrixXd> svd(w * lower);
  CHECK(error.norm() == Approx(svd.singularValues().tail(d - rank).norm()).epsilon(1e-5));
  CHECK_THROWS_AS(sparsity::detail::fit_low_rank_layer(w, -moments, 5, first, second), quipu::numeric_error);
}

TEST_CASE("more negative signs are needed for a larger alpha", "[sparsity][low_rank_fit]") {
  QUIPU_NEEDS(quipu::test::shared_root() / "data/models/stories260K");
  const fit_stories s;
  double recall = 0, sparsity_before = 1;
  for (const double alpha : {1.0, 1.1, 1.25, 1.5}) {
    const auto m = s.measured(ffn::sign_bits{alpha}, s.other);
    CHECK(m.recall() > recall);
    CHECK(m.predicted_sparsity() < sparsity_before);
    recall = m.recall(), sparsity_before = m.predicted_sparsity();
  }
}
