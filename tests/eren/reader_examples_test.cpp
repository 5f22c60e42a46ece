// What readers are taught, how it counts, and that it is learned; the gates that go with such readers.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/eren/editor.hpp>
#include <quipu/eren/study/gate_study.hpp>
#include <quipu/eren/reading/module_adapter.hpp>
#include <quipu/eren/teach/reader_examples.hpp>
#include <quipu/eren/teach/reader_training.hpp>
#include <quipu/eren/gate/second_reading.hpp>
#include <quipu/eren/gate_workshop.hpp>
#include <quipu/llama/score.hpp>
#include <quipu/notes/bm25_retriever.hpp>
#include <quipu/notes/memory_store.hpp>

#include "support/byte_model.hpp"
#include "support/scripted_model.hpp"
#include "support/temp_folder.hpp"

namespace quipu_reader_examples_test {

using namespace quipu;
using strings = std::vector<std::string>;

namespace {

// Ten edits that share words, so that some questions find another edit's note first.
std::vector<data::edit_case> cases() {
  std::vector<data::edit_case> all;
  const strings cities = {"Rome", "Oslo", "Lima", "Bern", "Kyiv", "Riga", "Doha", "Baku", "Cork", "Nice"};
  for (int i = 0; i < 10; ++i) {
    const std::string who = "Person" + std::to_string(i);
    data::edit_case c;
    c.id = std::to_string(i);
    c.notes = {who + " lives in " + cities[static_cast<std::size_t>(i)] + "."};
    c.in_scope = {{"Where does " + who + " live?", {cities[static_cast<std::size_t>(i)], "there"}, "Paris"},
                  {"Home of Person" + std::to_string((i + 1) % 10) + "?", {"wrong note"}, "Paris"}};
    c.unrelated = {{"neighbor_subj", {{"Where does Bob live, <s> lives?", {}, {}}, {"xyzzy?", {}, {}}}, {}},
                   {"same_subj", {{"Who married " + who + "?", {}, {}}}, {}}};
    c.portability = {{"more", {{"Who lives with " + who + "?", {"x"}, {}}}, {}}};
    all.push_back(std::move(c));
  }
  all[2].unrelated[1].probes.push_back({"Where does Person1 live?", {}, {}});  // in another edit's scope
  return all;
}

using notebook_type = notes::notebook<notes::memory_store, notes::bm25_retriever>;

// BM25 as it is defined, over all notes, ties to the earlier one; -1 if no word is shared.
int best_note(const std::vector<strings>& documents, const strings& query) {
  double average = 0;
  for (const strings& d : documents) average += static_cast<double>(d.size()) / static_cast<double>(documents.size());
  int best = -1;
  double highest = 0;
  for (std::size_t i = 0; i < documents.size(); ++i) {
    double score = 0;
    for (const std::string& word : std::set<std::string>(query.begin(), query.end())) {
      double n_with = 0;
      for (const strings& d : documents) n_with += std::find(d.begin(), d.end(), word) != d.end() ? 1 : 0;
      const auto f = static_cast<double>(std::count(documents[i].begin(), documents[i].end(), word));
      const double idf = std::log(1 + (static_cast<double>(documents.size()) - n_with + 0.5) / (n_with + 0.5));
      score += idf * f * 2.2 / (f + 1.2 * (0.25 + 0.75 * static_cast<double>(documents[i].size()) / average));
    }
    if (score > highest + 1e-12) {
      highest = score;
      best = static_cast<int>(i);
    }
  }
  return best;
}

strings words_of(const std::string& text) {
  strings words;
  std::string word;
  for (const char c : text + " ") {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    } else if (!word.empty()) {
      static const std::set<std::string> stop = {"in", "of", "s", "does", "who", "where"};
      if (stop.count(word) == 0) words.push_back(word);
      word.clear();
    }
  }
  return words;
}

}  // namespace

