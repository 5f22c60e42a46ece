#include <quipu/conpet/dynamic_tuner.hpp>

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/core/error.hpp>
#include <quipu/replay/herding.hpp>
#include <quipu/replay/random_sampling.hpp>

#include "conpet/small_streams.hpp"

using namespace quipu;

namespace {

using stories_model = decltype(test::stories());
template <class... Policies>
using tuner_of = conpet::dynamic_tuner<stories_model, Policies...>;

template <class Tuner>
double share_right(Tuner& tuner, const data::task_stream& stream) {
  std::size_t right = 0, n = 0;
  for (const auto& task : stream) {
    for (const auto& t : task.test) {
      right += tuner.predict(t.text).label == task.classes[t.label] ? 1 : 0;
      ++n;
    }
  }
  return static_cast<double>(right) / static_cast<double>(n);
}

}  // namespace

TEST_CASE("a learner of tasks in turn tells all of their classes apart, and forgets nothing", "[conpet][dynamic_tuner]") {
  QUIPU_NEEDS(test::stories_folder());
  const auto stream = test::word_stream(3, 3);
  tuner_of<> tuner(test::stories(), test::small_lora(), test::short_training());
  std::vector<std::vector<float>> first;
  const auto logits_of_first = [&] {
    std::vector<std::vector<float>> all;
    for (const auto& t : stream.tasks[0].test) all.push_back(tuner.logits(t.text, stream.tasks[0].name));
    return all;
  };
  CHECK_THROWS_WITH(tuner.predict("too early"), Catch::Contains("none yet"));
  for (const auto& task : stream) {
    tuner.learn(task);
    if (first.empty()) first = logits_of_first();
  }
  CHECK(tuner.size() == 3);
  CHECK(logits_of_first() == first);  // bit for bit
  CHECK(share_right(tuner, stream) > 0.8);

  // Texts together, by themselves, with more modules: the same numbers of each task's own module.
  std::vector<data::labelled_text> texts;
  for (const auto& task : stream) texts.insert(texts.end(), task.test.begin(), task.test.end());
  const auto together = tuner.predict(texts);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto alone = tuner.predict(texts[i].text);
    CHECK(alone.label == together[i].label);
    CHECK(alone.probability == together[i].probability);
    CHECK(tuner.predict(texts[i].text, 3).probability <= 1);
  }
  CHECK_THROWS_WITH(tuner.predict("x", 4), Catch::Contains("at most 3"));
  CHECK_THROWS_AS(tuner.predict("caf\xE9"), format_error);

  // A task that is taken away: the others answer as before, and its name is free again.
  const auto kept = tuner.logits(texts.front().text, stream.tasks[0].name);
  tuner.forget(stream.tasks[1].name);
  CHECK(tuner.size() == 2);
  CHECK(tuner.logits(texts.front().text, stream.tasks[0].name) == kept);
  for (const auto& e : tuner.core().memory.entries()) CHECK(e.example.task != stream.tasks[1].name);
  CHECK_THROWS_WITH(tuner.forget("nothing"), Catch::Contains("'nothing'"));
  for (const auto& t : texts) CHECK(tuner.predict(t.text).task != stream.tasks[1].name);
  tuner.learn(stream.tasks[1]);
  // What is kept of one class has a label of its own, whatever was forgotten before.
  std::map<std::size_t, std::string> class_of_label;
  for (const auto& e : tuner.core().memory.entries()) {
    const std::string name = e.example.task + " " + std::to_string(e.example.text.label);
    CHECK(class_of_label.emplace(e.label, name).first->second == name);
  }
  CHECK(class_of_label.size() == 9);
  CHECK(share_right(tuner, stream) > 0.8);
}

TEST_CASE("states after one block are not taken for those after another", "[conpet][dynamic_tuner]") {
  QUIPU_NEEDS(test::stories_folder());
  const auto stream = test::word_stream(1, 2);
  tuner_of<> tuner(test::stories(), test::small_lora(), test::short_training());
  auto& core = tuner.core();
  const auto texts = core.encode(stream.tasks[0].test, 0);
  for (const std::size_t n_block : {std::size_t{1}, core.config().n_layer}) {
    CHECK(core.states(texts, n_block, true) == core.states(texts, n_block, false));
    CHECK(core.states(texts, n_block, true) == core.states(texts, n_block, false));  // the second time from the cache
  }
}

