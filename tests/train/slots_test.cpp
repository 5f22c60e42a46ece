#include <quipu/train/trainer.hpp>


#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/core/random.hpp>
#include <quipu/llama/module_hooks.hpp>
#include <quipu/pet/linear_head.hpp>
#include <quipu/pet/lora.hpp>
#include <quipu/train/classification.hpp>

#include "support/kills.hpp"
#include "support/temp_folder.hpp"
#include "support/training.hpp"

namespace llama = quipu::llama;
namespace optim = quipu::optim;
namespace pet = quipu::pet;
namespace test = quipu::test;
namespace train = quipu::train;
using quipu::matrix_view;
using quipu::thread_team;
using quipu::token_id;

namespace {

constexpr const char* slots_case = "gqa_tied_odd";

std::string file_bytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  REQUIRE(in);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<token_id> random_tokens(std::size_t n, std::size_t n_vocab, std::uint64_t seed) {
  quipu::random_stream random(seed);
  std::vector<token_id> tokens(n);
  for (token_id& t : tokens) t = static_cast<token_id>(random.below(static_cast<std::uint32_t>(n_vocab)));
  return tokens;
}

train::token_windows random_windows(std::size_t n_vocab, std::size_t n = 400) {
  return {random_tokens(n, n_vocab, 4), 17};
}

/// Short sequences with a class each.
template <class Scalar>
struct labelled_sequences {
  std::vector<std::vector<token_id>> sequences;
  const pet::linear_head<Scalar>* head = nullptr;

  labelled_sequences(std::size_t n, std::size_t n_vocab, const pet::linear_head<Scalar>* h = nullptr) : head(h) {
    for (std::size_t i = 0; i < n; ++i) sequences.push_back(random_tokens(4 + i % 3, n_vocab, 20 + i));
  }
  [[nodiscard]] std::size_t size() const { return sequences.size(); }
  [[nodiscard]] std::size_t longest() const { return 6; }
  void add(std::size_t i, llama::training_batch& batch) const { batch.add(sequences[i], {}); }
  [[nodiscard]] std::int64_t label(std::size_t i) const { return static_cast<std::int64_t>(i % 3); }
  [[nodiscard]] llama::classified_row<Scalar> classified(std::size_t i, std::size_t n_row) const {
    return {0, n_row - 1, head, label(i)};
  }
};

/// An objective between sequences, with no more than the role asks: last rows of one class are drawn together, of
/// two classes pushed apart, log(1 + exp(-sign <a, b>)) over all pairs of a batch.
struct contrastive {
  struct batch_type : llama::training_batch {
    using llama::training_batch::training_batch;
    std::vector<std::int64_t> classes;
  };
  std::size_t n_step = 0;

  [[nodiscard]] std::string identity() const { return "contrastive"; }
  template <class Source>
  void add(const Source& source, std::size_t i, batch_type& batch) const {
    source.add(i, batch);
    batch.classes.push_back(source.label(i));
  }
  [[nodiscard]] double weight(const batch_type& batch) const {
    const auto n = static_cast<double>(batch.classes.size());
    return n * (n - 1) / 2;
  }
  void begin_step(const train::step_plan& plan) { n_step = plan.step + 1; }
  template <class Pass, class Hooks, class Gradients>
  llama::loss_sum step(Pass& pass, const batch_type& batch, double divisor, Hooks& hooks, const Gradients& g) const {
    using scalar = typename Pass::scalar_type;
    const auto hidden = pass.forward(batch, hooks);
    std::vector<scalar> memory(hidden.rows() * hidden.cols());
    const matrix_view<scalar> d_hidden(memory.data(), hidden.rows(), hidden.cols());
    const llama::loss_sum total = pairs(
        hidden, batch,
        [&](const scalar* a, const scalar* b, scalar* da, scalar* db, double slope) {
          for (std::size_t j = 0; j < hidden.cols(); ++j) {
            da[j] += static_cast<scalar>(slope / divisor) * b[j];
            db[j] += static_cast<scalar>(slope / divisor) * a[j];
          }
        },
        d_hidden);
    pass.backward(batch, d_hidden, hooks, g);
    return total;
  }
  template <class Pass, class Hooks>
  llama::loss_sum loss(Pass& pass, const batch_type& batch, Hooks& hooks) const {
    using scalar = typename Pass::scalar_type;
    return pairs(
        pass.evaluate(batch, hooks), batch, [](auto...) {}, matrix_view<scalar>());
  }

