#include <quipu/sparsity/regularised_hooks.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/core/random.hpp>
#include <quipu/llama/module_hooks.hpp>
#include <quipu/optim/optimizer.hpp>
#include <quipu/pet/lora.hpp>
#include <quipu/sparsity/activity_counts.hpp>
#include <quipu/sparsity/any_regulariser.hpp>
#include <quipu/sparsity/l1_rows.hpp>
#include <quipu/sparsity/regulariser.hpp>
#include <quipu/train/target_windows.hpp>
#include <quipu/train/trainer.hpp>

#include "support/training.hpp"

namespace activation = quipu::activation;
namespace ffn = quipu::ffn;
namespace llama = quipu::llama;
namespace optim = quipu::optim;
namespace schedule = quipu::schedule;
namespace sparsity = quipu::sparsity;
namespace test = quipu::test;
namespace train = quipu::train;
using quipu::matrix_view;
using quipu::thread_team;
using quipu::token_id;

namespace {

constexpr const char* sparse_case = "relu";

train::target_windows regularised_windows(std::size_t n_vocab, std::size_t n_window, std::size_t n_token = 13) {
  quipu::random_stream random(7);
  std::vector<token_id> tokens(n_window * n_token + 1);
  for (token_id& t : tokens) t = static_cast<token_id>(random.below(static_cast<std::uint32_t>(n_vocab)));
  return {tokens, n_token};
}

/// A trainable model, a pass and hooks, and what a step of theirs gives.
template <class Scalar, class Regulariser, class Activation = activation::relu>
struct regularised {
  using model_type = decltype(llama::thaw<Scalar>(
      llama::with_activation<Activation>(test::exact_model<Scalar, test::relu_ffn>(sparse_case))));
  using hooks_type = sparsity::regularised_hooks<Scalar, Regulariser, schedule::constant_lambda>;

  model_type trainable;
  llama::training_pass<typename model_type::model_type> pass;
  hooks_type hooks;

  explicit regularised(Regulariser r, double lambda = 0.7, std::size_t n_thread = 2,
                       llama::tape_depth depth = llama::tape_depth::everything)
      : trainable(llama::thaw<Scalar>(llama::with_activation<Activation>(test::exact_model<Scalar, test::relu_ffn>(sparse_case)))),
        pass(trainable.model(), thread_team(n_thread), depth),
        hooks(r, schedule::constant_lambda(lambda), trainable.model().config(), pass.workspace().team(), depth) {
    trainable.select(optim::name_pattern::all());
  }

  /// Loss with the penalty of windows 0 .. n, in one pass or in several.
  double step(const train::target_windows& source, std::size_t n_window, std::size_t n_pass = 1) {
    for (const auto& p : trainable.parameters()) std::fill_n(p.gradient, p.size(), Scalar(0));
    const std::size_t n_row = n_window * source.longest();
    hooks.begin_step({0, n_pass, n_window, n_row, n_row, static_cast<double>(n_row)});
    llama::loss_sum loss;
    for (std::size_t i = 0; i < n_pass; ++i) {
      llama::training_batch batch;
      for (std::size_t w = i * n_window / n_pass; w < (i + 1) * n_window / n_pass; ++w) source.add(w, batch);
      hooks.train(i);
      loss += pass.step(batch, static_cast<double>(n_row), hooks, trainable.gradients());
    }
    return loss.mean() + hooks.factor() * hooks.penalty();
  }
  [[nodiscard]] std::vector<Scalar> gradient() const {
    std::vector<Scalar> all;
    for (const auto& p : trainable.parameters()) all.insert(all.end(), p.gradient, p.gradient + p.size());
    return all;
  }
};

/// Central differences of loss + lambda * penalty, at a few entries of every tensor.
template <class Activation, class Regulariser>
void check_differences(Regulariser r, llama::tape_depth depth) {
  regularised<double, Regulariser, Activation> model(r, 0.7, 2, depth);
  INFO(r.name());
  const auto source = regularised_windows(model.trainable.model().config().n_vocab, 3);
  model.step(source, 3);
  std::vector<std::vector<double>> gradients;
  double largest = 0, worst = 0;
  for (const auto& p : model.trainable.parameters()) {
    gradients.emplace_back(p.gradient, p.gradient + p.size());
    for (const double g : gradients.back()) largest = std::max(largest, std::abs(g));
  }
  CHECK(model.hooks.penalty() > 1e-3);
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    const auto& p = model.trainable.parameters()[i];
    for (const std::size_t at : {std::size_t{0}, p.size() / 3, p.size() - 1}) {
      const double kept = p.value[at], h = 1e-6;
      p.value[at] = kept + h;
      const double above = model.step(source, 3);
      p.value[at] = kept - h;
      const double below = model.step(source, 3);
      p.value[at] = kept;
      worst = std::max(worst, std::abs((above - below) / (2 * h) - gradients[i][at]));
    }
  }
  CHECK(worst < 1e-6 * std::max(1.0, largest));
}

}  // namespace