TEST_CASE("examples are what retrieving and labelling by hand gives", "[eren][reader_examples]") {
  const auto all = cases();
  notebook_type notebook{notes::memory_store()};
  const auto ids = eren::add_all_notes(notebook, all);
  const auto questions = eren::evaluation_questions(all);
  const auto examples = eren::reader_examples(notebook, questions, ids);

  std::vector<strings> documents;
  for (const auto& c : all) documents.push_back(words_of(c.notes[0]));
  std::vector<eren::reader_example> expected;
  std::size_t n_other_note = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto add = [&](std::string question, const std::string& answer, bool in_scope) {
      const int found = best_note(documents, words_of(question));
      if (found < 0) return;
      if (in_scope && found != static_cast<int>(i)) {
        ++n_other_note;
        return;
      }
      // Prompts are guarded
      if (const auto mark = question.find("<s> "); mark != std::string::npos) question.erase(mark, 4);
      std::string note = all[static_cast<std::size_t>(found)].notes[0];
      note.pop_back();
      expected.push_back({question, {note}, in_scope ? answer : "unanswerable", in_scope});
    };
    for (const data::probe& p : all[i].in_scope) add(p.question, p.answers[0], true);
    add("Where does Bob live, <s> lives?", "", false);
    add("xyzzy?", "", false);
    add("Who married Person" + std::to_string(i) + "?", "", false);
  }
  CHECK(n_other_note == 10);
  REQUIRE(examples.size() == 30);
  REQUIRE(examples.size() == expected.size());
  for (std::size_t i = 0; i < examples.size(); ++i) {
    CAPTURE(i, examples[i].question, expected[i].question);
    const auto same = [&](const eren::reader_example& e) {
      return e.question == expected[i].question && e.answer == expected[i].answer && e.answers == expected[i].answers &&
             e.notes == expected[i].notes;
    };
    CHECK(std::count_if(examples.begin(), examples.end(), same) ==
          std::count_if(expected.begin(), expected.end(), same));
  }
}

TEST_CASE("encoded examples: prompt, target, end; answers and abstentions count alike", "[eren][reader_examples]") {
  const auto m = test::byte_model();
  const std::vector<eren::reader_example> texts = {{"Who?", {"A is B"}, "B", true},
                                                   {"Why?", {"A is B"}, "unanswerable", false},
                                                   {"How?", {"A is C"}, "unanswerable", false},
                                                   {"When?", {"It was in 1950"}, "1950", true},
                                                   {"Where?", {"A is B"}, "unanswerable", false}};
  const auto list = eren::encode_examples(m.tokenizer(), texts);
  REQUIRE(list.size() == 5);
  double answers = 0, abstentions = 0;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const train::example& e = list[i];
    const std::string prompt = "Note: " + texts[i].notes.front() + ".\nQuestion: " + texts[i].question + "\nAnswer:";
    std::vector<token_id> tokens;
    for (const char c : prompt + " " + texts[i].answer) tokens.push_back(static_cast<unsigned char>(c));
    tokens.push_back(256);
    CHECK(e.tokens == tokens);
    std::size_t n_learned = 0;
    for (std::size_t t = 0; t < e.labels.size(); ++t) {
      const bool target = t >= e.labels.size() - texts[i].answer.size() - 2;
      CHECK(e.labels[t] == (target ? e.tokens[t] : llama::ignored_label));
      n_learned += target ? 1 : 0;
    }
    const double total = e.weight * static_cast<double>(n_learned);
    CHECK(total == Approx(texts[i].answers ? 5.0 / 4 : 5.0 / 6));
    (texts[i].answers ? answers : abstentions) += total;
  }
  CHECK(answers == Approx(abstentions));
  CHECK(answers + abstentions == Approx(5));
  CHECK_THROWS_AS(eren::encode_examples(m.tokenizer(), std::span(texts).subspan(1, 2)), config_error);
  CHECK_THROWS_AS(eren::encode_examples(m.tokenizer(), std::span<const eren::reader_example>()), config_error);
}