 private:
  template <class Rows, class F, class Gradient>
  llama::loss_sum pairs(const Rows& hidden, const batch_type& batch, F&& f, Gradient d_hidden) const {
    llama::loss_sum total;
    const auto last = [&](std::size_t i) { return batch.segments()[i].first_row + batch.segments()[i].n_row - 1; };
    for (std::size_t i = 0; i < batch.classes.size(); ++i) {
      for (std::size_t k = 0; k < i; ++k) {
        const auto *a = hidden.row(last(i)), *b = hidden.row(last(k));
        const double sign = batch.classes[i] == batch.classes[k] ? 0.05 : -0.05;
        double product = 0;
        for (std::size_t j = 0; j < hidden.cols(); ++j)
          product += static_cast<double>(a[j]) * static_cast<double>(b[j]);
        const double e = std::exp(-sign * product);
        total.sum += std::log1p(e);
        total.weight += 1;
        ++total.n_counted;
        if (!d_hidden.empty()) f(a, b, d_hidden.row(last(i)), d_hidden.row(last(k)), -sign * e / (1 + e));
      }
    }
    return total;
  }
};
static_assert(train::objective<contrastive> && train::step_observer<contrastive>);

/// The language model's, but its first validations of three sequences are no numbers.
struct late_numbers : train::language_modelling {
  std::size_t n_nan = 6;

  template <class Pass, class Hooks>
  llama::loss_sum loss(Pass& pass, const batch_type& batch, Hooks& hooks) {
    llama::loss_sum total = train::language_modelling::loss(pass, batch, hooks);
    if (n_nan > 0) {
      --n_nan;
      total.sum = std::numeric_limits<double>::quiet_NaN();
    }
    return total;
  }
};

/// Half of a batch from the newer half of the source, half from the older one, which counts twice.
struct replay_mix {
  [[nodiscard]] std::string identity() const { return "replay_mix"; }
  void fill(const train::order_place& place, std::span<train::ordered_example> examples) const {
    quipu::random_stream random(place.seed, place.step);
    const auto half = static_cast<std::uint32_t>(place.n_example / 2);
    for (std::size_t i = 0; i < examples.size(); ++i) {
      examples[i] = i % 2 == 0 ? train::ordered_example{half + random.below(half)}
                               : train::ordered_example{random.below(half), 2.0};
    }
  }
};
static_assert(train::batch_order<replay_mix>);

/// Counts the rows of the steps, and moves a rate with the loss: what it says next depends on all that was before.
struct controller {
  double rate = 1;
  std::vector<float> history = std::vector<float>(8);
  std::size_t n_row = 0;

  void begin_step(const train::step_plan& plan) { n_row += plan.n_row; }
  void step_done(const train::step_report& report, nlohmann::ordered_json& fields) {
    rate *= report.loss > 2 ? 1.1 : 1 / 1.3;
    history[report.step % history.size()] = static_cast<float>(report.loss * rate);
    fields["rate"] = rate;
    fields["n_row"] = n_row;
  }
  [[nodiscard]] nlohmann::json state() const { return {{"rate", rate}, {"n_row", n_row}}; }
  void restore(const nlohmann::json& saved) {
    const double found = saved.at("rate").get<double>();
    n_row = saved.at("n_row").get<std::size_t>();
    rate = found;
  }
  std::vector<optim::state_array> arrays() { return {{"history", std::as_writable_bytes(std::span(history))}}; }
};
static_assert(train::companion<controller> && train::has_state_arrays<controller>);

/// No more than the role asks.
struct silent_companion {
  void step_done(const train::step_report&, nlohmann::ordered_json&) {}
  [[nodiscard]] nlohmann::json state() const { return nullptr; }
  void restore(const nlohmann::json&) {}
};
static_assert(train::companion<silent_companion> && !train::step_observer<silent_companion>);

/// L1 on the FFN's hidden values: the mean over the rows of the whole step and the neurons, summed over layers.
template <class Scalar>
struct l1_hooks : llama::no_training_hooks {
  double lambda = 0.3;
  double share = 0;  // of one entry in the step
  double penalty = 0;
  std::size_t d_ffn = 1;

