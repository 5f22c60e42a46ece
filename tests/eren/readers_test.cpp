// Readers and the reading session on a scripted model, and on a random LLaMA beside plain scoring.
#include <cmath>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/eren/reading/abstention.hpp>
#include <quipu/eren/reading/answer_trie.hpp>
#include <quipu/eren/reading/extractive_reader.hpp>
#include <quipu/eren/reading/generating_reader.hpp>
#include <quipu/eren/gate/default_gate.hpp>
#include <quipu/eren/reading/option_reader.hpp>
#include <quipu/eren/reading/reading_session.hpp>
#include <quipu/llama/hidden.hpp>
#include <quipu/llama/language_model.hpp>
#include <quipu/llama/load.hpp>
#include <quipu/llama/score.hpp>

#include "support/random_checkpoint.hpp"
#include "support/scripted_model.hpp"

using namespace quipu;
using strings = std::vector<std::string>;
using id_list = std::vector<token_id>;

namespace {

using scripted = eren::reading_session<test::scripted_model>;

std::vector<eren::reading_task> one(std::string question, strings notes) {
  return {{std::move(question), std::move(notes)}};
}

// A random model whose contexts are long enough for prompts of made-up ids.
auto random_model() {
  io::model_config config = test::small_config();
  config.n_vocab = 40;
  config.n_ctx = 128;
  io::checkpoint made = test::random_checkpoint(config);
  made.vocabulary = test::small_vocabulary();
  made.vocabulary.chat_template.clear();
  for (int i = 7; i < 40; ++i) {
    made.vocabulary.tokens.push_back("t" + std::to_string(i));
    made.vocabulary.scores.push_back(-static_cast<float>(i));
    made.vocabulary.kinds.push_back(text::token_kind::normal);
  }
  return llama::from_checkpoint<activations::f32, kv::exact>(made);
}

}  // namespace

TEST_CASE("abstentions: the paper's exact rule and the robust one", "[eren][readers]") {
  const eren::abstention_detector strict{.rule = eren::abstention_rule::strict}, robust;
  for (const char* text : {"unanswerable", " Unanswerable\n", "UNANSWERABLE", "It's impossible to say"}) {
    CHECK(strict(text));
    CHECK(robust(text));
  }
  for (const char* text : {"Unanswerable.", "unanswerable because the notes differ", "\"unanswerable\"", "", "  \n",
                           "Not mentioned in the notes.", "I don't know", "None.", "n/a"}) {
    CAPTURE(text);
    CHECK_FALSE(strict(text));
    CHECK(robust(text));
  }
  for (const char* text : {"Bergen", "Nonetheless, Bergen", "Unknown1", "the answer is unanswerable questions"}) {
    CAPTURE(text);
    CHECK_FALSE(strict(text));
    CHECK_FALSE(robust(text));
  }
  CHECK(eren::tidy_answer(" Answer: \"Bergen\"") == "Bergen");
  CHECK(eren::tidy_answer("Bergen.\n") == "Bergen");
}

TEST_CASE("the extractive reader answers with a word of the note and tells how likely it was", "[eren][readers]") {
  const test::scripted_model model({{{"capital of Norway is Bergen", "What is the capital"}, " Bergen"}});
  scripted session{model};
  const eren::extractive_reader reader;
  const auto r =
      reader.read(session, one("What is the capital of Norway?", {"The capital of Norway is Bergen"})).front();
  REQUIRE(r.done);
  CHECK(r.answer == "Bergen");
  CHECK_FALSE(r.abstained);
  CHECK(r.n_token == 7);  // bytes of " Bergen"
  CHECK(r.log_p_answer < 0);
  CHECK(r.log_p_answer > -0.1);   // the script is sure of every byte
  CHECK(r.log_p_abstain > -0.1);  // its first byte is the blank, too
  CHECK(r.prompt_text.ends_with("Question: What is the capital of Norway?\nAnswer:"));
  // The model wants to say something else: it still has to choose among the note's words.
  const auto other = reader.read(session, one("Who rules Norway?", {"The capital of Norway is Bergen"})).front();
  CHECK((other.answer == "Bergen" || other.answer == "capital"));
  CHECK(other.log_p_answer < -5);
}