TEST_CASE("a reader learns to answer and to abstain, and a stopped run ends with the same bytes",
          "[eren][reader_examples]") {
  const auto m = test::byte_model();
  std::vector<eren::reader_example> texts;
  for (const char* city : {"Rome", "Oslo", "Lima", "Bern"}) {
    texts.push_back({"Home?", {std::string("X is in ") + city}, city, true});
    texts.push_back({"Age?", {std::string("X is in ") + city}, "unanswerable", false});
  }
  const auto examples = eren::encode_examples(m.tokenizer(), texts);
  const test::temp_folder folder;
  eren::reader_training_options options;
  options.n_pass = 60;
  options.batch_size = 8;
  options.learning_rate = 1e-2;
  options.lora.rank = 16;
  options.lora.alpha = 32;
  options.lora.targets =
      optim::name_pattern::suffixes({"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"});
  std::vector<double> losses;
  const auto train = [&](const std::string& name, std::size_t n_thread, std::size_t stop_after, bool resume) {
    llama::training_pass pass(m, thread_team(n_thread));
    options.folder = folder.file(name);
    options.resume = resume;
    losses.clear();
    options.progress = [&, stop_after](const train::step_report& r) {
      losses.push_back(r.loss);
      return r.step != stop_after;
    };
    return eren::train_reader(pass, examples, options);
  };
  auto whole = train("whole", 2, 0, false);
  CHECK(whole.result.finished);
  CHECK(losses.size() == 60);
  CHECK(losses.back() < 0.1 * losses.front());
  const auto half = train("parts", 1, 23, false);
  CHECK(half.result.step == 23);
  const auto rest = train("parts", 2, 0, true);
  CHECK(losses.size() == 37);
  for (std::size_t p = 0; p < whole.module.parameters().size(); ++p) {
    const auto &a = whole.module.parameters()[p], &b = rest.module.parameters()[p];
    REQUIRE(a.size() == b.size());
    CHECK(std::equal(a.value, a.value + a.size(), b.value));
  }
  CHECK(std::filesystem::exists(folder.path() / "whole" / "log.jsonl"));
  // Written, read back, and put on: what was learned is what the editor's reader says.
  pet::save_peft(folder.path() / "adapter", whole.module, m.config());
  const auto adapter = eren::load_adapter(folder.path() / "adapter", m);
  eren::reading_session session{m, eren::prompt_form()};
  std::vector<eren::reading_task> tasks;
  for (const auto& e : texts) tasks.push_back({e.question, e.notes});
  const auto read = eren::taught_reader<>({}, {}, adapter).read(session, tasks);
  const auto free = eren::taught_generating_reader<>({}, {}, adapter).read(session, tasks);
  const eren::margin_gate gate;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    CAPTURE(i, read[i].answer, read[i].log_p_answer, read[i].log_p_abstain);
    if (texts[i].answers) CHECK(read[i].answer == texts[i].answer);
    eren::gate_evidence e;
    e.read = read[i];
    CHECK(gate.decide(session, e).apply == texts[i].answers);
    CHECK(free[i].abstained != texts[i].answers);
    if (texts[i].answers) CHECK(free[i].answer == texts[i].answer);
  }
}

TEST_CASE("of long notes the passage with the answer is learned, and that the one before it has none",
          "[eren][reader_examples]") {
  const std::string filler = "The old market square of Altheim is quiet in winter and loud in summer, as everybody knows who "
                             "ever went there on a Saturday morning to buy bread and flowers. ";
  const std::string note = "Anna of Altheim has a garden. " + filler + filler + "She was born in Orvik long ago. " + filler;
  std::vector<data::edit_case> all(2);
  all[0].id = "1";
  all[0].notes = {note};
  all[0].in_scope = {{"Where was Anna, who has a garden in Altheim, born?", {"Orvik"}, {}}, {"Who is Anna of Altheim?", {"a queen"}, {}}};
  all[1].id = "2";
  all[1].notes = {"Bob leads Vossburg.", "Tilda sings in Orvik."};
  all[1].in_scope = {{"Who sings where Bob of Vossburg went?", {"Tilda"}, {}}};
  notebook_type notebook{notes::memory_store()};
  const auto ids = eren::add_all_notes(notebook, all);
  const auto examples = eren::reader_examples(notebook, eren::evaluation_questions(all), ids);
  REQUIRE(examples.size() == 3);
  CHECK_FALSE(examples[0].answers);
  CHECK(examples[0].notes[0].find("Orvik") == std::string::npos);
  CHECK(examples[0].notes[0].find("Anna of Altheim") != std::string::npos);
  CHECK(examples[1].answers);
  CHECK(examples[1].answer == "Orvik");
  CHECK(examples[1].notes[0].find("She was born in Orvik") != std::string::npos);
  // The second question's answer stands nowhere in the long note, so it is left out; one of two notes alone leaves its
  // question open.
  CHECK_FALSE(examples[2].answers);
  CHECK(examples[2].notes == strings{"Bob leads Vossburg"});
}

TEST_CASE("edits held back are those of the checksum", "[eren][reader_examples]") {
  // zlib.crc32(b"h%d" % i) % 4 == 0 for i in 0 .. 39
  const std::set<int> expected = {0, 2, 9, 10, 12, 19, 25, 27, 31, 33, 38};
  for (int i = 0; i < 40; ++i) CHECK(eren::held_back(std::to_string(i)) == (expected.count(i) != 0));
  const auto all = cases();
  const auto kept = eren::questions_of(all, eren::evaluation_questions(all), eren::held_back);
  CHECK_FALSE(kept.empty());
  for (const auto& q : kept) CHECK(expected.count(static_cast<int>(q.edit)) != 0);
}