  void begin_step(const train::step_plan& plan) {
    share = 1 / static_cast<double>(plan.n_row * d_ffn);
    penalty = 0;
  }
  static constexpr bool reads_hidden(std::size_t) noexcept { return true; }
  void ffn_hidden_backward(std::size_t, std::span<const llama::row_segment>, matrix_view<const Scalar> h,
                           matrix_view<Scalar> dh) {
    for (std::size_t t = 0; t < h.rows(); ++t) {
      for (std::size_t i = 0; i < h.cols(); ++i) {
        penalty += lambda * share * std::abs(static_cast<double>(h(t, i)));
        dh(t, i) += static_cast<Scalar>(lambda * share * ((h(t, i) > 0) - (h(t, i) < 0)));
      }
    }
  }
};
static_assert(train::step_observer<l1_hooks<float>>);

struct slot_run {
  std::string folder;
  std::size_t n_step = 12;
  bool resume = false;
  std::size_t n_thread = 2;
  std::size_t save_every = 3;
  std::size_t stop_after = 0;
  int pause_ms = 0;
};

/// A run with an order of its own and a controller; gives the values at its end.
std::vector<float> run_with_slots(const slot_run& s, controller* seen = nullptr) {
  const auto m = test::exact_model<float>(slots_case);
  llama::training_pass pass(m, thread_team(s.n_thread));
  pet::lora::module<float> module({.rank = 4, .dropout = 0.1}, m.config(), 3);
  llama::module_hooks hooks(module, pass.workspace());
  train::trainer_options options{.n_step = s.n_step,
                                 .batch_size = 2,
                                 .n_accumulate = 2,
                                 .seed = 11,
                                 .validate_every = 4,
                                 .save_every = s.save_every,
                                 .folder = s.folder,
                                 .resume = s.resume};
  options.progress = [&](const train::step_report& r) {
    if (s.pause_ms > 0) std::this_thread::sleep_for(std::chrono::milliseconds(s.pause_ms));
    return s.stop_after == 0 || r.step < s.stop_after;
  };
  double now = 0;
  options.clock = [&now] { return now += 1; };
  train::trainer trainer(pass, module.parameters(), {}, optim::adamw{.learning_rate = 1e-2},
                         quipu::schedule::constant{}, options, {}, train::language_modelling{}, replay_mix{});
  controller companion;
  silent_companion other;
  trainer.attach("controller", companion);
  trainer.attach("other", other);
  static_cast<void>(trainer.run(random_windows(m.config().n_vocab), hooks, random_windows(m.config().n_vocab, 60)));
  if (seen != nullptr) *seen = companion;
  std::vector<float> values;
  for (const auto& p : module.parameters()) values.insert(values.end(), p.value, p.value + p.size());
  return values;
}

}  // namespace

TEST_CASE("an order and companions of a user's go on where a run was stopped", "[train]") {
  QUIPU_NEEDS(test::golden_case(slots_case));
  test::temp_folder folder;
  controller whole, parts;
  const auto values = run_with_slots({.folder = folder.file("whole")}, &whole);
  CHECK(run_with_slots({.folder = folder.file("single"), .n_thread = 1}) == values);
  run_with_slots({.folder = folder.file("parts"), .stop_after = 7});
  CHECK(run_with_slots({.folder = folder.file("parts"), .resume = true}, &parts) == values);
  CHECK(parts.rate == whole.rate);
  CHECK(parts.n_row == whole.n_row);
  CHECK(parts.history == whole.history);
  CHECK(whole.rate != 1);
  for (const char* file : {"/last.safetensors", "/best.safetensors"})
    CHECK(file_bytes(folder.file("whole") + file) == file_bytes(folder.file("parts") + file));
  std::ifstream log(folder.file("parts") + "/log.jsonl");
  std::string line, last;
  std::size_t n_line = 0;
  while (std::getline(log, line)) {
    last = line;
    ++n_line;
  }
  CHECK(n_line == 12);
  CHECK(nlohmann::json::parse(last)["rate"] == whole.rate);
  CHECK(nlohmann::json::parse(last)["n_row"] == whole.n_row);
}

