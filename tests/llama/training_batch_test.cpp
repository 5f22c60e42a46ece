#include <quipu/llama/training_batch.hpp>

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "support/training.hpp"

namespace llama = quipu::llama;
namespace optim = quipu::optim;
namespace test = quipu::test;
using quipu::thread_team;

namespace {

template <class Scalar>
struct result {
  double loss;
  std::vector<Scalar> gradients;
};

/// Loss and all gradients of the sequences of a case's batch, in passes of the given sizes.
template <class Scalar>
result<Scalar> run_batch(std::size_t per_pass, std::size_t n_thread, llama::tape_depth depth) {
  const test::golden golden("gqa_tied_odd");
  auto trainable = llama::thaw<Scalar>(test::exact_model<Scalar>("gqa_tied_odd"));
  trainable.select(optim::name_pattern::all());
  llama::training_pass pass(trainable.model(), thread_team(n_thread), depth);
  llama::no_training_hooks hooks;
  const auto lengths = golden.json()["batch.lengths"].get<std::vector<std::size_t>>();
  std::size_t n_counted = 0;
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    llama::training_batch one;
    test::add_row(one, golden, "batch.", i, lengths[i]);
    n_counted += one.n_counted();
  }
  llama::loss_sum loss;
  for (std::size_t i = 0; i < lengths.size();) {
    llama::training_batch batch;
    for (std::size_t j = 0; j < per_pass && i < lengths.size(); ++j, ++i)
      test::add_row(batch, golden, "batch.", i, lengths[i]);
    loss += pass.step(batch, n_counted, hooks, trainable.gradients());
  }
  result<Scalar> r{loss.mean(), {}};
  for (const auto& p : trainable.parameters()) r.gradients.insert(r.gradients.end(), p.gradient, p.gradient + p.size());
  return r;
}

}  // namespace

TEST_CASE("sequences packed together give the gradients of the same sequences one by one", "[llama][training]") {
  QUIPU_NEEDS(test::golden_case("gqa_tied_odd"));
  const test::golden golden("gqa_tied_odd");
  const auto together = run_batch<double>(3, 2, llama::tape_depth::everything);
  const auto apart = run_batch<double>(1, 2, llama::tape_depth::everything);
  CHECK(together.loss == Approx(golden.json()["batch.loss"].get<double>()).epsilon(1e-12));
  CHECK(apart.loss == Approx(together.loss).epsilon(1e-14));
  CHECK(test::max_abs_difference(apart.gradients, together.gradients) <
        1e-13 * test::largest_of<double>(together.gradients) * 10);
}

TEST_CASE("threads and recomputation do not change a bit of the gradients", "[llama][training]") {
  QUIPU_NEEDS(test::golden_case("gqa_tied_odd"));
  const auto one = run_batch<float>(3, 1, llama::tape_depth::everything);
  for (const std::size_t n_thread : {2u, 3u}) {
    for (const auto depth : {llama::tape_depth::everything, llama::tape_depth::block_inputs}) {
      const auto other = run_batch<float>(3, n_thread, depth);
      CHECK(other.loss == one.loss);
      CHECK(other.gradients == one.gradients);
    }
  }
}

TEST_CASE("tensors that are not selected get no gradients, and the others the same", "[llama][training]") {
  QUIPU_NEEDS(test::golden_case("gqa_tied_odd"));
  const test::golden golden("gqa_tied_odd");
  auto trainable = llama::thaw<double>(test::exact_model<double>("gqa_tied_odd"));
  const std::size_t last = trainable.model().config().n_layer - 1;
  const auto wanted = optim::name_pattern::regex("model\\.layers\\." + std::to_string(last) +
                                                 "\\.(self_attn\\.[kq]_proj|input_layernorm)\\.weight");
  const std::size_t n = trainable.select(wanted);
  CHECK(trainable.gradients().lowest_layer() == last);
  llama::training_pass pass(trainable.model(), thread_team(2));
  llama::no_training_hooks hooks;
  llama::training_batch batch;
  test::add_row(batch, golden, "prompt_40.", 0, 0);
  static_cast<void>(pass.step(batch, batch.n_counted(), hooks, trainable.gradients()));
  std::size_t n_seen = 0;
  for (const auto& p : trainable.parameters()) {
    CHECK(p.trains() == wanted(p.name));
    if (!p.trains()) continue;
    n_seen += p.size();
    CHECK(test::gradient_error<double>({p.gradient, p.size()}, golden.values("grad." + p.name)) < 1e-6);
  }
  CHECK(n_seen == n);
}

