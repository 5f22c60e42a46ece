#include <quipu/llama/sparse_inputs.hpp>

#include <cmath>
#include <cstddef>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/core/error.hpp>
#include <quipu/ffn/gate_sparse.hpp>
#include <quipu/io/dequantise.hpp>
#include <quipu/llama/load.hpp>
#include <quipu/llama/trainable.hpp>

#include "support/random_checkpoint.hpp"

namespace llama = quipu::llama;
namespace linear = quipu::linear;
using quipu::matrix_view;
using quipu::token_id;

namespace {

llama::input_levels some_levels(std::size_t n_layer, llama::input_criterion criterion, double scale) {
  llama::input_levels levels;
  levels.criterion = criterion;
  for (std::size_t l = 0; l < n_layer; ++l) {
    auto& layer = levels.layers.emplace_back();
    for (std::size_t s = 0; s < layer.size(); ++s) layer[s] = scale * static_cast<double>(1 + (s + l) % 3);
  }
  return levels;
}

// Every product beside W x without the small inputs, in double; x is what the hook sees.
template <class Model>
struct product_check : llama::no_hooks {
  const Model* model;
  const llama::input_levels* levels;
  std::map<std::pair<std::size_t, std::size_t>, double>* worst;
  std::size_t* n_left_out;

  static constexpr bool separates(llama::projection_site, std::size_t) noexcept { return true; }
  void projected(llama::projection_site site, std::size_t layer, std::span<const llama::row_segment>, matrix_view<const float> x, matrix_view<float> y) const {
    const linear::stored_matrix& w = llama::matrix_at(model->weights().blocks[layer], site);
    std::vector<float> row(w.cols);
    std::vector<double> norms(w.cols, 0);
    std::vector<std::vector<float>> wide;
    for (std::size_t r = 0; r < w.rows; ++r) {
      quipu::io::dequantise_row(w.type, w.row(r), row.data(), w.cols);
      for (std::size_t j = 0; j < w.cols; ++j) norms[j] += static_cast<double>(row[j]) * static_cast<double>(row[j]);
      wide.push_back(row);
    }
    double& most = (*worst)[{layer, static_cast<std::size_t>(site)}];
    for (std::size_t t = 0; t < x.rows(); ++t) {
      std::vector<double> kept(w.cols);
      for (std::size_t j = 0; j < w.cols; ++j) {
        const double weight = levels->criterion == llama::input_criterion::weighted ? std::sqrt(norms[j]) : 1;
        const bool small = std::abs(static_cast<double>(x(t, j))) * weight < levels->at(layer, site);
        kept[j] = small ? 0 : static_cast<double>(x(t, j));
        *n_left_out += small;
      }
      for (std::size_t r = 0; r < w.rows; ++r) {
        double sum = 0;
        for (std::size_t j = 0; j < w.cols; ++j) sum += static_cast<double>(wide[r][j]) * kept[j];
        most = std::max(most, std::abs(sum - static_cast<double>(y(t, r))) / (1 + std::abs(sum)));
      }
    }
  }
};

template <class Model>
std::vector<float> logits_of_sparse(const Model& m) {
  constexpr token_id ids[] = {1, 3, 4, 6, 3, 5};
  auto session = open_session(m, quipu::thread_team(2));
  const auto prompt = session.create(), chosen = session.create();
  const auto given = session.next_logits(prompt, ids);
  std::vector<float> all(given.begin(), given.end());
  for (const token_id id : ids) {
    const auto next = session.next_logits(chosen, {&id, 1}, llama::token_role::decode);
    all.insert(all.end(), next.begin(), next.end());
  }
  return all;
}

}  // namespace

TEST_CASE("all products of a block leave out small inputs, and nothing else", "[llama][sparse_inputs]") {
  using exact = quipu::activations::f32;
  const auto m = llama::from_checkpoint<exact>(quipu::test::random_checkpoint(quipu::test::small_config()));
  for (const auto criterion : {llama::input_criterion::size, llama::input_criterion::weighted}) {
    const auto levels = some_levels(m.config().n_layer, criterion, criterion == llama::input_criterion::size ? 0.2 : 1.6);
    const auto sparse = llama::with_sparse_inputs(m, levels);
    std::map<std::pair<std::size_t, std::size_t>, double> worst;
    std::size_t n_left_out = 0;
    product_check<decltype(m)> check;
    check.model = &m, check.levels = &levels, check.worst = &worst, check.n_left_out = &n_left_out;
    auto session = open_session(sparse, quipu::thread_team(2));
    constexpr token_id ids[] = {1, 3, 4, 6, 3, 5};
    llama::sequence_input<float> in{session.create(), ids};
    in.want = llama::logits_of::none;
    session.run({&in, 1}, [](std::size_t, std::size_t, std::span<const float>) {}, check);
    CHECK(worst.size() == m.config().n_layer * linear::projection_sites.size());
    for (const auto& [place, error] : worst) {
      INFO("layer " << place.first << ", site " << place.second);
      CHECK(error < 1e-4);
    }
    CHECK(n_left_out > 100);
    CHECK(logits_of_sparse(sparse) != logits_of_sparse(m));
  }
}

TEST_CASE("with levels of 0 a model keeps its bits", "[llama][sparse_inputs]") {
  for (const auto type : {quipu::tensor_type::f32, quipu::tensor_type::q8_0, quipu::tensor_type::q4_0}) {
    const auto m = llama::from_checkpoint<>(quipu::test::random_checkpoint(quipu::test::small_config(), type));
    for (const auto criterion : {llama::input_criterion::size, llama::input_criterion::weighted})
      CHECK(logits_of_sparse(llama::with_sparse_inputs(m, some_levels(m.config().n_layer, criterion, 0))) == logits_of_sparse(m));
  }
}

TEST_CASE("levels of inputs that do not fit a model are refused", "[llama][sparse_inputs]") {
  const auto m = llama::from_checkpoint<>(quipu::test::random_checkpoint(quipu::test::small_config()));
  const auto levels = some_levels(m.config().n_layer, llama::input_criterion::size, 0.1);
  const auto refused = [&](auto&& change, const char* words) {
    llama::input_levels other = levels;
    change(other);
    CHECK_THROWS_WITH(llama::with_sparse_inputs(m, other), Catch::Contains(words));
  };
  refused([](auto& l) { l.layers.pop_back(); }, "layers");
  refused([](auto& l) { l.layers[1][2] = -1; }, "input levels");
  refused([](auto& l) { l.layers[1][2] = std::numeric_limits<double>::quiet_NaN(); }, "input levels");
  refused([](auto& l) { l.content_hash = 7; }, "hash");
  // Training sees all inputs.
  const auto sparse = llama::with_sparse_inputs(m, levels);
  CHECK(llama::thaw<float>(sparse).model().weights().blocks[0].q.limits == nullptr);
}

TEST_CASE("a sparse FFN kernel refuses matrices whose inputs have limits, which it would not heed", "[llama][sparse_inputs]") {
  auto config = quipu::test::small_config();
  config.hidden_act = "relu";
  const auto m = llama::from_checkpoint<quipu::ffn::dense<quipu::activation::relu>>(quipu::test::random_checkpoint(config, quipu::tensor_type::f32));
  const auto limited = llama::with_sparse_inputs(m, some_levels(config.n_layer, llama::input_criterion::size, 0.1));
  CHECK_THROWS_WITH(llama::with_ffn(limited, quipu::ffn::gate_sparse<quipu::activation::relu>{}), Catch::Contains("limits of inputs"));
  CHECK_NOTHROW(llama::with_ffn(m, quipu::ffn::gate_sparse<quipu::activation::relu>{}));
}