TEST_CASE("gradients of regularised losses are their differences, at both depths of the tape", "[sparsity]") {
  QUIPU_NEEDS(test::golden_case(sparse_case));
  using enum sparsity::reduction;
  using enum llama::tape_depth;
  for (const auto depth : {everything, block_inputs}) {
    check_differences<activation::relu>(sparsity::l1_hidden{}, depth);
    check_differences<activation::relu>(sparsity::l1_hidden{mean_tokens_sum_neurons}, depth);
    check_differences<activation::relu>(sparsity::l1_gate{}, depth);
    check_differences<activation::drelu>(sparsity::l1_hidden{}, depth);
    check_differences<activation::drelu>(sparsity::l1_drelu{}, depth);
    check_differences<activation::relu>(sparsity::chunk_locality{4}, depth);
  }
  check_differences<activation::relu>(sparsity::l1_hidden{sum}, everything);
  check_differences<activation::silu>(sparsity::chunk_locality{1}, everything);
}

TEST_CASE("penalties are the same at both depths, and count every token once", "[sparsity]") {
  QUIPU_NEEDS(test::golden_case(sparse_case));
  for (const auto& r : {sparsity::any_regulariser(sparsity::l1_hidden{}), sparsity::any_regulariser(sparsity::l1_gate{}),
                        sparsity::any_regulariser(sparsity::l1_drelu{}), sparsity::any_regulariser(sparsity::chunk_locality{5})}) {
    INFO(r.name());
    regularised<double, sparsity::any_regulariser> whole(r), again(r, 0.7, 2, llama::tape_depth::block_inputs);
    const auto source = regularised_windows(whole.trainable.model().config().n_vocab, 3);
    CHECK(whole.step(source, 3) == again.step(source, 3));
    CHECK(whole.hooks.penalty() == again.hooks.penalty());
    CHECK(whole.gradient() == again.gradient());
    for (std::size_t layer = 0; layer < whole.hooks.activity().n_layer(); ++layer) {
      CHECK(whole.hooks.activity().n_row(layer) == 3 * source.longest());
      CHECK(again.hooks.activity().n_row(layer) == 3 * source.longest());
      CHECK(whole.hooks.activity().n_active(layer) == again.hooks.activity().n_active(layer));
    }
  }
}

namespace {

template <class Scalar>
void check_passes(double tolerance) {
  for (const auto& r : {sparsity::any_regulariser(sparsity::l1_hidden{}), sparsity::any_regulariser(sparsity::chunk_locality{5})}) {
    INFO(r.name());
    regularised<Scalar, sparsity::any_regulariser> model(r);
    const auto source = regularised_windows(model.trainable.model().config().n_vocab, 8);
    const double one = model.step(source, 8);
    const auto g1 = model.gradient();
    const double penalty = model.hooks.penalty();
    const double two = model.step(source, 8, 2);
    const auto g2 = model.gradient();
    CHECK(two == Approx(one).epsilon(tolerance));
    CHECK(model.hooks.penalty() == Approx(penalty).epsilon(tolerance));
    double worst = 0, largest = 0;
    for (std::size_t i = 0; i < g1.size(); ++i) {
      worst = std::max(worst, std::abs(static_cast<double>(g1[i]) - static_cast<double>(g2[i])));
      largest = std::max(largest, std::abs(static_cast<double>(g1[i])));
    }
    CHECK(worst <= tolerance * largest);
  }
}

}  // namespace

TEST_CASE("two passes of four windows are one of eight", "[sparsity]") {
  QUIPU_NEEDS(test::golden_case(sparse_case));
  check_passes<double>(1e-12);
  check_passes<float>(1e-6);
}

