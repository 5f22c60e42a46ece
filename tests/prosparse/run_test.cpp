#include <quipu/prosparse/run.hpp>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/core/random.hpp>
#include <quipu/llama/load.hpp>
#include <quipu/prosparse/measure.hpp>
#include <quipu/prosparse/report.hpp>
#include <quipu/prosparse/substitute.hpp>
#include <quipu/prosparse/train.hpp>

#include "support/kills.hpp"
#include "support/temp_folder.hpp"
#include "support/training.hpp"

namespace activation = quipu::activation;
namespace ffn = quipu::ffn;
namespace llama = quipu::llama;
namespace prosparse = quipu::prosparse;
namespace schedule = quipu::schedule;
namespace sparsity = quipu::sparsity;
namespace test = quipu::test;
namespace train = quipu::train;
using quipu::thread_team;
using quipu::token_id;

namespace {

constexpr const char* dense_case = "gqa_tied_odd";

auto dense_model() { return test::exact_model<float, ffn::dense<activation::as_stated>>(dense_case); }

prosparse::corpus random_corpus(std::size_t n_vocab, std::size_t n_training = 400, std::size_t n_validation = 60) {
  quipu::random_stream random(5);
  prosparse::corpus c;
  // Every token leads to one of two: something to learn.
  const auto fill = [&](std::vector<token_id>& to, std::size_t n) {
    std::uint32_t last = 1;
    for (std::size_t i = 0; i < n; ++i) {
      last = (last * 5 + random.below(2)) % static_cast<std::uint32_t>(n_vocab);
      to.push_back(static_cast<token_id>(last));
    }
  };
  fill(c.training, n_training);
  fill(c.validation, n_validation);
  c.training_starts = {0};
  return c;
}

/// A recipe with everything that has a state.
prosparse::recipe small_recipe() {
  prosparse::recipe r;
  r.n_step = 12;
  r.n_token = 11;
  r.batch_size = 2;
  r.n_accumulate = 2;
  r.n_warm_up = 2;
  r.learning_rate = 1e-2;
  r.lambda = {.kind = "seeking", .start = 2, .target = 0.9, .first = 0.5, .every = 2};
  r.shuffle = true;
  r.validate_every = 4;
  r.save_every = 3;
  r.dead_after = 3;
  return r;
}

struct sparse_run {
  std::string folder{};
  bool resume = false;
  std::size_t n_thread = 2, stop_after = 0;
  int pause_ms = 0;
};

auto carry_out(const sparse_run& s, const prosparse::recipe& r = small_recipe()) {
  const auto m = dense_model();
  prosparse::run_options o{.folder = s.folder, .resume = s.resume, .team = thread_team(s.n_thread)};
  o.progress = [&](const train::step_report& report) {
    if (s.pause_ms > 0) std::this_thread::sleep_for(std::chrono::milliseconds(s.pause_ms));
    return s.stop_after == 0 || report.step < s.stop_after;
  };
  return prosparse::run(m, random_corpus(m.config().n_vocab), r, o);
}

void check_same_files(const test::temp_folder& folder, const char* one, const char* other) {
  for (const char* file : {"/last.safetensors", "/best.safetensors", "/recipe.json"})
    CHECK(test::read_bytes(folder.file(one) + file) == test::read_bytes(folder.file(other) + file));
}

}  // namespace

namespace {

/// No more than the role asks: the squares of hidden values.
struct l2_hidden : sparsity::l1_hidden {
  [[nodiscard]] std::string name() const { return "l2_hidden"; }
  template <class S>
  double add(quipu::matrix_view<const S> v, S factor, quipu::matrix_view<S> dv) const {
    double sum = 0;
    for (std::size_t t = 0; t < v.rows(); ++t) {
      for (std::size_t i = 0; i < v.cols(); ++i) {
        sum += static_cast<double>(v(t, i)) * static_cast<double>(v(t, i));
        if (!dv.empty()) dv(t, i) += S(2) * factor * v(t, i);
      }
    }
    return sum;
  }
};

}  // namespace

