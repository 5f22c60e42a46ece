#include <quipu/sparsity/search.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/core/eigen.hpp>
#include <quipu/core/mapped_file.hpp>
#include <quipu/ffn/gate_sparse.hpp>
#include <quipu/llama/load.hpp>
#include <quipu/llama/score.hpp>
#include <quipu/sparsity/calibration.hpp>
#include <quipu/sparsity/layer_record.hpp>
#include <quipu/sparsity/model_meter.hpp>
#include <quipu/sparsity/scores.hpp>
#include <quipu/sparsity/searches.hpp>

#include "support/random_weights.hpp"
#include "support/shared_data.hpp"

namespace activation = quipu::activation;
namespace ffn = quipu::ffn;
namespace llama = quipu::llama;
namespace sparsity = quipu::sparsity;
using quipu::test::random_values;

namespace {

struct search_stories {
  llama::model<quipu::kv::exact> model;
  std::vector<quipu::token_id> text;
  sparsity::record_options record{.window = 128, .team = quipu::thread_team(2)};

  explicit search_stories(std::size_t n = 384)
      : model(llama::load<quipu::kv::exact>((quipu::test::shared_root() / "data/models/stories260K/stories260K.bin").string(),
                            {.tokenizer = (quipu::test::shared_root() / "data/models/stories260K/tok512.bin").string()})) {
    const quipu::mapped_file file((quipu::test::shared_root() / "data/text/tinystories/validation_100.txt").string());
    text = quipu::text::encode_document(model.tokenizer(), std::string(file.text().substr(0, 8 * n)));
    text.resize(std::min(text.size(), n));
  }
  [[nodiscard]] static bool here() { return quipu::test::have(quipu::test::shared_root() / "data/models/stories260K"); }
};

// CETT of a layer as the definition says it, in double.
double cett_by_hand(const sparsity::calibrated_layer& layer, const std::vector<float>& scores, double level) {
  const auto d = static_cast<Eigen::Index>(layer.d_ffn);
  quipu::eigen_matrix<float> down(static_cast<Eigen::Index>(layer.weights->down.rows), d);
  for (Eigen::Index r = 0; r < down.rows(); ++r)
    quipu::io::dequantise_row(layer.weights->down.type, layer.weights->down.row(static_cast<std::size_t>(r)), down.row(r).data(), layer.d_ffn);
  double sum = 0;
  for (std::size_t t = 0; t < layer.n_token; ++t) {
    Eigen::VectorXd all = Eigen::VectorXd::Zero(down.rows()), lost = all;
    for (std::size_t i = 0; i < layer.d_ffn; ++i) {
      const std::size_t at = t * layer.d_ffn + i;
      const Eigen::VectorXd part = static_cast<double>(layer.hidden[at]) * down.col(static_cast<Eigen::Index>(i)).cast<double>();
      all += part;
      if (static_cast<double>(scores[at]) < level) lost += part;
    }
    sum += lost.norm() / all.norm();
  }
  return sum / static_cast<double>(layer.n_token);
}

template <class F>
void each_stories_layer(const search_stories& s, F&& f) {
  sparsity::for_each_layer(s.model, s.text, s.record, [&](const sparsity::layer_record& r) { f(sparsity::calibrated_layer::of(activation::silu{}, r)); });
}

// Everything is below this.
struct deadly_search {
  using first_criterion = ffn::gate_size;
  using second_criterion = ffn::every_neuron;
  [[nodiscard]] static ffn::sparse_levels levels(const sparsity::calibration& c) { return {std::vector<double>(c.n_layer, 1e6)}; }
};
static_assert(sparsity::threshold_search<deadly_search>);

}  // namespace

TEST_CASE("quantiles of scores", "[sparsity][search]") {
  for (const std::size_t n : {1, 2, 10, 1001}) {
    auto values = random_values<float>(n, 3);
    for (float& v : values) v = std::abs(v);
    for (const double share : {0.0, 0.25, 0.5, 0.99}) {
      auto scores = values;
      const double level = sparsity::level_for_share(scores, share);
      const auto below = std::count_if(values.begin(), values.end(), [&](float v) { return static_cast<double>(v) < level; });
      if (share > 0 && n > 1) CHECK(static_cast<std::size_t>(below) == static_cast<std::size_t>(share * static_cast<double>(n)));
    }
  }
}