TEST_CASE("threads do not change a bit of a regularised step", "[sparsity]") {
  QUIPU_NEEDS(test::golden_case(sparse_case));
  regularised<float, sparsity::l1_hidden> one({}, 0.7, 1), two({}, 0.7, 2), three({}, 0.7, 3);
  const auto source = regularised_windows(one.trainable.model().config().n_vocab, 5);
  const double loss = one.step(source, 5);
  CHECK(two.step(source, 5) == loss);
  CHECK(three.step(source, 5) == loss);
  CHECK(one.gradient() == two.gradient());
  CHECK(one.gradient() == three.gradient());
}

TEST_CASE("a batch without labels is penalised all the same", "[sparsity]") {
  QUIPU_NEEDS(test::golden_case(sparse_case));
  regularised<double, sparsity::l1_hidden> model({});
  const auto source = regularised_windows(model.trainable.model().config().n_vocab, 4);
  const auto run = [&](bool in_one_pass) {
    for (const auto& p : model.trainable.parameters()) std::fill_n(p.gradient, p.size(), 0.0);
    const std::size_t n = source.longest();
    model.hooks.begin_step({0, 1, 2, 2 * n, n, static_cast<double>(n)});
    llama::training_batch labelled, silent;
    source.add(0, labelled);
    quipu::random_stream random(3);
    std::vector<token_id> tokens(n);
    for (token_id& t : tokens) t = static_cast<token_id>(random.below(20));
    (in_one_pass ? labelled : silent).add(tokens, {});
    model.hooks.train(0);
    model.pass.step(labelled, static_cast<double>(n), model.hooks, model.trainable.gradients());
    if (!in_one_pass) model.pass.step(silent, static_cast<double>(n), model.hooks, model.trainable.gradients());
    return model.gradient();
  };
  const auto one = run(true);
  const double penalty = model.hooks.penalty();
  const auto two = run(false);
  CHECK(model.hooks.penalty() == Approx(penalty).epsilon(1e-12));
  CHECK(test::max_abs_difference(one, two) < 1e-14);
}

namespace {

/// Every tensor of the golden case: loss, gradients, hidden values and logits.
template <class Scalar>
void check_prosparse_golden() {
  QUIPU_NEEDS(test::golden_case("prosparse"));
  QUIPU_NEEDS(test::golden_case(sparse_case));
  const test::golden golden("prosparse");
  const double tolerance = sizeof(Scalar) == 8 ? 1e-12 : 1e-6;
  regularised<Scalar, sparsity::l1_hidden> model({}, golden.json()["lambda"].get<double>());
  llama::training_batch batch;
  const auto ids = golden.ids("ids");
  batch.add(ids, test::labels_of(golden, "labels"));
  model.hooks.begin_step({0, 1, 1, batch.n_row(), batch.n_counted(), batch.total_weight()});
  model.hooks.train(0);
  const auto ce = model.pass.step(batch, batch.total_weight(), model.hooks, model.trainable.gradients());
  CHECK(ce.mean() == Approx(golden.json()["ce"].get<double>()).epsilon(tolerance));
  CHECK(model.hooks.penalty() == Approx(golden.json()["l1"].get<double>()).epsilon(tolerance));
  CHECK(ce.mean() + model.hooks.factor() * model.hooks.penalty() == Approx(golden.json()["loss"].get<double>()).epsilon(tolerance));
  for (std::size_t layer = 0; layer < model.hooks.penalties().size(); ++layer) {
    CHECK(model.hooks.penalties()[layer] == Approx(golden.json()["l1_per_layer"][layer].get<double>()).epsilon(tolerance));
    const std::size_t n_entry = golden.json()["thresholds"]["0.0"]["neurons_times_tokens"].get<std::size_t>();
    CHECK(model.hooks.activity().n_active(layer) == n_entry - golden.json()["thresholds"]["0.0"]["zeros"][layer].get<std::size_t>());
  }
  std::size_t n_gradient = 0;
  for (const auto& p : model.trainable.parameters()) {
    INFO(p.name);
    const std::string reference = "grad." + p.name;
    REQUIRE(golden.has(reference));
    CHECK(test::gradient_error<Scalar>({p.gradient, p.size()}, golden.values(reference)) < test::allowed_error<Scalar>(golden, reference));
    ++n_gradient;
  }
  for (const auto& [name, view] : golden.tensors()) n_gradient -= name.rfind("grad.", 0) == 0;
  CHECK(n_gradient == 0);

  // Hidden values and the logits under thresholds.
  struct seen : llama::no_training_hooks {
    std::vector<std::vector<Scalar>> hidden;
    void ffn_hidden(std::size_t layer, std::span<const llama::row_segment>, matrix_view<Scalar> h) {
      hidden.resize(std::max(hidden.size(), layer + 1));
      hidden[layer].clear();
      for (std::size_t t = 0; t < h.rows(); ++t) hidden[layer].insert(hidden[layer].end(), h.row(t), h.row(t) + h.cols());
    }
  };
  for (const auto& [text, expected] : golden.json()["thresholds"].items()) {
    INFO("threshold " << text);
    const double threshold = std::stod(text);
    const auto shifted = llama::with_ffn(test::exact_model<Scalar, test::relu_ffn>(sparse_case),
                                         ffn::dense<activation::fat_relu>{{.threshold = threshold}});
    llama::training_pass pass(shifted, thread_team(2));
    seen hooks;
    const auto normed = pass.evaluate(batch, hooks);
    const std::string logits_name = "logits_t" + (text == "0.0" ? std::string("0.0") : text);
    const auto logits = golden.values(logits_name);
    const std::size_t n_vocab = shifted.config().n_vocab;
    std::vector<Scalar> ours(normed.rows() * n_vocab);
    const quipu::linear::projection<Scalar> head{&shifted.weights().head, nullptr, matrix_view<Scalar>(ours.data(), normed.rows(), n_vocab)};
    pass.projector().run(normed, {&head, 1});
    CHECK(test::max_abs_difference(ours, logits) < (sizeof(Scalar) == 8 ? 1e-5 : 5e-5));  // the reference's are rounded to F32
    CHECK(pass.loss(batch, hooks).mean() == Approx(expected["ce"].template get<double>()).epsilon(tolerance));
    for (std::size_t layer = 0; layer < hooks.hidden.size(); ++layer) {
      CHECK(static_cast<std::size_t>(std::count(hooks.hidden[layer].begin(), hooks.hidden[layer].end(), Scalar(0))) ==
            expected["zeros"][layer].template get<std::size_t>());
      if (threshold == 0) CHECK(test::max_abs_difference(hooks.hidden[layer], golden.values("x1." + std::to_string(layer))) < 1e-5);
    }
  }
}

}  // namespace