TEST_CASE("a frozen copy keeps its values while the trainable model changes", "[llama][training]") {
  QUIPU_NEEDS(test::golden_case("gqa_tied_odd"));
  const auto trainable = llama::thaw<float>(test::exact_model<float>("gqa_tied_odd"));
  const auto frozen = trainable.freeze();
  const auto* before = reinterpret_cast<const float*>(frozen.weights().blocks[0].q.data);
  const float kept = before[3];
  optim::find<float>(trainable.parameters(), "model.layers.0.self_attn.q_proj.weight")->value[3] += 1;
  CHECK(before[3] == kept);
  CHECK(reinterpret_cast<const float*>(trainable.model().weights().blocks[0].q.data)[3] == kept + 1);
  CHECK(frozen.weights().head.data == frozen.weights().embedding.data);
}

namespace {

/// Hooks that move the embedded rows and keep their gradient.
template <class Scalar>
struct embedding_probe : llama::no_training_hooks {
  std::vector<Scalar> shift, gradient;

  static constexpr bool touches_embedding() noexcept { return true; }
  void embedded(std::span<const llama::row_segment>, quipu::matrix_view<Scalar> x) {
    for (std::size_t i = 0; i < shift.size(); ++i) x.data()[i] += shift[i];
  }
  void embedded_backward(std::span<const llama::row_segment>, quipu::matrix_view<Scalar> dx) {
    gradient.assign(dx.data(), dx.data() + dx.rows() * dx.cols());
  }
};

}  // namespace

TEST_CASE("gradients flow through quantised frozen weights", "[llama][training]") {
  for (const std::string file : {"q4_1.gguf", "q8_0.gguf", "k_quants.gguf", "f16.gguf"}) {
    const auto path = test::golden_case("gguf") / file;
    QUIPU_NEEDS(path);
    const auto m = llama::load<test::silu_ffn, quipu::scalar::f64>(path.string());
    llama::training_pass pass(m, thread_team(2));
    const std::vector<quipu::token_id> ids = {5, 1, 17, 9, 30, 2, 8};
    llama::training_batch batch;
    batch.add(ids, std::vector<std::int64_t>(ids.begin(), ids.end()));
    embedding_probe<double> hooks;
    hooks.shift.assign(ids.size() * m.config().d_model, 0.0);
    static_cast<void>(pass.step(batch, batch.n_counted(), hooks, {}));
    const double largest = test::largest_of<double>(hooks.gradient);
    const auto gradient = hooks.gradient;
    double worst = 0;
    for (std::size_t i = 0; i < hooks.shift.size(); i += 5) {
      hooks.shift[i] = 1e-5;
      const double above = pass.loss(batch, hooks).mean();
      hooks.shift[i] = -1e-5;
      const double below = pass.loss(batch, hooks).mean();
      hooks.shift[i] = 0;
      worst = std::max(worst, std::abs((above - below) / 2e-5 - gradient[i]));
    }
    INFO(file);
    CHECK(largest > 1e-4);
    CHECK(worst / largest < 1e-6);
  }
}