TEST_CASE("names come whole, other words alone", "[eren][readers]") {
  const auto name = [](const char* note, const char* chosen, strings candidates) {
    return eren::whole_name(note, chosen, candidates);
  };
  CHECK(name("She was born in New York City", "York", {"born", "New", "York", "City"}) == "New York City");
  CHECK(name("The capital of Norway is Bergen", "Bergen", {"Bergen"}) == "Bergen");
  CHECK(name("He works in Paris, London and Rome", "London", {"works", "Paris", "London", "Rome"}) == "London");
  CHECK(name("It is the red house", "red", {"red", "house"}) == "red");
  CHECK(name("Apple hired Tim \"Tiny\" Cook", "Cook", {"hired", "Tim", "Tiny", "Cook"}) == "Cook");
  CHECK(name("It ended on 8 May 1955", "1955", {"ended", "8", "May", "1955"}) == "8 May 1955");
}

TEST_CASE("two steps: the answer, an abstention by the strict and by the robust rule", "[eren][readers]") {
  const test::scripted_model model({{{"Bergen", "capital"}, " Bergen.\nQuestion: more"},
                                    {{"prime minister"}, " Unanswerable."},
                                    {{"exact"}, " unanswerable"}});
  scripted session{model};
  const eren::two_step_reader robust;
  const auto note = strings{"The capital of Norway is Bergen"};
  // Question words that no other rule needs.
  const auto yes = robust.read(session, one("What is the capital?", note)).front();
  CHECK(yes.answer == "Bergen");
  CHECK_FALSE(yes.abstained);
  CHECK(yes.prompt_text == eren::paper::reading(note, "What is the capital?"));
  const strings other = {"Spiders have six legs"};
  CHECK(robust.read(session, one("Who is the prime minister?", other)).front().abstained);
  eren::two_step_reader::options_type options;
  options.abstained.rule = eren::abstention_rule::strict;
  const eren::two_step_reader strict(options);
  // The paper's program compares the whole text: a period makes it an answer.
  CHECK(strict.read(session, one("Be exact?", other)).front().abstained);
  CHECK_FALSE(strict.read(session, one("Who is the prime minister?", other)).front().abstained);
}

TEST_CASE("a reader that must answer writes the best text with another beginning", "[eren][readers]") {
  const auto model = random_model();
  using reader_type = eren::basic_generating_reader<eren::plain_note_prompt, eren::open_gate, 1>;
  reader_type::options_type options{.max_tokens = 4, .stop = {}};
  eren::reading_session session(model);
  const auto tasks = one("t9 t10?", {"t11 t12"});
  const std::string usual = reader_type(options).read(session, tasks).front().answer;
  REQUIRE_FALSE(usual.empty());

  // Whatever the model says first is taken for an abstention.
  options.abstained.openings = {usual};
  options.must_answer = true;
  const eren::reading forced = reader_type(options).read(session, tasks).front();
  // No trace of the first text is left in the caches
  CHECK(reader_type(options).read(session, tasks).front().answer == forced.answer);

  // The same by hand, with plain runs of the model.
  const auto ids =
      eren::prompt_form::of(model.tokenizer())
          .encode(model.tokenizer(), eren::plain_note_prompt()(tasks.front().notes, tasks.front().question.text()));
  auto plain = open_session(model, thread_team(1));
  const auto sequence = plain.create();
  std::vector<float> row;
  const auto run = [&](const id_list& tokens) {
    const llama::sequence_input<float> input{sequence, tokens, {}, llama::logits_of::last_row};
    plain.run(std::span(&input, 1), [&](std::size_t, std::size_t, std::span<const float> logits) {
      row.assign(logits.begin(), logits.end());
    });
  };
  const auto best = [&] { return static_cast<token_id>(std::max_element(row.begin(), row.end()) - row.begin()); };
  run(ids);
  row[static_cast<std::size_t>(best())] = -1e9f;
  id_list said;
  while (said.size() < 4 && !model.tokenizer().is_end(best())) {
    said.push_back(best());
    run({said.back()});
  }
  CHECK(forced.answer == eren::tidy_answer(text::decode(model.tokenizer(), said)));
  CHECK(forced.answer != usual);
}

