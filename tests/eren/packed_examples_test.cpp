// Several questions on the same notes in one sequence: what is read once, what is learned, how it counts.
#include <quipu/eren/teach/packed_examples.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/llama/training_batch.hpp>

#include "support/byte_model.hpp"

namespace quipu_packed_examples_test {

using namespace quipu;

namespace {

std::vector<eren::reader_example> examples() {
  std::vector<eren::reader_example> all;
  for (const std::string who : {"Ada", "Bo"}) {
    const std::vector<std::string> notes = {who + " lives in Oslo and sells 12 boats"};
    all.push_back({"Where does " + who + " live?", notes, "Oslo", true});
    all.push_back({"Home of " + who + "?", notes, "Oslo", true});
    all.push_back({"How many boats does " + who + " sell?", notes, "12", true});
    all.push_back({"Who is " + who + "'s boss?", notes, "unanswerable", false});
    all.push_back({"How old is " + who + "?", notes, "unanswerable", false});
  }
  return all;
}

// A sequence as text, with what is learned in brackets.
template <class Tokenizer>
std::string marked(const Tokenizer& tokenizer, const train::example& e) {
  std::string out;
  bool inside = false;
  for (std::size_t t = 0; t < e.tokens.size(); ++t) {
    const bool learned = e.labels[t] != llama::ignored_label;
    if (learned) CHECK(e.labels[t] == e.tokens[t]);
    if (learned != inside) out += learned ? "[" : "]";
    inside = learned;
    out += e.tokens[t] == tokenizer.eos() ? std::string("$") : std::string(tokenizer.piece(e.tokens[t]));
  }
  return out + (inside ? "]" : "");
}

}  // namespace

TEST_CASE("questions on the same notes share a sequence, answers never repeat in one", "[eren][packed_examples]") {
  const auto m = test::byte_model();
  const auto all = examples();
  const train::example_list packs = eren::pack_examples(m.tokenizer(), all);
  std::multiset<std::string> asked;
  double sums[2] = {0, 0};
  for (std::size_t i = 0; i < packs.size(); ++i) {
    const std::string text = marked(m.tokenizer(), packs[i]);
    INFO(text);
    const std::string note = text.substr(0, text.find('\n'));
    CHECK(note.starts_with("Note: "));
    CHECK(text.find("Note: ", 1) == std::string::npos);  // read once
    CHECK(text.find("Oslo$") == text.rfind("Oslo$"));
    for (const auto& e : all) {
      if (note != "Note: " + e.notes[0] + ".") continue;
      const std::string turn = "\nQuestion: " + e.question + "\nAnswer:[ " + e.answer + "$]";
      for (std::size_t at = text.find(turn); at != std::string::npos; at = text.find(turn, at + 1)) asked.insert(e.question);
    }
    llama::training_batch batch;
    packs.add(i, batch);
    for (std::size_t row = 0; row < batch.n_row(); ++row) {
      if (batch.targets()[row] == llama::ignored_label) continue;
      CHECK(batch.weights()[row] == packs[i].weights[row + 1]);
    }
    for (std::size_t t = 0, n = 0; t < packs[i].labels.size(); t += n) {  // an answer is a run of labels
      n = 1;
      if (packs[i].labels[t] == llama::ignored_label) continue;
      std::string answer;
      while (t + n <= packs[i].labels.size() && packs[i].labels[t + n - 1] != llama::ignored_label &&
             packs[i].tokens[t + n - 1] != m.tokenizer().eos()) {
        answer += m.tokenizer().piece(packs[i].tokens[t + n - 1]);
        ++n;
      }
      const double weight = static_cast<double>(n) * packs[i].weights[t];
      sums[answer == " unanswerable"] += weight;
      CHECK(weight == Approx(0.5 * 10 / (answer == " unanswerable" ? 4 : 6)));
    }
  }
  CHECK(asked.size() == all.size());
  CHECK(std::set<std::string>(asked.begin(), asked.end()).size() == all.size());
  CHECK(packs.size() == 4);  // "Oslo" twice for each of two notes
  CHECK(sums[0] == Approx(5));
  CHECK(sums[1] == Approx(5));
}

TEST_CASE("packs keep their bounds, and another round makes others", "[eren][packed_examples]") {
  const auto m = test::byte_model();
  const auto all = examples();
  const auto texts = [&](const eren::packing_options& options) {
    const train::example_list packs = eren::pack_examples(m.tokenizer(), all, options);
    std::vector<std::string> out;
    for (std::size_t i = 0; i < packs.size(); ++i) out.push_back(marked(m.tokenizer(), packs[i]));
    return out;
  };
  for (const std::string& text : texts({.n_question = 1})) CHECK(text.find("Question:") == text.rfind("Question:"));
  CHECK(texts({.n_question = 1}).size() == all.size());
  CHECK(texts({.n_question = 6, .n_token = 0}).size() == all.size());
  CHECK(texts({.n_longest = 10}).empty());
  CHECK(texts({}) == texts({}));
  CHECK(texts({}) != texts({.round = 1}));
  const std::vector<eren::reader_example> one_kind(all.begin(), all.begin() + 3);
  CHECK_THROWS_AS(eren::pack_examples(m.tokenizer(), one_kind), config_error);
}

}  // namespace quipu_packed_examples_test
