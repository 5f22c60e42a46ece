#include <cmath>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/eren/gate/default_gate.hpp>
#include <quipu/eren/editor.hpp>
#include <quipu/eren/gate/fitted_gate.hpp>
#include <quipu/eren/gate/gate_file.hpp>
#include <quipu/eren/gate/gate_fit.hpp>
#include <quipu/eren/gate/model_features.hpp>
#include <quipu/eren/gate_workshop.hpp>
#include <quipu/notes/bm25_retriever.hpp>
#include <quipu/notes/char_ngram_retriever.hpp>
#include <quipu/notes/hybrid_retriever.hpp>
#include <quipu/notes/memory_store.hpp>
#include <quipu/report/metrics.hpp>

#include "support/scripted_model.hpp"
#include "support/temp_folder.hpp"

using namespace quipu;

namespace {

// Two informative features, one of noise, and a hidden state that knows more than all of them.
std::vector<eren::gate_sample> samples(std::size_t n, std::uint64_t seed, bool hidden) {
  std::mt19937_64 engine(seed);
  std::normal_distribution<double> normal;
  std::vector<eren::gate_sample> all;
  for (std::size_t i = 0; i < n; ++i) {
    const bool positive = engine() % 3 == 0;
    const double shift = positive ? 0.8 : -0.8;
    eren::gate_sample s{
        {shift + normal(engine), shift + normal(engine), normal(engine)}, {}, positive, std::to_string(i / 4)};
    if (hidden) {
      for (int d = 0; d < 8; ++d) s.hidden.push_back(static_cast<float>(normal(engine) + (d == 3 ? 2 * shift : 0)));
      s.features.push_back(0);
    }
    all.push_back(std::move(s));
  }
  return all;
}

double area(const std::vector<eren::gate_sample>& all, const std::vector<double>& scores) {
  std::vector<double> positives, negatives;
  for (std::size_t i = 0; i < all.size(); ++i) (all[i].positive ? positives : negatives).push_back(scores[i]);
  return *report::auroc(positives, negatives);
}

eren::gate_evidence evidence(std::string question, std::string note) {
  return {
      std::move(question), {std::move(note)}, {1}, 1, {0.5, 0.1, 0.4, 0.1}, [](std::string_view) { return 1.0; }, {}};
}

}  // namespace

TEST_CASE("fits: out of fold, by groups, with a probe that helps", "[eren][gate]") {
  const auto plain = samples(800, 1, false), probed = samples(800, 1, true);
  const auto a = eren::fit_gate(plain, {"a", "b", "noise"}, 2);
  const auto b = eren::fit_gate(probed, {"a", "b", "noise", "probe"}, 2, 3);
  CHECK(area(plain, a.scores) > 0.8);
  CHECK(area(probed, b.scores) > area(plain, a.scores) + 0.02);
  CHECK(std::abs(a.model.stack.weights[2]) < 0.2 * a.model.stack.weights[0]);
  // New samples of the same kind get probabilities that are about right.
  const auto fresh = samples(4000, 2, false);
  std::vector<double> probabilities;
  std::vector<std::uint8_t> happened;
  for (const auto& s : fresh) {
    probabilities.push_back(a.model.probability(a.model.stack.score(s.features)));
    happened.push_back(s.positive ? 1 : 0);
  }
  CHECK(*report::expected_calibration_error(probabilities, happened) < 0.05);
  // The cheap gate lets the positives pass.
  std::size_t n_pass = 0, n_positive = 0;
  for (const auto& s : plain) {
    if (!s.positive) continue;
    ++n_positive;
    n_pass += a.model.cheap.score(std::span(s.features).first(2)) >= a.model.cheap_threshold ? 1 : 0;
  }
  CHECK(static_cast<double>(n_pass) >= 0.985 * static_cast<double>(n_positive));
}

TEST_CASE("a damage rate holds on new questions, and too few negatives are refused", "[eren][gate]") {
  double damage = 0;
  constexpr int n_repeat = 20;
  for (int repeat = 0; repeat < n_repeat; ++repeat) {
    const auto all = samples(600, 10 + static_cast<std::uint64_t>(repeat), false);
    const auto fit = eren::fit_gate(all, {"a", "b", "noise"}, 2, {}, {.damage = 0.05});
    const auto fresh = samples(1000, 100 + static_cast<std::uint64_t>(repeat), false);
    std::size_t n = 0, n_hit = 0;
    for (const auto& s : fresh) {
      if (s.positive) continue;
      ++n;
      n_hit += fit.model.stack.score(s.features) >= fit.model.threshold ? 1 : 0;
    }
    damage += static_cast<double>(n_hit) / static_cast<double>(n) / n_repeat;
  }
  CHECK(damage <= 0.06);
  CHECK(damage >= 0.03);
  CHECK_THROWS_AS(eren::fit_gate(samples(100, 1, false), {"a", "b", "noise"}, 2, {}, {.damage = 0.001}), config_error);
  CHECK_THROWS_AS(eren::fit_gate({}, {"a"}, 0), config_error);
  auto uneven = samples(50, 1, false);
  uneven[7].features.pop_back();
  CHECK_THROWS_AS(eren::fit_gate(uneven, {"a", "b", "noise"}, 2), shape_error);
  auto poisoned = samples(50, 1, false);
  poisoned[7].features[0] = NAN;
  CHECK_THROWS_AS(eren::fit_gate(poisoned, {"a", "b", "noise"}, 2), numeric_error);
}