TEST_CASE("whole abstentions and answers that had to be given are scored among all tokens", "[eren][readers]") {
  const test::scripted_model model({{{"capital"}, " Bergen"}, {{"Who"}, " unanswerable"}}, "no idea");
  scripted session{model};
  using reader_type = eren::basic_generating_reader<eren::plain_note_prompt, eren::margin_gate>;
  const reader_type reader({.whole_abstention = true, .must_answer = true}), usual;
  const auto log_p = [&](const std::string& text, char next) {  // of a byte after a text, from all logits
    const std::vector<float> logits = model.logits(text);
    double sum = 0;
    for (const float l : logits) sum += std::exp(static_cast<double>(l));
    return static_cast<double>(logits[static_cast<unsigned char>(next)]) - std::log(sum);
  };
  const auto log_p_all = [&](std::string text, const std::string& next) {
    double sum = 0;
    for (const char c : next) {
      sum += log_p(text, c);
      text += c;
    }
    return sum;
  };
  std::vector<eren::reading_task> tasks = one("What is the capital?", {"Bergen is it", "And more"});
  tasks.push_back({"Who?", {"Spiders have six legs"}});
  const auto r = reader.read(session, tasks), plain = usual.read(session, tasks);
  const std::string first = "Note: Bergen is it.\nNote: And more.\nQuestion: What is the capital?\nAnswer:",
                    second = "Note: Spiders have six legs.\nQuestion: Who?\nAnswer:";
  CHECK(r[0].answer == "Bergen");
  CHECK(r[0].log_p_answer == Approx(log_p_all(first, " Bergen")).margin(1e-4));
  CHECK(r[0].log_p_abstain == Approx(log_p_all(first, " unanswerable")).margin(1e-4));
  CHECK(plain[0].log_p_abstain == Approx(log_p(first, ' ')).margin(1e-4));
  // The blank is the first token of abstaining: the best other byte comes instead, then the script begins again.
  const std::vector<float> logits = model.logits(second);
  token_id other = 0;
  for (token_id t = 1; t < 256; ++t) {
    if (t != ' ' && logits[static_cast<std::size_t>(t)] > logits[static_cast<std::size_t>(other)]) other = t;
  }
  CHECK(plain[1].abstained);
  CHECK(r[1].answer.find("unanswerable") != std::string::npos);
  CHECK(r[1].n_token == 1 + std::string(" unanswerable").size());
  const std::string wrote(1, static_cast<char>(other));
  CHECK(r[1].log_p_answer == Approx(log_p_all(second, wrote + " unanswerable")).margin(1e-4));
  CHECK(r[1].log_p_answer < -5);
  CHECK(r[1].log_p_abstain > -0.1);
  CHECK(reader.identity() != usual.identity());
}

TEST_CASE("options are scored, and the way out is one of them", "[eren][readers]") {
  const test::scripted_model model(
      {{{"Claim: yes please"}, " yes"}, {{"Claim: no way"}, " no"}, {{"Claim:"}, " unanswerable"}});
  scripted session{model};
  const eren::option_reader reader;
  const auto yes = reader.read(session, one("yes please", {"A is B"})).front();
  CHECK(yes.answer == "yes");
  CHECK_FALSE(yes.abstained);
  CHECK(yes.log_p_answer > yes.log_p_abstain);
  CHECK(reader.read(session, one("no way", {"A is B"})).front().answer == "no");
  const auto open = reader.read(session, one("who knows", {"A is B"})).front();
  CHECK(open.abstained);
  CHECK(open.log_p_abstain > open.log_p_answer);
  CHECK_THROWS_AS(eren::option_reader(std::vector<eren::option_reader::option>{{"yes", "yes"}}), config_error);
}

TEST_CASE("prompts that do not fit are not read, and no sequence is left behind", "[eren][readers]") {
  const test::scripted_model model({}, " x", 400);
  scripted session{model};
  const eren::extractive_reader reader;
  std::vector<eren::reading_task> tasks = one("What?", {std::string(500, 'a')});
  const auto r = reader.read(session, tasks);
  CHECK_FALSE(r.front().done);
  CHECK(session.session().n_sequence() == 0);
}

TEST_CASE("what prompts have in common is computed once", "[eren][readers]") {
  const test::scripted_model model({});
  scripted session{model};
  const eren::extractive_reader reader;
  std::vector<eren::reading_task> tasks;
  for (int i = 0; i < 5; ++i)
    tasks.push_back(
        {"What is the capital of Norway?", {"The capital of Norway is Bergen number " + std::to_string(i)}});
  const std::size_t constant =
      eren::notes_prompt::system.size() + std::string("\n\nNotes:\n1. The capital of Norway is Bergen number ").size();
  const auto first = reader.read(session, tasks);
  std::size_t all = 0;
  for (const auto& r : first) {
    all += r.n_prompt;
    CHECK(r.n_computed + constant <= r.n_prompt);
  }
  CHECK(session.n_computed() + 4 * constant <= all);
  // The same question again costs one token a prompt.
  for (const auto& r : reader.read(session, tasks)) CHECK(r.n_computed == 1);
  // Another question on the same note starts after the note.
  tasks.resize(1);
  tasks[0].question = "Where is Bergen?";
  CHECK(reader.read(session, tasks).front().n_computed < 40);
  session.forget();
  CHECK(session.session().n_sequence() == 0);
}