TEST_CASE("substitution shares all tensors and is stated by the config", "[prosparse]") {
  QUIPU_NEEDS(test::golden_case(dense_case));
  const auto m = dense_model();
  const auto relu = prosparse::substitute<activation::relu>(m);
  CHECK(relu.config().hidden_act == "relu");
  CHECK(m.config().hidden_act == "silu");
  CHECK(relu.shared_weights() == m.shared_weights());
  const auto done = prosparse::describe_substitution(m, relu);
  CHECK(done.before == "silu");
  CHECK(done.after == "relu");
  CHECK(done.shares_weights);
  CHECK_FALSE(prosparse::describe_substitution(m, llama::thaw<float>(m).model()).shares_weights);
  const auto shifted = prosparse::substitute_named(m, "fatrelu", 0.125);
  CHECK(shifted.config().hidden_act == "fatrelu");
  CHECK(shifted.config().activation_threshold == 0.125);
  CHECK_THROWS_WITH(prosparse::substitute_named(m, "swoosh"), Catch::Contains("swoosh"));
  CHECK_THROWS_AS(prosparse::substitute_named(m, "relu", 0.1), quipu::config_error);
  CHECK_THROWS_AS(prosparse::substitute_named(m, "drelu", 0.1), quipu::config_error);
  CHECK_THROWS_AS(prosparse::substitute_named(m, "fatrelu", -0.1), quipu::config_error);
}

TEST_CASE("figures are those of the entries themselves", "[prosparse]") {
  QUIPU_NEEDS(test::golden_case(dense_case));
  const auto m = prosparse::substitute_named(dense_model(), "relu");
  const auto text = random_corpus(m.config().n_vocab);
  const train::target_windows source(text.validation, 11);
  const auto found = prosparse::measure(m, source, thread_team(2), 2);
  struct counting : llama::no_training_hooks {
    std::vector<double> zeros, entries;
    void ffn_hidden(std::size_t layer, std::span<const llama::row_segment>, quipu::matrix_view<float> h) {
      zeros.resize(std::max(zeros.size(), layer + 1));
      entries.resize(zeros.size());
      for (std::size_t t = 0; t < h.rows(); ++t) zeros[layer] += static_cast<double>(std::count(h.row(t), h.row(t) + h.cols(), 0.0f));
      entries[layer] += static_cast<double>(h.rows() * h.cols());
    }
  } hooks;
  llama::training_pass pass(m, thread_team(1));
  llama::training_batch batch;
  for (std::size_t i = 0; i < source.size(); ++i) source.add(i, batch);
  const auto loss = pass.loss(batch, hooks);
  CHECK(found.n_target == source.size() * 11);
  CHECK(found.loss == Approx(loss.mean()).epsilon(1e-6));
  double mean = 0;
  REQUIRE(found.by_layer.size() == hooks.zeros.size());
  for (std::size_t layer = 0; layer < hooks.zeros.size(); ++layer) {
    CHECK(found.by_layer[layer] == Approx(hooks.zeros[layer] / hooks.entries[layer]).epsilon(1e-12));
    mean += found.by_layer[layer] / static_cast<double>(hooks.zeros.size());
  }
  CHECK(found.sparsity == Approx(mean).epsilon(1e-12));
  CHECK(found.sparsity > 0.2);
}

