#include <quipu/llama/mixed_module_hooks.hpp>

#include <memory>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/llama/classifier.hpp>
#include <quipu/llama/session.hpp>
#include <quipu/pet/any_module.hpp>
#include <quipu/pet/module_set.hpp>
#include <quipu/pet/peft_folder.hpp>

#include "support/modules.hpp"
#include "support/training.hpp"

namespace quipu_mixed_test {

namespace llama = quipu::llama;
namespace optim = quipu::optim;
namespace pet = quipu::pet;
namespace test = quipu::test;
using quipu::thread_team;
using quipu::token_id;

namespace {

template <class Policy>
using module_of = typename Policy::template module<double>;

/// Sequences of different lengths.
std::vector<std::vector<token_id>> sequences(std::size_t n) {
  std::vector<std::vector<token_id>> all(n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t t = 0; t < 3 + 2 * i; ++t) all[i].push_back(static_cast<token_id>(3 + (7 * i + 5 * t) % 90));
  }
  return all;
}

using any = pet::any_module<double>;

/// n modules of one policy, as `Module`s, bound and shaken.
template <class Module, class Policy, class Model>
std::vector<std::shared_ptr<Module>> make_modules(const Model& m, std::size_t n, const Policy& policy) {
  std::vector<std::shared_ptr<Module>> all;
  for (std::size_t i = 0; i < n; ++i) {
    all.push_back(std::make_shared<Module>(module_of<Policy>(policy, m.config(), i)));
    llama::bind_base(*all.back(), m);
    test::shake(*all.back(), 0.2, i + 1);
  }
  return all;
}
template <class Model>
auto modules(const Model& m, std::size_t n, const pet::lora& policy) {
  return make_modules<module_of<pet::lora>>(m, n, policy);
}

template <class Module>
std::vector<std::vector<double>> gradients_of(const std::vector<std::shared_ptr<Module>>& all) {
  std::vector<std::vector<double>> found;
  for (const auto& m : all) {
    for (const auto& p : m->parameters()) found.emplace_back(p.gradient, p.gradient + p.size());
    optim::zero_gradients<double>(thread_team(1), m->parameters());
  }
  return found;
}

/// Loss and gradients of a mixed batch against those of each sequence on its own.
template <class Module, class Model>
void check_training(const Model& m, const std::vector<std::shared_ptr<Module>>& all, bool some_without) {
  const auto ids = sequences(all.size() + 2);
  std::vector<std::shared_ptr<Module>> chosen = all;
  chosen.push_back(all[0]);  // a second sequence of the first module, not beside the first
  chosen.push_back(some_without ? nullptr : all[1]);
  llama::training_pass pass(m, thread_team(2));
  std::size_t counted = 0;
  for (const auto& s : ids) counted += s.size() - 1;

  llama::training_batch mixed;
  llama::mixed_module_hooks<Module> hooks(chosen, pass.workspace());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const std::size_t n_virtual = hooks.n_virtual(i);
    mixed.add(ids[i], std::vector<std::int64_t>(ids[i].begin(), ids[i].end()), n_virtual,
              hooks.template prefix<double>(i).n_row);
    counted += n_virtual > 0;
  }
  REQUIRE(mixed.n_counted() == counted);
  gradients_of(all);
  const double together = pass.step(mixed, counted, hooks, {}).sum;
  const auto mixed_gradients = gradients_of(all);

  double apart = 0;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    llama::training_batch one;
    one.add(ids[i], std::vector<std::int64_t>(ids[i].begin(), ids[i].end()), hooks.n_virtual(i),
            hooks.template prefix<double>(i).n_row);
    if (chosen[i] == nullptr) {
      llama::no_training_hooks plain;
      apart += pass.loss(one, plain).sum;
      continue;
    }
    llama::module_hooks own(*chosen[i], pass.workspace());
    apart += pass.step(one, counted, own, {}).sum;
  }
  const auto loop_gradients = gradients_of(all);
  CHECK(together == Approx(apart).epsilon(1e-13));
  double worst = 0, largest = 0;
  for (std::size_t i = 0; i < loop_gradients.size(); ++i) {
    worst = std::max(worst, test::max_abs_difference(mixed_gradients[i], loop_gradients[i]));
    largest = std::max(largest, test::largest_of<double>(loop_gradients[i]));
  }
  CHECK(largest > 1e-4);
  CHECK(worst / largest < 1e-12);
}

}  // namespace