TEST_CASE("gate files: the same gate comes back, another model's is refused, a damaged one is named", "[eren][gate]") {
  const test::temp_folder folder;
  const auto fit = eren::fit_gate(samples(300, 3, true), {"a", "b", "noise", "probe"}, 2, 3);
  const eren::gate_keys keys{"model 1", "tokens 1", "prompt 1"};
  const std::string path = folder.file("gate.json");
  eren::save_gate(path, fit.model, keys);
  const eren::gate_model back = eren::load_gate(path, keys);
  CHECK(back.names == fit.model.names);
  CHECK(back.stack.weights == fit.model.stack.weights);
  CHECK(back.probe->weights == fit.model.probe->weights);
  CHECK(back.threshold == fit.model.threshold);
  CHECK(back.probability.slope == fit.model.probability.slope);
  for (const eren::gate_keys& other : {eren::gate_keys{"model 2", "tokens 1", "prompt 1"},
                                       {"model 1", "tokens 2", "prompt 1"},
                                       {"model 1", "tokens 1", "prompt 2"}}) {
    CHECK_THROWS_AS(eren::load_gate(path, other), config_error);
  }
  CHECK(eren::gate_keys_of(path) == keys);
  eren::gate_model bounded = fit.model;
  bounded.stack.bound = 2;
  eren::save_gate(folder.file("bounded.json"), bounded, keys);
  CHECK(eren::load_gate(folder.file("bounded.json"), keys).stack.bound == 2);
  CHECK(back.stack.bound == 0);
  CHECK_THROWS_AS(eren::load_gate(folder.file("none.json"), keys), io_error);
  const std::string bytes = test::read_bytes(path);
  for (std::size_t n = 0; n + 1 < bytes.size(); n += 97) {
    CHECK_THROWS_AS(eren::load_gate(folder.write("cut.json", bytes.substr(0, n)), keys), error);
  }
  std::string wrong = bytes;
  wrong.replace(wrong.find("\"threshold\": "), 13, "\"threshold\": null, \"x\": ");
  CHECK_THROWS_AS(eren::load_gate(folder.write("wrong.json", wrong), keys), format_error);
}

TEST_CASE("a gate without weights refuses, one with others' weights too", "[eren][gate]") {
  eren::fitted_gate<eren::lexical, eren::read_log_probs> gate;
  CHECK_FALSE(gate.is_fitted());
  CHECK(gate.n_cheap() == eren::lexical_feature_names.size());
  CHECK_FALSE(gate.probe_at());
  CHECK_THROWS_AS(gate.worth_reading(evidence("q", "n")), config_error);
  CHECK_THROWS_AS(gate.set_model(eren::fit_gate(samples(300, 3, false), {"a", "b", "noise"}, 2).model), shape_error);
  const eren::fitted_gate<eren::lexical, eren::probe, eren::read_log_probs> probed;
  CHECK(*probed.probe_at() == eren::lexical_feature_names.size());
  CHECK(probed.wishes().hidden_depth == std::optional<std::size_t>(20));
  CHECK(eren::default_gate().is_fitted());
}

TEST_CASE("the shipped weights tell a question on the note from one beside it", "[eren][gate]") {
  const eren::default_gate gate;
  int session = 0;
  eren::gate_evidence on = evidence("What is the capital of Norway?", "The capital of Norway is Bergen");
  on.retrieval = {0.95, 0.1, 0.85, 0.1};
  on.read = {.done = true, .answer = "Bergen", .log_p_answer = -1.5, .log_p_abstain = -9, .n_token = 2};
  eren::gate_evidence beside = evidence("Who founded the city of Oslo?", "The capital of Norway is Bergen");
  beside.retrieval = {0.1, 0.1, 0.1, 0.1};
  beside.read = {.done = true, .answer = "Bergen", .log_p_answer = -9, .log_p_abstain = -7, .n_token = 2};
  CHECK(gate.decide(session, on).apply);
  CHECK_FALSE(gate.decide(session, beside).apply);
  CHECK(gate.decide(session, on).probability > gate.decide(session, beside).probability);
  CHECK(gate.worth_reading(on));
  on.read.done = false;
  CHECK_FALSE(gate.decide(session, on).apply);
}