TEST_CASE("a run learns, gets sparser, and reports it", "[prosparse]") {
  QUIPU_NEEDS(test::golden_case(dense_case));
  test::temp_folder folder;
  prosparse::recipe r = small_recipe();
  r.n_step = 60;
  r.lambda = {.kind = "constant", .factor = 3};
  struct counting_stage {
    int n_check = 0, n_run = 0;
    [[nodiscard]] std::string name() const { return "counting"; }
    void check(const nlohmann::ordered_json& settings) {
      ++n_check;
      if (settings.is_null() || settings.at("every") != 3) quipu::fail<quipu::config_error>("counting: every", "3", settings.dump());
    }
    prosparse::report_section run(const llama::model<ffn::dense<activation::as_stated>, quipu::storage::f32, quipu::activations::f32, quipu::kv::exact>& m,
                                  const prosparse::corpus&, const nlohmann::ordered_json&, const thread_team&) {
      ++n_run;
      return {"Counting", quipu::concat("layers: ", m.config().n_layer), {{"layers", m.config().n_layer}}};
    }
  } stage;
  const auto m = dense_model();
  const auto text = random_corpus(m.config().n_vocab);
  CHECK_THROWS_WITH(prosparse::run(m, text, r, {}, stage), Catch::Contains("counting"));
  r.stages = {{"counting", {{"every", 3}}}};
  CHECK_THROWS_WITH(prosparse::run(m, text, r, {}), Catch::Contains("stages") && Catch::Contains("counting"));
  const auto made = prosparse::run(m, text, r, {.folder = folder.file("run"), .team = thread_team(2)}, stage);
  CHECK(stage.n_check == 2);
  CHECK(stage.n_run == 1);
  CHECK(made.result.finished);
  CHECK(made.model.config().hidden_act == "relu");
  CHECK(made.report.after.loss < made.report.substituted_figures.loss - 0.5);
  CHECK(made.report.after.sparsity > made.report.substituted_figures.sparsity + 0.03);
  CHECK(made.report.after.loss == prosparse::measure(made.model, train::target_windows(text.validation, r.n_token), thread_team(1), r.batch_size).loss);
  REQUIRE(made.report.history.size() == 60);
  for (const auto& row : made.report.history) CHECK(row.lambda == 3);
  CHECK(made.report.history.back().penalty < made.report.history.front().penalty);
  const auto json = nlohmann::ordered_json::parse(test::read_bytes(folder.file("run/report.json")));
  CHECK(json["stages"]["Counting"]["layers"] == m.config().n_layer);
  CHECK(json["after"]["loss"] == made.report.after.loss);
  const std::string markdown = test::read_bytes(folder.file("run/report.md"));
  for (const char* part : {"## Recipe", "## Counting", "## Sparsity by layer", "perplexity", "`--recipe recipe.json`"}) CHECK_THAT(markdown, Catch::Contains(part));
  for (const char* chart : {"loss.svg", "lambda.svg", "sparsity.svg", "layers.svg"})
    CHECK_THAT(test::read_bytes(folder.file(std::string("run/") + chart)), Catch::StartsWith("<svg"));
  // The report's own recipe gives the same model again.
  const auto again = prosparse::read_recipe(test::read_bytes(folder.file("run/recipe.json")), "recipe.json");
  CHECK(again == r);
  const auto repeated = prosparse::run(m, text, again, {.team = thread_team(1)}, stage);
  CHECK(repeated.report.after.loss == made.report.after.loss);
  CHECK(repeated.report.after.by_layer == made.report.after.by_layer);
  CHECK(repeated.report.history.size() == 60);
}

TEST_CASE("a run that was stopped goes on to the same bytes, on any number of threads", "[prosparse]") {
  QUIPU_NEEDS(test::golden_case(dense_case));
  test::temp_folder folder;
  const auto whole = carry_out({.folder = folder.file("whole")});
  CHECK(carry_out({.folder = folder.file("single"), .n_thread = 1}).report.after.loss == whole.report.after.loss);
  carry_out({.folder = folder.file("parts"), .stop_after = 7});
  const auto parts = carry_out({.folder = folder.file("parts"), .resume = true, .n_thread = 3});
  CHECK(parts.report.after.loss == whole.report.after.loss);
  check_same_files(folder, "whole", "parts");
  check_same_files(folder, "whole", "single");
  REQUIRE(parts.report.history.size() == whole.report.history.size());
  bool moved = false;
  for (std::size_t i = 0; i < whole.report.history.size(); ++i) {
    CHECK(parts.report.history[i].lambda == whole.report.history[i].lambda);
    CHECK(parts.report.history[i].n_dead == whole.report.history[i].n_dead);
    CHECK(parts.report.history[i].penalty == whole.report.history[i].penalty);
    moved = moved || (whole.report.history[i].lambda != 0 && whole.report.history[i].lambda != 0.5);
  }
  CHECK(moved);  // the controller did something
}

TEST_CASE("a sparse run killed at random moments ends with the same bytes", "[prosparse]") {
  QUIPU_NEEDS(test::golden_case(dense_case));
  test::temp_folder folder;
  prosparse::recipe r = small_recipe();
  r.n_step = 30;
  r.save_every = 2;
  const sparse_run job{.folder = folder.file("killed"), .resume = true, .pause_ms = 4};
  CHECK(test::kill_at_random(10, 140, job.folder, [&] { carry_out(job, r); }) == 10);
  carry_out(job, r);
  carry_out({.folder = folder.file("alone")}, r);
  check_same_files(folder, "killed", "alone");
}

