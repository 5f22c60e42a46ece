#include <quipu/conpet/learner_files.hpp>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <quipu/conpet/evaluate.hpp>
#include <quipu/conpet/learner_parts.hpp>
#include <quipu/conpet/methods/any_method.hpp>
#include <quipu/conpet/static_learner_files.hpp>
#include <quipu/conpet/static_tuner.hpp>
#include <quipu/core/error.hpp>
#include <quipu/replay/random_sampling.hpp>

#include "conpet/small_streams.hpp"
#include "support/json_file.hpp"
#include "support/temp_folder.hpp"

using namespace quipu;

namespace {

using saved_tuner = conpet::dynamic_tuner<decltype(test::stories()), replay::reservoir>;

conpet::tuner_options with_budget() {
  auto options = test::short_training();
  options.training.n_step = 20;
  options.storage.n_example = 30;
  return options;
}

std::map<std::string, std::string> all_files(const std::filesystem::path& folder) {
  std::map<std::string, std::string> all;
  for (const auto& e : std::filesystem::recursive_directory_iterator(folder)) {
    if (e.is_regular_file()) all[std::filesystem::relative(e.path(), folder).string()] = test::read_bytes(e.path());
  }
  return all;
}

}  // namespace

TEST_CASE("a learner that is saved, read and taught on is the one that was never stopped, byte for byte", "[conpet][learner_files]") {
  QUIPU_NEEDS(test::stories_folder());
  const auto stream = test::word_stream(3, 2);
  const test::temp_folder folder;
  const auto one = folder.path() / "one", two = folder.path() / "two";
  saved_tuner whole(test::stories(), test::small_lora(), with_budget());
  for (const auto& task : stream) {
    whole.learn(task);
    conpet::save_learner(one, whole);
  }
  for (const auto& task : stream) {  // a new process for every task
    saved_tuner part(test::stories(), test::small_lora(), with_budget());
    if (std::filesystem::exists(two)) conpet::load_learner(two, part);
    part.learn(task);
    conpet::save_learner(two, part);
  }
  CHECK(all_files(one) == all_files(two));
  CHECK(all_files(one).count("modules/02/adapter_model.safetensors") == 1);
  CHECK(all_files(one).size() == 1 + 3 * 3 + 4);  // no state of before is left

  saved_tuner read(test::stories(), test::small_lora(), with_budget());
  conpet::load_learner(one, read);
  for (const auto& task : stream) {
    for (const auto& t : task.test) {
      const auto a = whole.predict(t.text), b = read.predict(t.text);
      CHECK(a.label == b.label);
      CHECK(a.probability == Approx(b.probability).epsilon(1e-9));
      CHECK(whole.logits(t.text, task.name) == read.logits(t.text, task.name));
    }
  }
}

TEST_CASE("folders that are no learner of this kind are refused, and the learner stays as it was", "[conpet][learner_files]") {
  QUIPU_NEEDS(test::stories_folder());
  const auto stream = test::word_stream(1, 2);
  const test::temp_folder folder;
  const auto path = folder.path() / "learner";
  saved_tuner tuner(test::stories(), test::small_lora(), with_budget());
  tuner.learn(stream.tasks[0]);
  conpet::save_learner(path, tuner);
  const auto good = test::read_json(path / "learner.json");
  const auto refused = [&](auto&& change, const char* words) {
    auto json = good;
    change(json);
    std::ofstream(path / "learner.json") << json.dump();
    saved_tuner other(test::stories(), test::small_lora(), with_budget());
    CHECK_THROWS_WITH(conpet::load_learner(path, other), Catch::Contains(words));
    CHECK(other.size() == 0);
  };
  refused([](auto& j) { j["schema"] = 2; }, "at most 1");
  refused([](auto& j) { j["kind"] = "static"; }, "'static'");
  refused([](auto& j) { j["made_of"]["base"] = "0123456789abcdef"; }, "made_of.base");
  refused([](auto& j) { j["made_of"]["selector"] = "another"; }, "made_of.selector");
  refused([](auto& j) { j["tasks"][0]["folder"] = "modules/07"; }, "modules/07");
  refused([](auto& j) { j["tasks"][0]["key"] = "0123456789abcdef"; }, "its files were changed");
  refused([](auto& j) { j["state"] = "state-9"; }, "state-9");
  refused([](auto& j) { j.erase("n_learned"); }, "n_learned");
  std::ofstream(path / "learner.json") << good.dump();
  auto options = with_budget();
  options.seed = 4;
  saved_tuner other(test::stories(), test::small_lora(), options);
  CHECK_THROWS_WITH(conpet::load_learner(path, other), Catch::Contains("made_of.seed"));
  CHECK_THROWS_AS(conpet::load_learner(folder.path() / "nowhere", other), io_error);
}