TEST_CASE("a mixed batch trains each module as it would alone", "[pet][mixed]") {
  QUIPU_NEEDS(test::golden_case("biased"));
  const auto m = test::exact_model<double>("biased");
  const auto everything = optim::name_pattern::all();
  const pet::lora low_rank{.rank = 3, .targets = everything};
  check_training(m, modules(m, 6, low_rank), true);   // all groups in one step
  check_training(m, modules(m, 2, low_rank), false);  // module by module
  check_training(m, make_modules<any>(m, 3, pet::dora{{.rank = 2, .targets = everything}}), true);
  check_training(m, make_modules<any>(m, 3, pet::bottleneck<>{.size = 4}), true);
  check_training(m, make_modules<any>(m, 2, pet::prefix{.n_virtual = 3, .deviation = 0.3}), true);
  check_training(m, make_modules<any>(m, 2, pet::prompt{.n_virtual = 2, .deviation = 0.3}), true);
}

TEST_CASE("one batch may mix kinds", "[pet][mixed]") {
  QUIPU_NEEDS(test::golden_case("biased"));
  const auto m = test::exact_model<double>("biased");
  const auto everything = optim::name_pattern::all();
  std::vector<std::shared_ptr<any>> all = make_modules<any>(m, 1, pet::lora{.rank = 3, .targets = everything});
  const auto add = [&](const auto& policy) { all.push_back(make_modules<any>(m, 1, policy)[0]); };
  add(pet::dora{{.rank = 2, .targets = everything}});
  add(pet::ia3{.targets = everything});
  add(pet::bitfit{});
  add(pet::prompt{.n_virtual = 2, .deviation = 0.3});
  add(pet::prefix{.n_virtual = 3, .deviation = 0.3});
  add(pet::bottleneck<>{.size = 4});
  check_training(m, all, true);
}

TEST_CASE("dropout works in mixed batches", "[pet][mixed]") {
  QUIPU_NEEDS(test::golden_case("biased"));
  const auto m = test::exact_model<double>("biased");
  const auto all = modules(m, 4, pet::lora{.rank = 2, .dropout = 0.4, .targets = optim::name_pattern::all()});
  const auto ids = sequences(4);
  llama::training_batch batch;
  for (const auto& s : ids) batch.add(s, std::vector<std::int64_t>(s.begin(), s.end()));
  llama::training_pass pass(m, thread_team(2));
  llama::mixed_module_hooks<module_of<pet::lora>> hooks(all, pass.workspace());
  const double plain = pass.loss(batch, hooks).sum;
  hooks.train(1);
  const double first = pass.loss(batch, hooks).sum;
  CHECK(first != plain);
  CHECK(pass.loss(batch, hooks).sum == first);
  hooks.train(2);
  CHECK(pass.loss(batch, hooks).sum != first);
}

TEST_CASE("sessions serve every sequence with its own module", "[pet][mixed]") {
  QUIPU_NEEDS(test::golden_case("gqa_tied_odd"));
  const auto m = test::exact_model<double>("gqa_tied_odd");
  auto all = modules(m, 5, pet::lora{.rank = 4, .targets = optim::name_pattern::all()});
  all.insert(all.begin() + 2, nullptr);
  const auto ids = sequences(all.size());
  llama::session s(m, thread_team(2), {.n_batch = 7});  // sequences end in different passes
  llama::mixed_module_hooks<module_of<pet::lora>> hooks(all, s.workspace());
  std::vector<llama::sequence_input<double>> inputs;
  for (const auto& sequence : ids) inputs.push_back({s.create(), sequence, {}, llama::logits_of::every_row});
  std::vector<std::vector<double>> mixed(ids.size());
  const auto collect = [](std::vector<std::vector<double>>& into) {
    return [&into](std::size_t input, std::size_t, std::span<const double> row) {
      into[input].insert(into[input].end(), row.begin(), row.end());
    };
  };
  s.run(inputs, collect(mixed), hooks);
  // One more token each: decoding reads the caches of all.
  const std::vector<token_id> next(ids.size(), 11);
  for (std::size_t i = 0; i < ids.size(); ++i) inputs[i].tokens = std::span(next).subspan(i, 1);
  s.run(inputs, collect(mixed), hooks);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    std::vector<std::vector<double>> own(1);
    auto whole = ids[i];
    whole.push_back(11);
    const llama::sequence_input<double> in{s.create(), whole, {}, llama::logits_of::every_row};
    if (all[i] == nullptr) {
      s.run({&in, 1}, collect(own));
    } else {
      llama::module_hooks one(*all[i], s.workspace());
      s.run({&in, 1}, collect(own), one);
    }
    CHECK(test::max_abs_difference(mixed[i], own[0]) < 1e-12);
  }
}