TEST_CASE("a run with companions killed at random moments ends with the same bytes", "[train]") {
  QUIPU_NEEDS(test::golden_case(slots_case));
  test::temp_folder folder;
  const slot_run job{.folder = folder.file("killed"), .n_step = 30, .resume = true, .save_every = 2, .pause_ms = 4};
  CHECK(test::kill_at_random(5, 120, job.folder, [&] { run_with_slots(job); }) == 5);
  controller killed, alone;
  const auto values = run_with_slots(job, &killed);
  CHECK(run_with_slots({.folder = folder.file("alone"), .n_step = 30, .save_every = 2}, &alone) == values);
  CHECK(killed.rate == alone.rate);
  CHECK(killed.history == alone.history);
  for (const char* file : {"/last.safetensors", "/best.safetensors"})
    CHECK(file_bytes(folder.file("killed") + file) == file_bytes(folder.file("alone") + file));
}

TEST_CASE("a checkpoint of other slots is refused and changes nothing", "[train]") {
  QUIPU_NEEDS(test::golden_case(slots_case));
  test::temp_folder folder;
  const std::string run = folder.file("run");
  run_with_slots({.folder = run, .n_step = 4});
  const auto m = test::exact_model<float>(slots_case);
  llama::training_pass pass(m, thread_team(1));
  pet::lora::module<float> module({.rank = 4, .dropout = 0.1}, m.config(), 3);
  const std::vector<float> before(module.parameters()[0].value,
                                  module.parameters()[0].value + module.parameters()[0].size());
  llama::module_hooks hooks(module, pass.workspace());
  const auto source = random_windows(m.config().n_vocab), held_out = random_windows(m.config().n_vocab, 60);
  const train::trainer_options options{.n_step = 8,
                                       .batch_size = 2,
                                       .n_accumulate = 2,
                                       .seed = 11,
                                       .validate_every = 4,
                                       .folder = run,
                                       .resume = true};
  const optim::adamw adamw{.learning_rate = 1e-2};
  {
    train::trainer other_order(pass, module.parameters(), {}, adamw, quipu::schedule::constant{}, options);
    CHECK_THROWS_WITH(other_order.run(source, hooks, held_out), Catch::Contains("found 'order' 'replay_mix'"));
  }
  train::trainer trainer(pass, module.parameters(), {}, adamw, quipu::schedule::constant{}, options, {},
                         train::language_modelling{}, replay_mix{});
  CHECK_THROWS_WITH(trainer.run(source, hooks, held_out), Catch::Contains("companion"));
  controller one, two;
  trainer.attach("controller", one);
  CHECK_THROWS_WITH(trainer.run(source, hooks, held_out), Catch::Contains("companion.other"));
  silent_companion other;
  trainer.attach("other", other);
  CHECK_THROWS_AS(trainer.attach("other", two), quipu::config_error);
  CHECK_THROWS_AS(trainer.attach("", two), quipu::config_error);
  CHECK_THROWS_AS(trainer.attach("a.b", two), quipu::config_error);
  trainer.attach("third", two);
  CHECK_THROWS_WITH(trainer.run(source, hooks, held_out), Catch::Contains("third"));
  CHECK(std::equal(before.begin(), before.end(), module.parameters()[0].value));
  CHECK(one.rate == 1);
}

TEST_CASE("a companion's field must be new in the log", "[train]") {
  QUIPU_NEEDS(test::golden_case(slots_case));
  const auto m = test::exact_model<float>(slots_case);
  llama::training_pass pass(m, thread_team(1));
  pet::lora::module<float> module({.rank = 2}, m.config(), 3);
  llama::module_hooks hooks(module, pass.workspace());
  struct impostor : silent_companion {
    void step_done(const train::step_report&, nlohmann::ordered_json& fields) { fields["loss"] = 0; }
  } companion;
  train::trainer trainer(pass, module.parameters(), {}, optim::sgd{}, quipu::schedule::constant{},
                         train::trainer_options{.n_step = 1});
  trainer.attach("impostor", companion);
  CHECK_THROWS_WITH(trainer.run(random_windows(m.config().n_vocab), hooks),
                    Catch::Contains("impostor") && Catch::Contains("loss"));
}