TEST_CASE("shared and cached prefixes give the logits of plain prompts", "[eren][readers]") {
  const auto model = random_model();
  eren::reading_session session{model, eren::prompt_form()};
  const std::vector<id_list> prompts = {{1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13},
                                        {1, 3, 4, 5, 6, 7, 8, 9, 10, 20, 21},
                                        {1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 30},
                                        {2, 2, 2}};
  for (int round = 0; round < 3; ++round) {
    const auto states = session.read(prompts, std::optional<std::size_t>(2));
    for (std::size_t i = 0; i < prompts.size(); ++i) {
      auto plain = llama::open_session(model);
      const auto logits = plain.next_logits(plain.create(), prompts[i]);
      REQUIRE(states[i].logits.size() == logits.size());
      for (std::size_t t = 0; t < logits.size(); ++t) CHECK(states[i].logits[t] == Approx(logits[t]).margin(1e-4));
      auto states_of = llama::open_session(model);
      const auto hidden = llama::hidden_states(states_of, states_of.create(), prompts[i], 2);
      REQUIRE(states[i].hidden.size() == 64);
      for (std::size_t c = 0; c < 64; ++c)
        CHECK(states[i].hidden[c] == Approx(hidden[(prompts[i].size() - 1) * 64 + c]).margin(1e-3));
      session.release(states[i], prompts[i]);
    }
  }
  CHECK_THROWS_AS(session.read(prompts, std::optional<std::size_t>(9)), config_error);
  CHECK_THROWS_AS(session.read(std::vector<id_list>{{}}), config_error);
  CHECK_THROWS_AS(session.read(std::vector<id_list>{{1000}}), config_error);
}

TEST_CASE("the trie's greedy walk, beside one that scores token by token", "[eren][readers]") {
  const auto model = random_model();
  eren::reading_session session{model, eren::prompt_form()};
  const std::vector<id_list> prompts = {{1, 5, 9}, {1, 5, 10, 11}, {3}};
  const std::vector<eren::answer_choice> choices = {
      {{{7, 8, 9}, {7, 8, 10}, {7, 11}, {12}}}, {{{7}, {7, 8, 9, 10}}}, {{{20, 21, 22}, {23, 24, 25, 26}, {20, 30}}}};
  const auto states = session.read(prompts);
  const auto chosen = eren::choose_answers(session, states, choices);
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    // Brute force: always the likeliest allowed token, each time from a fresh sequence.
    id_list said;
    double log_p = 0;
    for (;;) {
      std::vector<token_id> allowed;
      for (const id_list& c : choices[i].candidates) {
        if (c.size() > said.size() && std::equal(said.begin(), said.end(), c.begin()))
          allowed.push_back(c[said.size()]);
      }
      if (allowed.empty()) break;
      id_list text = prompts[i];
      text.insert(text.end(), said.begin(), said.end());
      auto plain = llama::open_session(model);
      const auto logits = plain.next_logits(plain.create(), text);
      token_id best = allowed.front();
      for (const token_id t : allowed) {
        if (logits[static_cast<std::size_t>(t)] > logits[static_cast<std::size_t>(best)]) best = t;
      }
      log_p += llama::log_probability(logits, best);
      said.push_back(best);
    }
    CHECK(choices[i].candidates[chosen[i].candidate] == said);
    CHECK(chosen[i].n_token == said.size());
    CHECK(chosen[i].log_p == Approx(log_p).margin(1e-4));
  }
  for (std::size_t i = 0; i < prompts.size(); ++i) session.release(states[i], prompts[i]);
  // Scores of continuations, beside llama::score.
  const std::vector<eren::scored_continuation> texts = {{{1, 5, 9}, {7, 8, 9}}, {{3}, {4}}, {{1, 5, 9}, {}}};
  const auto scores = session.score(texts);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    auto plain = llama::open_session(model);
    const auto expected = llama::score(plain, plain.create(), texts[i].prompt, texts[i].continuation);
    REQUIRE(scores[i].size() == expected.size());
    for (std::size_t t = 0; t < expected.size(); ++t) CHECK(scores[i][t] == Approx(expected[t]).margin(1e-4));
  }
  session.forget();
  CHECK(session.session().n_sequence() == 0);
}