TEST_CASE("records of layers do not depend on how many fit into memory, and are the model's own", "[sparsity][search]") {
  if (!search_stories::here()) return;
  search_stories s(200);
  std::vector<std::vector<float>> all;
  const auto take = [&](const sparsity::layer_record& r) {
    for (const auto& m : {r.x, r.gate, r.up}) {
      REQUIRE(m.rows() == s.text.size());
      all.emplace_back(m.data(), m.data() + m.rows() * m.cols());
    }
  };
  sparsity::for_each_layer(s.model, s.text, s.record, take);
  const auto at_once = std::exchange(all, {});
  s.record.memory = 1;
  s.record.team = quipu::thread_team(3);
  sparsity::for_each_layer(s.model, s.text, s.record, take);
  CHECK(at_once.size() == 3 * s.model.config().n_layer);
  CHECK(all == at_once);

  // hidden of the records, as the model computes it
  struct hidden_check : llama::no_hooks {
    std::vector<std::vector<float>>* rows;
    std::vector<double>* worst;
    std::vector<std::size_t>* at;
    std::size_t d_ffn;
    void ffn_hidden(std::size_t layer, std::span<const llama::row_segment>, quipu::matrix_view<float> h) const {
      for (std::size_t t = 0; t < h.rows(); ++t) {
        for (std::size_t i = 0; i < d_ffn; ++i) {
          const std::size_t place = ((*at)[layer] + t) * d_ffn + i;
          const float mine = activation::silu{}((*rows)[3 * layer + 1][place]) * (*rows)[3 * layer + 2][place];
          (*worst)[0] = std::max((*worst)[0], std::abs(static_cast<double>(mine) - static_cast<double>(h(t, i))));
        }
      }
      (*at)[layer] += h.rows();
    }
  } check;
  std::vector<double> worst{0};
  std::vector<std::size_t> at(s.model.config().n_layer, 0);
  check.rows = &all, check.worst = &worst, check.at = &at, check.d_ffn = s.model.config().d_ffn;
  auto session = open_session(s.model, quipu::thread_team(1));
  llama::sequence_input<float> in{session.create(), std::span(s.text).first(128)};
  in.want = llama::logits_of::none;
  session.run({&in, 1}, [](std::size_t, std::size_t, std::span<const float>) {}, check);
  CHECK(at[0] == 128);
  CHECK(worst[0] < 1e-5);
  CHECK_THROWS_AS(sparsity::for_each_layer(s.model, std::span<const quipu::token_id>(), s.record, take), quipu::config_error);
  s.record.window = s.model.config().n_ctx + 1;
  std::vector<quipu::token_id> long_text(s.record.window, 1);
  CHECK_THROWS_AS(sparsity::for_each_layer(s.model, long_text, s.record, take), quipu::config_error);
}

TEST_CASE("CETT and its bisection equal brute force", "[sparsity][search]") {
  if (!search_stories::here()) return;
  const search_stories s(40);
  each_stories_layer(s, [&](const sparsity::calibrated_layer& layer) {
    if (layer.layer % 2 == 1) return;
    const auto check = [&](const auto& criterion) {
      const auto scores = sparsity::scores_of(criterion, layer);
      sparsity::truncation_error error(s.record.team, layer.hidden, layer.weights->down);
      auto sorted = scores;
      std::sort(sorted.begin(), sorted.end());
      for (const double share : {0.2, 0.5, 0.8}) {
        const double level = static_cast<double>(sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size()))]);
        CHECK(error.of(scores, level) == Approx(cett_by_hand(layer, scores, level)).epsilon(1e-4));
      }
      CHECK(error.of(scores, 0) == 0);
      CHECK(error.of(scores, 1e30) == Approx(1));
      for (const double budget : {0.02, 0.1, 0.3}) {
        const double level = sparsity::level_for_cett(error, scores, budget);
        CHECK(cett_by_hand(layer, scores, level) <= budget * (1 + 1e-4));
        const double next = static_cast<double>(*std::upper_bound(sorted.begin(), sorted.end(), static_cast<float>(level)));
        CHECK(cett_by_hand(layer, scores, next) > budget * (1 - 1e-4));
      }
    };
    check(ffn::weighted_gate{});
    check(ffn::weighted_hidden{});
  });
}