TEST_CASE("modules are attached, switched and detached by name", "[pet][mixed]") {
  QUIPU_NEEDS(test::golden_case("gqa_tied_odd"));
  const auto m = test::exact_model<double>("gqa_tied_odd");
  using module_type = module_of<pet::lora>;
  pet::module_set<module_type> set(m.config());
  for (const char* name : {"one", "two"}) set.attach(name, module_type({.rank = 2}, m.config(), 1));
  CHECK(set.size() == 2);
  CHECK(set.active() == nullptr);
  set.use("two");
  CHECK(set.active() == set.at("two"));
  CHECK_THROWS_WITH(set.use("three"), Catch::Matchers::Contains("three"));
  CHECK(set.active() == set.at("two"));
  CHECK_THROWS_AS(set.at("three"), quipu::config_error);
  CHECK_THROWS_AS(set.choose({"one", "three"}), quipu::config_error);
  CHECK_THROWS_AS(set.attach("one", module_type({.rank = 2}, m.config(), 1)), quipu::config_error);
  CHECK_THROWS_AS(set.attach("", module_type({.rank = 2}, m.config(), 1)), quipu::config_error);
  auto other = m.config();
  other.d_ffn += 1;
  CHECK_THROWS_AS(set.attach("wide", module_type({.rank = 2}, other, 1)), quipu::config_error);
  CHECK(set.choose({"one", "", "two"})[1] == nullptr);
  const auto kept = set.detach("two");
  CHECK(kept != nullptr);
  CHECK(set.active() == nullptr);
  CHECK_THROWS_AS(set.detach("two"), quipu::config_error);

  // Modules of other sizes and batches with more sequences than modules are refused before anything runs.
  llama::session s(m, thread_team(1));
  const std::vector<token_id> ids = {5, 6};
  const llama::sequence_input<double> in{s.create(), ids};
  module_type misfit({.rank = 2}, other, 1);
  llama::module_hooks hooks(misfit, s.workspace());
  CHECK_THROWS_AS(s.run({&in, 1}, [](auto, auto, auto) {}, hooks), quipu::config_error);
  llama::mixed_module_hooks<module_type> none({}, s.workspace());
  CHECK_THROWS_AS(s.run({&in, 1}, [](auto, auto, auto) {}, none), quipu::config_error);
  llama::training_pass pass(m, thread_team(1));
  llama::module_hooks training(misfit, pass.workspace());
  llama::training_batch batch;
  batch.add(ids, {});
  CHECK_THROWS_AS(pass.loss(batch, training), quipu::config_error);
  CHECK_THROWS_AS(llama::bind_base(misfit, m), quipu::config_error);
}

namespace {

template <class Scalar>
void check_classification() {
  QUIPU_NEEDS(test::golden_case("conpet_classification"));
  const test::golden golden("conpet_classification");
  const auto m = test::exact_model<Scalar>("gqa_tied_odd");
  auto module =
      pet::load_peft<pet::lora, Scalar>(golden.folder() / golden.json()["adapter"].get<std::string>(), m.config());
  pet::linear_head<Scalar> head("head", golden.shape("head.weight")[0], golden.shape("head.weight")[1], 1);
  for (const auto& p : head.parameters()) {
    const auto values = golden.values<Scalar>(p.name.substr(std::string("base_model.model.").size()));
    REQUIRE(values.size() == p.size());
    std::copy(values.begin(), values.end(), p.value);
  }
  const auto ids = golden.ids("ids");
  const auto positions = golden.values<std::int64_t>("position"), targets = golden.values<std::int64_t>("target");
  const std::size_t cols = golden.shape("ids")[1];
  llama::training_batch batch;
  std::vector<llama::classified_row<Scalar>> rows;
  for (std::size_t i = 0; i < positions.size(); ++i) {
    const auto length = golden.json()["lengths"][i].get<std::size_t>();
    batch.add(std::span(ids).subspan(i * cols, length), {});  // padding is left out
    rows.push_back({i, static_cast<std::size_t>(positions[i]), &head, targets[i]});
  }
  llama::training_pass pass(m, thread_team(2));
  llama::module_hooks hooks(module, pass.workspace());
  llama::classifier<Scalar> classify;
  std::vector<Scalar> logits;
  for (const auto& row : classify.logits(pass, batch, rows, hooks)) logits.insert(logits.end(), row.begin(), row.end());
  CHECK(test::max_abs_difference(logits, golden.values("logits")) < (sizeof(Scalar) == 8 ? 1e-10 : 1e-4));
  hooks.train(0);
  const auto loss = classify.step(pass, batch, rows, rows.size(), hooks, llama::weight_gradients<Scalar>());
  CHECK(loss.mean() ==
        Approx(golden.json()["loss"].template get<double>()).epsilon(sizeof(Scalar) == 8 ? 1e-12 : 1e-6));
  CHECK(classify.loss(pass, batch, rows, hooks).mean() == Approx(loss.mean()).epsilon(1e-6));
  const auto check = [&](const auto& p, const std::string& name) {
    INFO(name);
    CHECK(test::gradient_error<Scalar>({p.gradient, p.size()}, golden.values("grad." + name)) <
          test::allowed_error<Scalar>(golden, "grad." + name));
  };
  for (const auto& p : module.parameters()) check(p, p.name);
  for (const auto& p : head.parameters()) check(p, p.name.substr(std::string("base_model.model.").size()));
}

}  // namespace