TEST_CASE("weights of an order count like those of examples", "[train]") {
  QUIPU_NEEDS(test::golden_case(slots_case));
  const auto m = test::exact_model<double>(slots_case);
  const auto gradients_of = [&](auto order, bool weighted_source) {
    llama::training_pass pass(m, thread_team(1));
    pet::lora::module<double> module({.rank = 2}, m.config(), 3);
    llama::module_hooks hooks(module, pass.workspace());
    train::example_list list;
    for (std::size_t i = 0; i < 4; ++i) {
      const auto ids = random_tokens(6, m.config().n_vocab, i);
      list.push_back({ids, {ids.begin(), ids.end()}, weighted_source && i < 2 ? 2.5 : 1});
    }
    train::trainer trainer(pass, module.parameters(), {}, optim::sgd{.learning_rate = 0}, quipu::schedule::constant{},
                           train::trainer_options{.n_step = 1, .batch_size = 4, .shuffle = false}, {},
                           train::language_modelling{}, order);
    static_cast<void>(trainer.run(list, hooks));
    std::vector<double> all;
    for (const auto& p : module.parameters()) all.insert(all.end(), p.gradient, p.gradient + p.size());
    return all;
  };
  struct heavy_first {
    [[nodiscard]] std::string identity() const { return "heavy_first"; }
    void fill(const train::order_place&, std::span<train::ordered_example> examples) const {
      for (std::size_t i = 0; i < examples.size(); ++i) examples[i] = {i, i < 2 ? 2.5 : 1};
    }
  };
  CHECK(gradients_of(heavy_first{}, false) == gradients_of(train::epochs{}, true));
  CHECK(gradients_of(heavy_first{}, false) != gradients_of(train::epochs{}, false));
  struct beyond : heavy_first {
    void fill(const train::order_place& place, std::span<train::ordered_example> examples) const {
      for (auto& e : examples) e = {place.n_example};
    }
  };
  CHECK_THROWS_AS(gradients_of(beyond{}, false), quipu::config_error);
}

TEST_CASE("a penalty on hidden values is the same in one pass and in two", "[train]") {
  QUIPU_NEEDS(test::golden_case(slots_case));
  const auto m = test::exact_model<double>(slots_case);
  double penalties[2];
  const auto gradients_of = [&](std::size_t n_accumulate) {
    auto trainable = llama::thaw<double>(m);
    trainable.select(optim::name_pattern::all());
    llama::training_pass pass(trainable.model(), thread_team(2), llama::tape_depth::block_inputs);
    l1_hooks<double> hooks;
    hooks.d_ffn = m.config().d_ffn;
    train::trainer trainer(
        pass, trainable.parameters(), trainable.gradients(), optim::sgd{.learning_rate = 0},
        quipu::schedule::constant{},
        train::trainer_options{.n_step = 1, .batch_size = 8 / n_accumulate, .n_accumulate = n_accumulate});
    static_cast<void>(trainer.run(random_windows(m.config().n_vocab), hooks));
    penalties[n_accumulate - 1] = hooks.penalty;
    std::vector<double> all;
    for (const auto& p : trainable.parameters()) all.insert(all.end(), p.gradient, p.gradient + p.size());
    return all;
  };
  const auto one = gradients_of(1), two = gradients_of(2);
  REQUIRE(one.size() == two.size());
  CHECK(penalties[0] > 1e-3);
  CHECK(penalties[0] == Approx(penalties[1]).epsilon(1e-12));
  double worst = 0, largest = 0;
  for (std::size_t i = 0; i < one.size(); ++i) {
    worst = std::max(worst, std::abs(one[i] - two[i]));
    largest = std::max(largest, std::abs(one[i]));
  }
  CHECK(worst <= 1e-12 * largest);
}