TEST_CASE("searches leave out what they say, for what they say it costs", "[sparsity][search]") {
  if (!search_stories::here()) return;
  const search_stories s;
  const sparsity::search_options options{.record = s.record};
  const auto found = sparsity::search(s.model, s.text, sparsity::quantile<ffn::weighted_gate>(0.4), options);
  auto dense_session = open_session(s.model, quipu::thread_team(2));
  const auto dense = llama::perplexity(dense_session, s.text, {.window = 128, .stride = 128});
  CHECK(found.dense_perplexity == Approx(dense.value()).epsilon(1e-5));
  CHECK(found.cost.perplexity > found.dense_perplexity);
  CHECK(found.levels.content_hash == s.model.identity()->content->hash());
  CHECK(found.cost.layers.front().first == Approx(0.6).margin(0.01));  // nothing before it was left out
  for (const auto& layer : found.cost.layers) CHECK(layer.first == Approx(0.6).margin(0.06));
  const auto sparse = llama::with_ffn(s.model, found.kernel(activation::silu{}));
  auto session = open_session(sparse, quipu::thread_team(3));
  sparsity::model_meter<> meter(s.model.config());
  llama::hooked_session hooked(session, meter);
  CHECK(llama::perplexity(hooked, s.text, {.window = 128, .stride = 128}).value() == found.cost.perplexity);  // threads change nothing
  CHECK(meter.density() == Approx(found.cost.mean_second()));

  const auto two = sparsity::search(s.model, s.text, sparsity::two_quantiles<>{0.2, 0.6}, options);
  CHECK(two.cost.layers.front().first == Approx(0.8).margin(0.01));
  CHECK(two.cost.layers.front().second == Approx(0.4).margin(0.01));
  const auto hidden = sparsity::search(s.model, s.text, sparsity::quantile<ffn::hidden_size>(0.6), options);
  CHECK(hidden.cost.mean_first() == 1);
  CHECK(hidden.cost.layers.front().second == Approx(0.4).margin(0.01));
  const auto up = sparsity::search(s.model, s.text, sparsity::quantile<ffn::up_size>(0.3), options);
  CHECK(up.cost.layers.front().first == Approx(0.7).margin(0.01));
  CHECK_THROWS_WITH(sparsity::search(s.model, s.text, deadly_search{}, options), Catch::Matchers::Contains("every neuron dead"));
  CHECK_THROWS_AS(sparsity::search(s.model, s.text, sparsity::quantile<>(1.0), options), quipu::config_error);
  CHECK_THROWS_AS(sparsity::search(s.model, s.text, sparsity::quantile<>(std::nan("")), options), quipu::config_error);
  CHECK_THROWS_AS(sparsity::search(s.model, s.text, sparsity::two_quantiles<>{0.5, 0.4}, options), quipu::config_error);
}

TEST_CASE("one budget for all layers is kept and used up", "[sparsity][search]") {
  if (!search_stories::here()) return;
  const search_stories s(100);
  const sparsity::global_budget<ffn::weighted_hidden> policy(0.1, 0);
  const auto found = sparsity::search(s.model, s.text, policy, {.record = s.record});
  const auto mean_cett = [&](double factor) {
    double sum = 0;
    each_stories_layer(s, [&](const sparsity::calibrated_layer& layer) {
      sum += cett_by_hand(layer, sparsity::scores_of(policy.criterion, layer), factor * found.levels.product[layer.layer]);
    });
    return sum / static_cast<double>(s.model.config().n_layer);
  };
  CHECK(mean_cett(1) <= 0.1 * (1 + 1e-4));
  CHECK(mean_cett(std::exp2(1.0 / 8)) > 0.1 * (1 - 1e-4));
}

TEST_CASE("the scan of FATReLU thresholds equals trying each", "[sparsity][search]") {
  if (!search_stories::here()) return;
  const search_stories s(256);
  const auto substituted = llama::with_activation<activation::relu>(s.model);
  const sparsity::fatrelu_scan scan{{0.02, 0.1, 0.3, 1.0}, 0.01};
  const auto found = sparsity::search(substituted, s.text, scan, {.record = s.record});
  double best = 0, least = 1;
  double plain = 0;
  for (const double t : {0.0, 0.02, 0.1, 0.3, 1.0}) {
    const auto m = llama::with_ffn(substituted, ffn::gate_sparse<activation::fat_relu>(activation::fat_relu{t}));
    auto session = open_session(m, quipu::thread_team(2));
    sparsity::model_meter<> meter(m.config());
    llama::hooked_session hooked(session, meter);
    const double p = llama::perplexity(hooked, s.text, {.window = 128, .stride = 128}).value();
    if (t == 0) {
      plain = p, least = meter.density();
    } else if (p <= plain * 1.01 && meter.density() < least) {
      best = t, least = meter.density();
    }
  }
  CHECK(best > 0);
  CHECK(found.levels.first == std::vector<double>(s.model.config().n_layer, best));
  CHECK(found.cost.mean_first() == Approx(least).epsilon(1e-3));
  CHECK(found.gate_thresholds().of_layers == found.levels.first);
}

TEST_CASE("levels of a ReLU model as thresholds of its gates", "[sparsity][search]") {
  if (!search_stories::here()) return;
  const search_stories s(200);
  const auto substituted = llama::with_activation<activation::relu>(s.model);
  const auto found = sparsity::search(substituted, s.text, sparsity::cett_bisection<>(0.1, 100), {.record = s.record});
  const auto exact = llama::with_ffn(substituted, ffn::gate_sparse<activation::relu>(found.gate_thresholds()));
  auto session = open_session(exact, quipu::thread_team(2));
  CHECK(llama::perplexity(session, s.text, {.window = 128, .stride = 128}).value() == Approx(found.cost.perplexity).epsilon(1e-6));
}