namespace {

using saved_static = conpet::static_tuner<decltype(test::stories()), replay::reservoir, conpet::any_method>;

}  // namespace

TEST_CASE("a learner with one module that is saved, read and taught on is the one that was never stopped", "[conpet][learner_files]") {
  QUIPU_NEEDS(test::stories_folder());
  const auto stream = test::word_stream(3, 2, 10);
  auto options = with_budget();
  options.training.n_step = 8;
  const conpet::any_method methods[] = {{conpet::plain{}}, {conpet::ea_emr{}}, {conpet::emar{.n_round_step = 3}}, {conpet::crl{}},
                                        {conpet::ewc{}}, {conpet::ewc{.online = true}}, {conpet::der_plus_plus{}}, {conpet::o_lora{}}};
  for (const auto& method : methods) {
    INFO(method.identity());
    const test::temp_folder folder;
    const auto one = folder.path() / "one", two = folder.path() / "two";
    saved_static whole(test::stories(), test::small_lora(), options, method);
    for (const auto& task : stream) {
      whole.learn(task);
      conpet::save_learner(one, whole);
    }
    for (const auto& task : stream) {  // a new process for every task
      saved_static part(test::stories(), test::small_lora(), options, method);
      if (std::filesystem::exists(two)) conpet::load_learner(two, part);
      part.learn(task);
      conpet::save_learner(two, part);
    }
    const auto files = all_files(one);
    CHECK(files == all_files(two));
    CHECK(files.count("modules/03/adapter_model.safetensors") == 1);
    CHECK(files.count("modules/02/adapter_model.safetensors") == 0);  // no state of before is left
    saved_static read(test::stories(), test::small_lora(), options, method);
    conpet::load_learner(one, read);
    for (const auto& t : stream.tasks[0].test) {
      const auto a = whole.predict(t.text), b = read.predict(t.text);
      CHECK(a.label == b.label);
      CHECK(a.probability == b.probability);
    }
  }
}

TEST_CASE("folders of another learner with one module are refused", "[conpet][learner_files]") {
  QUIPU_NEEDS(test::stories_folder());
  const auto stream = test::word_stream(1, 2, 10);
  const test::temp_folder folder;
  const auto path = folder.path() / "learner";
  auto options = with_budget();
  options.training.n_step = 3;
  const conpet::any_method method{conpet::ewc{}};
  saved_static tuner(test::stories(), test::small_lora(), options, method);
  tuner.learn(stream.tasks[0]);
  conpet::save_learner(path, tuner);
  const auto good = test::read_json(path / "learner.json");
  const auto refused = [&](auto&& change, const char* words) {
    auto json = good;
    change(json);
    std::ofstream(path / "learner.json") << json.dump();
    saved_static other(test::stories(), test::small_lora(), options, method);
    CHECK_THROWS_WITH(conpet::load_learner(path, other), Catch::Contains(words));
    CHECK(other.size() == 0);
    CHECK(other.core().memory.size() == 0);
  };
  refused([](auto& j) { j["kind"] = "dynamic"; }, "'dynamic'");
  refused([](auto& j) { j["made_of"]["method"] = "gem"; }, "made_of.method");
  refused([](auto& j) { j["key"] = "0123456789abcdef"; }, "its files were changed");
  refused([](auto& j) { j["folder"] = "modules/07"; }, "modules/07");
  refused([](auto& j) { j["arrays"].erase(0); }, "an array 'fisher-0");
  refused([](auto& j) { j["arrays"].push_back("more"); }, "method-more.npy");
  refused([](auto& j) { j["tasks"][0]["classes"].push_back("one too many"); }, "classifier");
  saved_tuner dynamic(test::stories(), test::small_lora(), with_budget());
  std::ofstream(path / "learner.json") << good.dump();
  CHECK_THROWS_WITH(conpet::load_learner(path, dynamic), Catch::Contains("'static'"));
}