TEST_CASE("loss, gradients, hidden values and logits are the reference's", "[sparsity]") {
  check_prosparse_golden<double>();
  check_prosparse_golden<float>();
}

TEST_CASE("a penalty goes along with a module that trains", "[sparsity]") {
  QUIPU_NEEDS(test::golden_case(sparse_case));
  const auto m = test::exact_model<double, test::relu_ffn>(sparse_case);
  for (const auto& r : {sparsity::any_regulariser(sparsity::l1_hidden{}), sparsity::any_regulariser(sparsity::l1_drelu{})}) {
    INFO(r.name());
    llama::training_pass pass(m, thread_team(2));
    quipu::pet::lora::module<double> module({.rank = 2, .targets = optim::name_pattern::all()}, m.config(), 3);
    quipu::random_stream random(8);
    for (const auto& p : module.parameters()) std::generate_n(p.value, p.size(), [&] { return 0.1 * random.normal(); });
    sparsity::regularised_hooks<double, sparsity::any_regulariser, schedule::constant_lambda, llama::module_hooks<quipu::pet::lora::module<double>>> hooks(
        r, schedule::constant_lambda(0.5), m.config(), pass.workspace().team(), llama::tape_depth::everything, module,
        pass.workspace());
    const auto source = regularised_windows(m.config().n_vocab, 2);
    const auto loss = [&] {
      for (const auto& p : module.parameters()) std::fill_n(p.gradient, p.size(), 0.0);
      llama::training_batch batch;
      source.add(0, batch);
      source.add(1, batch);
      hooks.begin_step({0, 1, 2, batch.n_row(), batch.n_row(), static_cast<double>(batch.n_row())});
      hooks.train(0);
      return pass.step(batch, batch.n_row(), hooks, {}).mean() + 0.5 * hooks.penalty();
    };
    loss();
    double worst = 0, largest = 0;
    std::vector<std::vector<double>> gradients;
    for (const auto& p : module.parameters()) gradients.emplace_back(p.gradient, p.gradient + p.size());
    for (std::size_t i = 0; i < gradients.size(); ++i) {
      const auto& p = module.parameters()[i];
      const std::size_t at = p.size() / 2;
      const double kept = p.value[at];
      p.value[at] = kept + 1e-6;
      const double above = loss();
      p.value[at] = kept - 1e-6;
      const double below = loss();
      p.value[at] = kept;
      worst = std::max(worst, std::abs((above - below) / 2e-6 - gradients[i][at]));
      largest = std::max(largest, std::abs(gradients[i][at]));
    }
    CHECK(largest > 1e-4);
    CHECK(worst < 1e-5 * largest);
  }
}