TEST_CASE("features that ask the model again: likelihoods move as they should", "[eren][gate]") {
  // The script makes the question's continuation certain after the note, and not without it.
  const test::scripted_model model(
      {{{"Note: The capital of Norway is Bergen."}, " What is the capital of Norway?"},
       {{"Question: What is the capital of Norway?\nAnswer:"}, " The capital of Norway is Bergen."},
       {{"same fact", "B: What is the capital"}, " Yes"},
       {{"same fact"}, " No"},
       {{"do the notes state"}, " Yes"}});
  eren::reading_session session{model};
  eren::gate_evidence e = evidence("What is the capital of Norway?", "The capital of Norway is Bergen");
  e.read = {.done = true, .answer = "Bergen", .log_p_answer = -0.1, .log_p_abstain = -8, .n_token = 7};
  std::vector<double> f(eren::question_likelihood::names().size());
  eren::question_likelihood()(session, e, f);
  CHECK(f[0] > 1);   // pmi_mean
  CHECK(f[3] > -1);  // cond
  CHECK(f[4] < -3);  // unc
  CHECK(f[1] == Approx(f[0] * 31));
  f.resize(eren::note_likelihood::names().size());
  eren::note_likelihood()(session, e, f);
  CHECK(f[0] > 1);
  f.resize(eren::answer_shift::names().size());
  eren::answer_shift()(session, e, f);
  CHECK(f[2] == Approx(-0.1 - f[1]));
  f.resize(2);
  eren::neutral_margin()(session, e, f);
  CHECK(f[0] == Approx(7.9));
  f.resize(1);
  eren::same_fact()(session, e, f);
  const double same = f[0];
  eren::gate_evidence other = evidence("Who was born in Norway?", "The capital of Norway is Bergen");
  eren::same_fact()(session, other, f);
  CHECK(std::isfinite(same));
  CHECK(std::isfinite(f[0]));
  eren::yes_no()(session, e, f);
  CHECK(std::isfinite(f[0]));
}

TEST_CASE("similarity and statistics are the same behind every retriever", "[eren][gate]") {
  notes::bm25_retriever words;
  notes::hybrid_retriever<notes::char_ngram_retriever<>, notes::bm25_retriever> both;
  const char* texts[] = {"The capital of Norway is Bergen", "Spiders have six legs",
                         "The capital of Denmark is Aarhus"};
  for (int i = 0; i < 3; ++i) {
    words.add(i + 1, texts[i]);
    both.add(i + 1, texts[i]);
  }
  const eren::note_statistics<notes::bm25_retriever> a(words);
  const eren::note_statistics<decltype(both)> b(both);
  const std::string question = "What is the capital of Norway?";
  CHECK(a.idf("norway") == Approx(words.idf("norway") + std::log(1025.0 / 4)));
  CHECK(a.idf("the") == Approx(std::log(1 + 1024.5 / 0.5)));  // the largest one, as with 1,024 notes
  CHECK(b.idf("norway") == a.idf("norway"));
  CHECK(b.bm25(question, 1, texts[0]) == a.bm25(question, 1, texts[0]));
  CHECK(a.bm25(question, 1, texts[0]) > a.bm25(question, 3, texts[2]));
  const auto flat = [](std::string_view) { return 1.0; };
  CHECK(eren::ngram_similarity(question, question, flat) == Approx(1));
  CHECK(eren::ngram_similarity(question, texts[1], flat) == 0);
  CHECK(eren::ngram_similarity(question, texts[0], flat) > eren::ngram_similarity(question, texts[2], flat));
  CHECK(eren::ngram_similarity("", "", flat) == 0);
}

TEST_CASE("an editor's gate is calibrated on the user's questions and kept in a file", "[eren][gate]") {
  const test::temp_folder folder;
  const test::scripted_model model({{{"Notes:", "colour"}, " red"}}, "none");
  using edited = eren::editor<test::scripted_model, notes::memory_store, notes::bm25_retriever, eren::extractive_reader>;
  edited editor{model, notes::memory_store()};
  std::vector<eren::labelled_question> questions;
  for (int i = 0; i < 40; ++i) {
    const std::string thing = "thing" + std::to_string(i);
    const auto id = editor.add_note("The colour of " + thing + " is red.").id;
    questions.push_back({"What is the colour of " + thing + "?", id});
    questions.push_back({"Who bought " + thing + " from whom?", notes::no_note, thing});
    questions.push_back({"How heavy was " + thing + " yesterday?", notes::no_note, thing});
  }
  CHECK_THROWS_AS(editor.calibrate(questions, {.damage = 0.001}), config_error);
  editor.calibrate(questions, {.damage = 0.05});
  std::size_t n_damaged = 0;
  for (const auto& q : questions)
    n_damaged += q.note == notes::no_note && editor.answer(q.question).source == eren::answer_source::read_note ? 1 : 0;
  CHECK(n_damaged <= 4);
  editor.fit(questions);
  std::size_t n_right = 0;
  for (const auto& q : questions)
    n_right +=
        (editor.answer(q.question).source == eren::answer_source::read_note) == (q.note != notes::no_note) ? 1 : 0;
  CHECK(n_right == questions.size());
  const std::string path = folder.file("gate.json");
  editor.save_gate(path);
  edited other{model, notes::memory_store()};
  other.load_gate(path);
  CHECK(other.gate().model().threshold == editor.gate().model().threshold);
}