TEST_CASE("ConPET's classification gives the golden logits and gradients", "[pet][mixed]") {
  check_classification<double>();
  check_classification<float>();
}

TEST_CASE("every sequence may have its own head", "[pet][mixed]") {
  QUIPU_NEEDS(test::golden_case("gqa_tied_odd"));
  const auto m = test::exact_model<double>("gqa_tied_odd");
  const auto all = modules(m, 4, pet::lora{.rank = 2});
  const auto ids = sequences(4);
  pet::linear_head<double> three("a", 3, m.config().d_model, 1), five("b", 5, m.config().d_model, 2);
  std::vector<llama::classified_row<double>> rows = {
      {0, 2, &three, 1}, {1, 1, &five, 4}, {2, 4, &three, 0}, {3, 0, &five, llama::ignored_label}};
  llama::training_batch batch;
  for (const auto& s : ids) batch.add(s, {});
  llama::training_pass pass(m, thread_team(2));
  llama::mixed_module_hooks<module_of<pet::lora>> hooks(all, pass.workspace());
  llama::classifier<double> classify;
  const auto together = classify.logits(pass, batch, rows, hooks);
  const auto loss = classify.step(pass, batch, rows, 3, hooks, llama::weight_gradients<double>());
  CHECK(loss.n_counted == 3);
  const auto mixed_gradients = gradients_of(all);
  const auto head_gradients = [&] {
    std::vector<double> found;
    for (auto* head : {&three, &five}) {
      for (const auto& p : head->parameters()) found.insert(found.end(), p.gradient, p.gradient + p.size());
      optim::zero_gradients<double>(thread_team(1), head->parameters());
    }
    return found;
  };
  const auto mixed_heads = head_gradients();
  double apart = 0;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    llama::training_batch one;
    one.add(ids[i], {});
    auto row = rows[i];
    row.sequence = 0;
    llama::module_hooks own(*all[i], pass.workspace());
    CHECK(test::max_abs_difference(classify.logits(pass, one, std::span(&row, 1), own)[0], together[i]) < 1e-12);
    apart += classify.step(pass, one, std::span(&row, 1), 3, own, llama::weight_gradients<double>()).sum;
  }
  CHECK(loss.sum == Approx(apart).epsilon(1e-13));
  const auto loop_gradients = gradients_of(all);
  for (std::size_t i = 0; i < loop_gradients.size(); ++i)
    CHECK(test::max_abs_difference(mixed_gradients[i], loop_gradients[i]) < 1e-13);
  CHECK(test::max_abs_difference(mixed_heads, head_gradients()) < 1e-13);

  // Central differences of the heads.
  static_cast<void>(classify.step(pass, batch, rows, 3, hooks, llama::weight_gradients<double>()));
  for (auto* head : {&three, &five}) {
    for (const auto& p : head->parameters()) {
      for (std::size_t i = 0; i < p.size(); i += 1 + p.size() / 5) {
        const double kept = p.value[i];
        p.value[i] = kept + 1e-5;
        const double above = classify.loss(pass, batch, rows, hooks).mean();
        p.value[i] = kept - 1e-5;
        const double below = classify.loss(pass, batch, rows, hooks).mean();
        p.value[i] = kept;
        CHECK(std::abs((above - below) / 2e-5 - p.gradient[i]) < 1e-8);
      }
    }
  }

  const auto grown = three.grown(4, 9);
  CHECK(std::equal(three.parameters()[0].value, three.parameters()[0].value + three.parameters()[0].size(),
                   grown.parameters()[0].value));
  CHECK(std::equal(three.bias(), three.bias() + 3, grown.bias()));
  CHECK_THROWS_AS(three.grown(2, 9), quipu::config_error);
  rows[0].target = 3;
  CHECK_THROWS_AS(classify.loss(pass, batch, rows, hooks), quipu::config_error);
  rows[0] = {0, 99, &three, 0};
  CHECK_THROWS_AS(classify.loss(pass, batch, rows, hooks), quipu::config_error);
  rows[0] = {0, 2, nullptr, 0};
  CHECK_THROWS_AS(classify.loss(pass, batch, rows, hooks), quipu::config_error);
  rows[0] = {3, 0, &five, 0};
  CHECK_THROWS_AS(classify.loss(pass, batch, rows, hooks), quipu::config_error);
}

}  // namespace quipu_mixed_test