TEST_CASE("regularisers of no tokens and of other names are refused", "[sparsity]") {
  using enum sparsity::reduction;
  CHECK_THROWS_AS(sparsity::regulariser_named("l2", sum), quipu::config_error);
  CHECK_THROWS_AS(sparsity::regulariser_named("chunk_locality", sum, 0), quipu::config_error);
  for (const char* name : {"l1_hidden", "l1_gate", "l1_drelu"})
    CHECK(sparsity::regulariser_named(name, sum).name() == std::string(name) + " sum");
  CHECK(sparsity::regulariser_named("chunk_locality", mean_tokens_neurons, 4).name() == "chunk_locality 4 mean_tokens_neurons");
}

TEST_CASE("the chunk loss of equal values is their L1, and that of a lone value the root of the chunk", "[sparsity]") {
  const std::vector<double> equal = {2, -2, 2, -2}, lone = {0, 0, 3, 0};
  const sparsity::chunk_locality chunk{4};
  std::vector<double> gradient(4);
  const matrix_view<double> to(gradient.data(), 4, 1);
  CHECK(chunk.add<double>(matrix_view<const double>(equal.data(), 4, 1), 1.0, to) == Approx(8));
  CHECK(gradient == std::vector<double>{1, -1, 1, -1});
  CHECK(chunk.add<double>(matrix_view<const double>(lone.data(), 4, 1), 1.0, {}) == Approx(6));
}

TEST_CASE("sizes and signs of rows of any length are those of their entries", "[sparsity]") {
  quipu::random_stream random(12);
  for (const std::size_t n : {1, 15, 16, 17, 40, 63}) {
    std::vector<float> v(2 * n), gradient(2 * n, 0.5f);
    for (float& x : v) x = random.below(3) == 0 ? 0.0f : static_cast<float>(random.normal());
    v[0] = -0.0f;
    const matrix_view<const float> rows(v.data(), 2, n);
    double all = 0, positive = 0;
    for (const float x : v) {
      all += std::abs(static_cast<double>(x));
      positive += std::max(0.0, static_cast<double>(x));
    }
    CHECK(sparsity::add_l1<float, false>(rows, 2.0f, matrix_view<float>(gradient.data(), 2, n)) == Approx(all).epsilon(1e-6));
    for (std::size_t i = 0; i < v.size(); ++i) CHECK(gradient[i] == 0.5f + (v[i] > 0 ? 2.0f : v[i] < 0 ? -2.0f : 0.0f));
    CHECK(sparsity::add_l1<float, true>(rows, 2.0f, {}) == Approx(positive).epsilon(1e-6));
    v[n / 2] = std::numeric_limits<float>::quiet_NaN();
    CHECK(std::isnan(sparsity::add_l1<float, false>(rows, 2.0f, {})));
  }
}

TEST_CASE("counts of active neurons add up over rows and batches", "[sparsity]") {
  sparsity::activity_counts counts(2, 100);
  CHECK_FALSE(counts.sparsity().has_value());
  std::vector<double> h(300, 0);
  h[7] = h[107] = 1;
  h[299] = std::nan("");
  counts.add<double>(thread_team(2), 1, matrix_view<const double>(h.data(), 3, 100));
  counts.add<double>(thread_team(1), 1, matrix_view<const double>(h.data(), 1, 100));
  CHECK(counts.of(1)[7] == 3);
  CHECK(counts.of(1)[99] == 1);
  CHECK(counts.n_active(1) == 4);
  CHECK(counts.n_row(1) == 4);
  CHECK(counts.sparsity(1).value() == Approx(0.99));
  CHECK_FALSE(counts.sparsity(0).has_value());
  CHECK(counts.sparsity().value() == Approx(0.99));  // of the layers that were seen
  counts.clear();
  CHECK(counts.n_active(1) == 0);
}