TEST_CASE("a run is resumed only as the one that it was", "[prosparse]") {
  QUIPU_NEEDS(test::golden_case(dense_case));
  test::temp_folder folder;
  const std::string run = folder.file("run");
  carry_out({.folder = run, .stop_after = 5});
  const std::string before = test::read_bytes(run + "/last.safetensors");
  CHECK_THROWS_AS(carry_out({.folder = run}), quipu::config_error);
  prosparse::recipe other = small_recipe();
  other.lambda.target = 0.5;
  CHECK_THROWS_WITH(carry_out({.folder = run, .resume = true}, other), Catch::Contains("lambda"));
  other = small_recipe();
  other.regulariser = "l1_gate";
  CHECK_THROWS_WITH(carry_out({.folder = run, .resume = true}, other), Catch::Contains("regulariser"));
  other = small_recipe();
  other.activation = "drelu";
  CHECK_THROWS_WITH(carry_out({.folder = run, .resume = true}, other), Catch::Contains("activation"));
  other = small_recipe();
  other.dead_after = 4;
  CHECK_THROWS_WITH(carry_out({.folder = run, .resume = true}, other), Catch::Contains("dead"));
  CHECK(test::read_bytes(run + "/last.safetensors") == before);
}

TEST_CASE("runs that cannot be are refused before any work", "[prosparse]") {
  QUIPU_NEEDS(test::golden_case(dense_case));
  test::temp_folder folder;
  const auto m = dense_model();
  const auto text = random_corpus(m.config().n_vocab);
  int n_step = 0;
  prosparse::run_options o{.folder = folder.file("run"), .team = thread_team(1)};
  o.progress = [&](const train::step_report&) { return ++n_step > 0; };
  const auto complaint = [&](const prosparse::corpus& c, const prosparse::recipe& r, const prosparse::run_options& options) -> std::string {
    try {
      static_cast<void>(prosparse::run(m, c, r, options));
    } catch (const quipu::error& e) {
      return e.what();
    }
    return "none";
  };
  prosparse::corpus shorter = text;
  shorter.training.resize(11);
  CHECK_THAT(complaint(shorter, small_recipe(), o), Catch::Contains("training text") && Catch::Contains("12 tokens") && Catch::Contains("11"));
  shorter = text;
  shorter.validation.clear();
  CHECK_THAT(complaint(shorter, small_recipe(), o), Catch::Contains("validation text"));
  prosparse::recipe r = small_recipe();
  r.activation = "swoosh";
  CHECK_THAT(complaint(text, r, o), Catch::Contains("swoosh"));
  r = small_recipe();
  r.n_token = m.config().n_ctx + 1;
  CHECK_THAT(complaint(text, r, o), Catch::Contains("n_ctx"));
  r = small_recipe();
  r.lambda = {.kind = "stages", .ends = {9, 4}, .factors = {0, 1}};
  CHECK_THAT(complaint(text, r, o), Catch::Contains("more than 9"));
  prosparse::run_options blocked = o;
  blocked.folder = folder.write("in_the_way", "mine") + "/run";
  CHECK_THAT(complaint(text, small_recipe(), blocked), Catch::Contains("in_the_way"));
  CHECK(n_step == 0);
  CHECK_FALSE(std::filesystem::exists(folder.file("run")));
}

TEST_CASE("a user's own regulariser and lambda train", "[prosparse]") {
  QUIPU_NEEDS(test::golden_case(dense_case));
  struct every_other {
    double operator()(std::size_t t) const { return t % 2 == 0 ? 1 : 0; }
  };
  const auto m = prosparse::substitute<activation::relu>(dense_model());
  std::vector<double> lambdas, penalties;
  prosparse::train_options<l2_hidden, every_other> o;
  o.n_step = 6;
  o.n_token = 11;
  o.batch_size = 2;
  o.team = thread_team(2);
  o.progress = [&](const train::step_report& report) {
    lambdas.push_back(report.fields["lambda"].get<double>());
    penalties.push_back(report.fields["penalty"].get<double>());
    return true;
  };
  const auto made = prosparse::train(m, random_corpus(m.config().n_vocab), o);
  CHECK(made.result.step == 6);
  CHECK(lambdas == std::vector<double>{0, 1, 0, 1, 0, 1});
  for (const double p : penalties) CHECK(p > 0);
  // The form that is written in place.
  const auto short_run = prosparse::train(m, random_corpus(m.config().n_vocab),
                                          {.regulariser = sparsity::l1_hidden{}, .lambda = schedule::prosparse_7b(), .n_step = 2, .n_token = 11});
  CHECK(short_run.result.step == 2);
}