TEST_CASE("one module for all tasks keeps the old ones by replay, and loses them without", "[conpet][static_tuner]") {
  QUIPU_NEEDS(test::stories_folder());
  const auto stream = test::word_stream(3, 2);
  const auto run = [&](auto tuner) {
    conpet::learn_stream(tuner, stream, [](std::size_t, const conpet::evaluation&) {});
    return conpet::evaluate(tuner, stream);
  };
  using model = decltype(test::stories());
  const auto replayed = run(conpet::static_tuner<model>(test::stories(), test::small_lora(), test::short_training()));
  const auto sequential = run(conpet::static_tuner<model, replay::none>(test::stories(), test::small_lora(), test::short_training()));
  conpet::static_tuner<model> joint(test::stories(), test::small_lora(), test::short_training());
  joint.learn_jointly(stream.tasks);
  const auto bound = conpet::evaluate(joint, stream);
  CHECK(*replayed.whole() > 0.8);
  CHECK(*bound.whole() > 0.8);
  CHECK(*sequential.tasks[2].rate() > 0.8);
  CHECK(*sequential.tasks[0].rate() + *sequential.tasks[1].rate() < *replayed.tasks[0].rate() + *replayed.tasks[1].rate());
  CHECK(joint.size() == 3);
  CHECK(joint.n_class() == 6);
  CHECK(conpet::parameters_of(joint).heads == 6 * (joint.core().config().d_model + 1));
}

TEST_CASE("an evaluation counts what single answers say", "[conpet][evaluate]") {
  QUIPU_NEEDS(test::stories_folder());
  auto stream = test::word_stream(2, 2);
  auto options = test::short_training();
  options.training.n_step = 15;
  conpet::dynamic_tuner<decltype(test::stories())> tuner(test::stories(), test::small_lora(), options);
  CHECK_THROWS_WITH(conpet::evaluate(tuner, stream), Catch::Contains("a learned task"));
  std::vector<std::size_t> learned;
  conpet::learn_stream(tuner, stream, [&](std::size_t t, const conpet::evaluation& e) {
    learned.push_back(t);
    CHECK(e.tasks.size() == t + 1);
  });
  CHECK(learned == std::vector<std::size_t>{0, 1});
  const auto e = conpet::evaluate(tuner, stream);
  for (std::size_t t = 0; t < 2; ++t) {
    std::size_t right = 0, selected = 0;
    for (const auto& one : stream.tasks[t].test) {
      const auto a = tuner.predict(one.text);
      right += a.label == stream.tasks[t].classes[one.label] ? 1 : 0;
      selected += a.task == stream.tasks[t].name ? 1 : 0;  // one module looks: the answer's task is the selector's
    }
    CHECK(e.tasks[t].hits == right);
    CHECK(e.selected[t].hits == selected);
  }
  CHECK(e.confusion.of_class(1).trials == 6);
  const auto n = conpet::parameters_of(tuner);
  CHECK(n.heads == 4 * (tuner.core().config().d_model + 1));
  CHECK(n.auxiliary == 0);
  stream.foreign_test = {"stocks fell", "parliament votes"};
  CHECK(conpet::foreign_auroc(tuner, stream).has_value());
  stream.tasks[0].classes[0] = "renamed";
  CHECK_THROWS_WITH(conpet::evaluate(tuner, stream), Catch::Contains("that were learned"));
}
