// A gate calibrated on notes alone, by questions that a scripted model writes for them.
#include <quipu/eren/study/self_calibration.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/eren/editor.hpp>
#include <quipu/eren/gate/bounded_fit.hpp>
#include <quipu/eren/gate_workshop.hpp>
#include <quipu/notes/memory_store.hpp>

#include "support/scripted_model.hpp"

namespace quipu_self_calibration_test {

using namespace quipu;

namespace {

std::string city(int i) { return "City" + std::to_string(i); }
std::string who(int i) { return "Person Number" + std::to_string(i); }

/// Writes a question for the last word of each note, and reads it back.
test::scripted_model questioner(int n) {
  std::vector<test::script_rule> rules;
  for (int i = n; i-- > 0;) {  // "Number1" is a part of "Number11"
    rules.push_back({{"Statement: " + who(i) + " died in " + city(i) + ".\nAnswer: " + city(i) + "\n"},
                     " Where did " + who(i) + " die?"});
    rules.push_back({{"Notes:", who(i) + " died in", "Where did " + who(i) + " die"}, " " + city(i)});
  }
  return test::scripted_model(std::move(rules), " unanswerable");
}

}  // namespace

TEST_CASE("a gate that nothing was fitted for finds a threshold on notes alone", "[eren][self_calibration]") {
  constexpr int n = 40;
  eren::editor editor(questioner(n), notes::memory_store(), {.readers = ""});
  for (int i = 0; i < n; ++i) {
    if (i == 29) CHECK_THROWS_WITH(editor.calibrate(), Catch::Contains("30 notes or more"));
    editor.add_note(who(i) + " died in " + city(i) + ".");
  }
  REQUIRE(editor.gate().by_similarity());
  const auto done = eren::calibrate_from_notes(editor, {.making = {.max_tokens = 80}});  // a byte is a token
  CHECK(done.n_note == n);
  CHECK(done.n_made >= n);
  CHECK_FALSE(editor.gate().by_similarity());  // the answer's likelihood counts too
  CHECK(done.threshold == editor.gate().model().threshold);
  CHECK(editor.size() == n);  // the notes themselves were left alone
  int n_right = 0, n_left = 0;
  for (int i = 0; i < n; ++i) {
    n_right += editor.answer("Where did " + who(i) + " die?").text == city(i) ? 1 : 0;
    n_left += editor.answer("Where did Person Nobody" + std::to_string(i) + " die?").source == eren::own_knowledge ? 1 : 0;
  }
  CHECK(n_right >= 2 * n / 3);  // the threshold comes from the surer half of the questions
  CHECK(n_left >= n - 4);
}

TEST_CASE("bounded gates never go down where more of the question is found", "[eren][self_calibration]") {
  const eren::default_gate layout;
  const std::vector<std::string> names = layout.names();
  const eren::gate_fit_options options = eren::bounded_fit();
  CHECK(options.bound > 0);
  std::vector<std::string> known = options.rising;
  known.insert(known.end(), options.falling.begin(), options.falling.end());
  for (const std::string& name : known) CHECK(std::find(names.begin(), names.end(), name) != names.end());

  // Samples in which likeness speaks against a note, and long notes for it.
  std::vector<eren::gate_sample> samples;
  for (int i = 0; i < 200; ++i) {
    eren::gate_sample s;
    s.positive = i % 2 == 0;
    s.group = std::to_string(i);
    for (std::size_t j = 0; j < names.size(); ++j) s.features.push_back(((i * 37 + static_cast<int>(j) * 11) % 23) / 23.0);
    const auto at = [&](const char* name) -> double& {
      return s.features[static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin())];
    };
    at("char") += s.positive ? 0 : 1;
    at("n_note_resid") += s.positive ? 1 : 0;
    at("ans_v-u") += s.positive ? 1 : 0;
    samples.push_back(std::move(s));
  }
  const eren::gate_model m = eren::fit_gate(samples, names, 0, {}, options).model;
  std::vector<double> from = samples[1].features;
  for (std::size_t j = 0; j < names.size(); ++j) {
    const auto is = [&](const std::vector<std::string>& some) { return std::find(some.begin(), some.end(), names[j]) != some.end(); };
    std::vector<double> more = from, far = from;
    more[j] += 1;
    far[j] += 1e6;
    if (is(options.rising)) CHECK(m.stack.score(more) >= m.stack.score(from));
    if (is(options.falling)) CHECK(m.stack.score(more) <= m.stack.score(from));
    const double most = 2 * std::abs(m.stack.weights[j]) * options.bound;
    CHECK(std::abs(m.stack.score(far) - m.stack.score(from)) <= most + 1e-9);
  }
}

}  // namespace quipu_self_calibration_test