TEST_CASE("bad batches are refused", "[llama][training]") {
  QUIPU_NEEDS(test::golden_case("gqa_tied_odd"));
  const auto m = test::exact_model<float>("gqa_tied_odd");
  llama::training_pass pass(m, thread_team(1));
  llama::no_training_hooks hooks;
  llama::training_batch batch;
  CHECK_THROWS_AS(pass.loss(batch, hooks), quipu::config_error);
  CHECK_THROWS_AS(batch.add({}, {}), quipu::config_error);
  const std::vector<quipu::token_id> ids = {1, 2, 3};
  const std::vector<std::int64_t> few = {1};
  CHECK_THROWS_AS(batch.add(ids, few), quipu::config_error);
  const std::vector<std::int64_t> outside = {1, 2, static_cast<std::int64_t>(m.config().n_vocab)};
  batch.add(ids, outside);
  CHECK_THROWS_AS(pass.loss(batch, hooks), quipu::config_error);
  batch.clear();
  const std::vector<quipu::token_id> unknown = {1, static_cast<quipu::token_id>(m.config().n_vocab)};
  batch.add(unknown, {});
  CHECK_THROWS_AS(pass.loss(batch, hooks), quipu::config_error);
  batch.clear();
  batch.add(std::vector<quipu::token_id>(m.config().n_ctx + 1, 1), {});
  CHECK_THROWS_AS(pass.loss(batch, hooks), quipu::config_error);
}

TEST_CASE("weighted sequences give the weighted mean of their losses and gradients", "[llama][training]") {
  QUIPU_NEEDS(test::golden_case("gqa_tied_odd"));
  const test::golden golden("gqa_tied_odd");
  auto trainable = llama::thaw<double>(test::exact_model<double>("gqa_tied_odd"));
  trainable.select(optim::name_pattern::all());
  llama::training_pass pass(trainable.model(), thread_team(2));
  llama::no_training_hooks hooks;
  const auto lengths = golden.json()["batch.lengths"].get<std::vector<std::size_t>>();
  const std::vector<double> weights = {0.3, 2, 5.5};
  REQUIRE(lengths.size() <= weights.size());
  const auto gradients_of = [&] {
    std::vector<double> all;
    for (const auto& p : trainable.parameters()) all.insert(all.end(), p.gradient, p.gradient + p.size());
    return all;
  };
  // Each sequence alone, its loss and gradients summed over its rows.
  llama::training_batch together;
  double total = 0, loss = 0;
  std::vector<double> expected;
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    llama::training_batch one;
    test::add_row(one, golden, "batch.", i, lengths[i]);
    CHECK(one.total_weight() == static_cast<double>(one.n_counted()));
    optim::zero_gradients<double>(thread_team(1), trainable.parameters());
    const auto own = pass.step(one, 1, hooks, trainable.gradients());
    CHECK(own.mean() == Approx(own.sum / static_cast<double>(one.n_counted())).epsilon(1e-14));
    const auto gradients = gradients_of();
    expected.resize(gradients.size());
    for (std::size_t k = 0; k < gradients.size(); ++k) expected[k] += weights[i] * gradients[k];
    loss += weights[i] * own.sum;
    total += weights[i] * static_cast<double>(one.n_counted());
    std::vector<std::int64_t> labels(one.targets().begin(), one.targets().end() - 1);
    labels.insert(labels.begin(), llama::ignored_label);
    together.add_weighted(one.tokens(), labels, weights[i]);
  }
  CHECK(together.total_weight() == Approx(total).epsilon(1e-14));
  optim::zero_gradients<double>(thread_team(1), trainable.parameters());
  const auto found = pass.step(together, together.total_weight(), hooks, trainable.gradients());
  CHECK(found.mean() == Approx(loss / total).epsilon(1e-12));
  CHECK(pass.loss(together, hooks).mean() == Approx(loss / total).epsilon(1e-12));
  for (double& g : expected) g /= total;
  CHECK(test::max_abs_difference(gradients_of(), expected) < 1e-12 * test::largest_of<double>(expected));
  CHECK_THROWS_AS(together.add_weighted(together.tokens(), {}, 0), quipu::config_error);
}