TEST_CASE("a batch is of new texts alone where their share is 1", "[conpet][dynamic_tuner]") {
  QUIPU_NEEDS(test::stories_folder());
  const auto stream = test::word_stream(1, 2);
  auto options = test::short_training();
  options.new_share = 1;
  tuner_of<> tuner(test::stories(), test::small_lora(), options);
  tuner.learn(stream.tasks[0]);
  auto order = tuner.core().order(20);
  std::vector<train::ordered_example> examples(16);
  order.fill({.n_example = 20 + tuner.core().memory.size(), .step = 3}, examples);
  for (const auto& e : examples) CHECK(e.example < 20);
}

TEST_CASE("a task that cannot be learned leaves the learner as it was", "[conpet][dynamic_tuner]") {
  QUIPU_NEEDS(test::stories_folder());
  const auto stream = test::word_stream(2, 2);
  auto options = test::short_training();
  options.training.n_step = 3;
  std::size_t stop_at = 0;
  options.training.progress = [&](const train::step_report& r) { return r.step != stop_at; };
  tuner_of<conpet::trained_selector> tuner(test::stories(), test::small_lora(), options, conpet::trained_selector{.n_step = 6});
  tuner.learn(stream.tasks[0]);
  const std::string text = stream.tasks[0].test.front().text;
  const auto before = tuner.logits(text, stream.tasks[0].name);
  const auto memory = tuner.core().memory.size();
  for (const std::size_t step : {2, 5}) {  // in the module's training, and in the selector's, which is longer
    stop_at = step;
    CHECK_THROWS_AS(tuner.learn(stream.tasks[1]), cancelled);
    CHECK(tuner.size() == 1);
    CHECK(tuner.logits(text, stream.tasks[0].name) == before);
    CHECK(tuner.core().memory.size() == memory);
  }
  stop_at = 0;
  auto bad = stream.tasks[1];
  bad.classes[0] = stream.tasks[0].classes[0];
  CHECK_THROWS_WITH(tuner.learn(bad), Catch::Contains("classes of its own"));
  CHECK_THROWS_WITH(tuner.learn(stream.tasks[0]), Catch::Contains("a new name"));
  bad = stream.tasks[1];
  bad.train.clear();
  CHECK_THROWS_AS(tuner.learn(bad), format_error);
  CHECK(tuner.size() == 1);
}

TEST_CASE("selectors and compositions are policies, and threads change nothing", "[conpet][dynamic_tuner]") {
  QUIPU_NEEDS(test::stories_folder());
  const auto stream = test::word_stream(2, 2);
  const auto learn_all = [&](auto& tuner) {
    for (const auto& task : stream) tuner.learn(task);
  };
  auto options = test::short_training();
  options.top_k = 2;
  std::vector<std::vector<float>> logits;
  for (const std::size_t n_thread : {1, 2, 3}) {
    options.n_thread = n_thread;
    tuner_of<conpet::raw_logits, conpet::trained_selector> tuner(test::stories(), test::small_lora(), options, conpet::trained_selector{.n_step = 30});
    learn_all(tuner);
    logits.push_back(tuner.logits(stream.tasks[1].test.front().text, stream.tasks[1].name));
    if (n_thread == 1) CHECK(share_right(tuner, stream) > 0.6);
  }
  CHECK(logits[1] == logits[0]);
  CHECK(logits[2] == logits[0]);

  tuner_of<conpet::oracle_selector, conpet::hard_route, replay::none> oracle(test::stories(), test::small_lora(), options);
  learn_all(oracle);
  CHECK_THROWS_WITH(oracle.predict("which task?"), Catch::Contains("the true task"));
  for (std::size_t t = 0; t < 2; ++t) {
    const auto encoded = oracle.core().encode(stream.tasks[t].test, t);
    for (const auto& a : oracle.predict(encoded, 0, false)) CHECK(a.task_index == t);
  }

  options.least_probability = 1.5;
  tuner_of<conpet::means_selector, conpet::selector_weighted> unsure(test::stories(), test::small_lora(), options);
  learn_all(unsure);
  const auto none = unsure.predict("anything");
  CHECK(none.label.empty());
  CHECK(none.task_index == 2);
  CHECK_THROWS_WITH((tuner_of<replay::herding>(test::stories(), test::small_lora(), options)), Catch::Contains("a storage budget"));
}