TEST_CASE("a margin's threshold in a file decides as the margin gate does", "[eren][reader_examples]") {
  std::vector<eren::gate_sample> samples;
  random_stream random(3);
  for (int i = 0; i < 200; ++i) {
    eren::gate_sample s;
    s.positive = i % 3 == 0;
    s.features = {(s.positive ? 2.0 : -1.0) + 2 * random.normal()};
    s.group = std::to_string(i / 4);
    samples.push_back(s);
  }
  eren::fitted_gate<eren::answer_margin> fitted(eren::gate_of_feature("margin"), eren::answer_margin());
  fitted.calibrate(samples);
  const double threshold = fitted.model().threshold;
  // No other threshold is better in what was asked for.
  const auto quality = [&](double t) {
    double kept = 0, rejected = 0, n = 0;
    for (const auto& s : samples) {
      n += s.positive ? 1 : 0;
      (s.positive ? kept : rejected) += (s.features[0] >= t) == s.positive ? 1 : 0;
    }
    kept /= n;
    rejected /= 200 - n;
    return 2 * kept * rejected / (kept + rejected);
  };
  for (const auto& s : samples) CHECK(quality(s.features[0]) <= quality(threshold) + 1e-12);
  const eren::margin_gate plain{threshold};
  int session = 0;
  for (const double margin : {-5.0, -1.0, threshold - 1e-9, threshold, threshold + 1e-9, 0.0, 1.0, 9.0}) {
    eren::gate_evidence e;
    e.read.done = true;
    e.read.log_p_answer = -1;
    e.read.log_p_abstain = -1 - margin;
    const double exact = e.read.log_p_answer - e.read.log_p_abstain;
    CHECK(fitted.decide(session, e).apply == (exact >= threshold));
    CHECK(plain.decide(session, e).apply == (exact >= threshold));
    CHECK(fitted.decide(session, e).score == Approx(plain.decide(session, e).score).margin(1e-12));
  }
}

TEST_CASE("sums of standardised features, by hand", "[eren][reader_examples]") {
  std::vector<eren::gate_sample> samples(4);
  const double a[] = {1, 2, 3, 6}, b[] = {10, 10, 30, 30};
  for (std::size_t i = 0; i < 4; ++i) samples[i].features = {a[i], b[i]};
  const auto m = eren::sum_of_features(samples, {"a", "b"});
  const double deviation = std::sqrt((4.0 + 1 + 0 + 9) / 4);
  for (std::size_t i = 0; i < 4; ++i)
    CHECK(m.stack.score(samples[i].features) == Approx((a[i] - 3) / deviation + (b[i] - 20) / 10).epsilon(1e-5));
  CHECK_THROWS_AS(eren::sum_of_features(samples, {"a"}), shape_error);
  CHECK_THROWS_AS(eren::sum_of_features({}, {"a"}), config_error);
}

TEST_CASE("a second reading is the score of the other reader's own gate", "[eren][reader_examples]") {
  const test::scripted_model model({{{"Notes:", "capital of Norway"}, " Bergen"}}, "none");
  using store = notes::memory_store;
  const eren::default_gate own;
  using second = eren::second_reading<eren::extractive_reader, eren::default_gate>;
  using joined_gate = eren::fitted_gate<eren::answer_margin, second>;
  using short_reader = eren::basic_extractive_reader<eren::plain_note_prompt>;
  const joined_gate gate{eren::answer_margin(), second(eren::extractive_reader(), own)};
  eren::editor<test::scripted_model, store, notes::bm25_retriever, eren::extractive_reader> alone{model, store(), notes::bm25_retriever(),
                                                                         eren::extractive_reader(), own};
  eren::editor<test::scripted_model, store, notes::bm25_retriever, short_reader, joined_gate> joined{
      model, store(), notes::bm25_retriever(), short_reader(), gate};
  const strings notes = {"The capital of Norway is Bergen.", "Spiders have six legs."};
  for (const std::string& note : notes) {
    alone.add_note(note);
    joined.add_note(note);
  }
  const strings questions = {"What is the capital of Norway?", "Who lives in the capital of Norway?",
                             "How many legs have spiders?"};
  const auto expected = eren::gate_workshop(alone).examine(questions);
  const auto found = eren::gate_workshop(joined).examine(questions);
  for (std::size_t i = 0; i < questions.size(); ++i) {
    REQUIRE(found[i].features.size() == 2);
    CHECK(found[i].features[1] == Approx(own.model().stack.score(expected[i].features)));
  }
  CHECK(found[0].features[1] != Approx(found[1].features[1]));
  // Another gate's scores go by another name, and an unfitted gate has none.
  auto changed = own.model();
  changed.stack.bias += 1;
  CHECK(second(eren::extractive_reader(), eren::default_gate(changed)).names() != gate.names());
  using unfitted = eren::fitted_gate<eren::lexical>;
  CHECK_THROWS_AS((eren::second_reading<eren::extractive_reader, unfitted>(eren::extractive_reader(), unfitted())),
                  config_error);
}

}  // namespace quipu_reader_examples_test