TEST_CASE("an objective between sequences has the gradients of its loss", "[train]") {
  QUIPU_NEEDS(test::golden_case(slots_case));
  const auto m = test::exact_model<double>(slots_case);
  llama::training_pass pass(m, thread_team(2));
  pet::lora::module<double> module({.rank = 2}, m.config(), 3);
  quipu::random_stream random(8);
  for (const auto& p : module.parameters()) std::generate_n(p.value, p.size(), [&] { return 0.1 * random.normal(); });
  llama::module_hooks hooks(module, pass.workspace());
  const labelled_sequences<double> source(6, m.config().n_vocab);
  train::trainer trainer(pass, module.parameters(), {}, optim::sgd{.learning_rate = 0}, quipu::schedule::constant{},
                         train::trainer_options{.n_step = 2, .batch_size = 6}, {}, contrastive{});
  const auto result = trainer.run(source, hooks);
  CHECK(trainer.objective().n_step == 2);
  CHECK(result.loss == Approx(trainer.evaluate(source, hooks)).epsilon(1e-12));
  double worst = 0, largest = 0;
  for (const auto& p : module.parameters()) {
    const std::size_t i = p.size() / 2;
    const double kept = p.value[i];
    p.value[i] = kept + 1e-5;
    const double above = trainer.evaluate(source, hooks);
    p.value[i] = kept - 1e-5;
    const double below = trainer.evaluate(source, hooks);
    p.value[i] = kept;
    worst = std::max(worst, std::abs((above - below) / 2e-5 - p.gradient[i]));
    largest = std::max(largest, std::abs(p.gradient[i]));
  }
  CHECK(largest > 1e-4);
  CHECK(worst < 1e-6 * largest);
}

TEST_CASE("heads on rows train with their module and sort what they have seen", "[train]") {
  QUIPU_NEEDS(test::golden_case(slots_case));
  const auto m = test::exact_model<float>(slots_case);
  const auto run = [&](std::size_t n_accumulate, std::vector<float>& values) {
    llama::training_pass pass(m, thread_team(2));
    pet::lora::module<float> module({.rank = 4}, m.config(), 3);
    const pet::linear_head<float> head("score", 3, m.config().d_model, 5);
    llama::module_hooks hooks(module, pass.workspace());
    const labelled_sequences<float> source(12, m.config().n_vocab, &head);
    optim::parameter_set<float> all(module.parameters().begin(), module.parameters().end());
    all.insert(all.end(), head.parameters().begin(), head.parameters().end());
    train::trainer trainer(
        pass, all, {}, optim::adamw{.learning_rate = 2e-2}, quipu::schedule::constant{},
        train::trainer_options{.n_step = 60, .batch_size = 12 / n_accumulate, .n_accumulate = n_accumulate}, {},
        train::classification<float>{});
    const auto result = trainer.run(source, hooks, source);
    CHECK(result.loss < 0.1);
    llama::classifier<float> classifier;
    llama::training_batch batch;
    std::vector<llama::classified_row<float>> wanted;
    for (std::size_t i = 0; i < source.size(); ++i) {
      source.add(i, batch);
      wanted.push_back(source.classified(i, source.sequences[i].size()));
      wanted.back().sequence = i;
    }
    hooks.evaluate();
    const auto logits = classifier.logits(pass, batch, wanted, hooks);
    for (std::size_t i = 0; i < logits.size(); ++i) {
      CHECK(std::max_element(logits[i].begin(), logits[i].end()) - logits[i].begin() == source.label(i));
    }
    for (const auto& p : all) values.insert(values.end(), p.value, p.value + p.size());
  };
  std::vector<float> one, again, two;
  run(1, one);
  run(1, again);
  run(2, two);
  CHECK(one == again);
  CHECK(one != two);
}

TEST_CASE("a validation that gives no number is never the best one", "[train]") {
  QUIPU_NEEDS(test::golden_case(slots_case));
  const auto m = test::exact_model<float>(slots_case);
  llama::training_pass pass(m, thread_team(1));
  pet::lora::module<float> module({.rank = 2}, m.config(), 3);
  llama::module_hooks hooks(module, pass.workspace());
  const train::token_windows validation = random_windows(m.config().n_vocab, 49);
  REQUIRE(validation.size() == 3);
  std::vector<double> losses;
  train::trainer_options options{.n_step = 6, .batch_size = 2, .validate_every = 1};
  options.progress = [&](const train::step_report& r) {
    losses.push_back(r.validation_loss.value());
    return true;
  };
  train::trainer trainer(pass, module.parameters(), {}, optim::adamw{.learning_rate = 1e-2}, quipu::schedule::constant{},
                         options, {}, late_numbers{});
  const auto result = trainer.run(random_windows(m.config().n_vocab), hooks, validation);
  REQUIRE(losses.size() == 6);
  CHECK(std::isnan(losses[0]));
  CHECK_FALSE(std::isnan(losses[5]));
  double best = 1e9;
  for (const double loss : losses) best = std::isnan(loss) ? best : std::min(best, loss);
  CHECK(result.best_validation_loss == best);
}
