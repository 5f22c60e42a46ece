// Claims that hold for every lexical retriever and for what is built from them.
#include <map>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/notes/bm25_retriever.hpp>
#include <quipu/notes/char_ngram_retriever.hpp>
#include <quipu/notes/fts5_retriever.hpp>
#include <quipu/notes/hybrid_retriever.hpp>
#include <quipu/notes/two_hop.hpp>

#include "notes/retrieval_reference.hpp"

using namespace quipu::notes;
using quipu::test::random_sentence;
using quipu::test::same_ranking;

using hybrid = hybrid_retriever<bm25_retriever, char_ngram_retriever<>>;

TEMPLATE_TEST_CASE("a retriever edited step by step equals one built at once", "[notes][retrievers]",
                   char_ngram_retriever<>, fts5_retriever, hybrid, two_hop_retriever<bm25_retriever>) {
  std::mt19937 random(31);
  TestType index;
  std::map<note_id, std::string> texts;
  for (int step = 0; step < 1200; ++step) {
    const note_id id = 1 + static_cast<note_id>(random() % 300);
    const std::string text = random_sentence(random, 60, 8);
    if (random() % 3 == 0) {
      CHECK(index.erase(id) == (texts.erase(id) == 1));
    } else if (texts.count(id) == 0) {
      index.add(id, text);
      texts[id] = text;
    } else {
      index.update(id, text);
      texts[id] = text;
    }
    if (step % 300 != 299) continue;
    TestType bulk;
    for (const auto& [note, content] : texts) bulk.add(note, content);
    REQUIRE(index.size() == texts.size());
    for (int q = 0; q < 20; ++q) {
      const std::string query = random_sentence(random, 60, 5);
      for (const std::size_t k : {1u, 5u, 50u}) REQUIRE(index.retrieve(query, k) == bulk.retrieve(query, k));
    }
  }
  CHECK_THROWS_AS(index.add(texts.begin()->first, "again"), quipu::config_error);
  CHECK(index.retrieve("", 5).empty());
  CHECK(index.retrieve("w1", 0).empty());
  index.clear();
  CHECK(index.size() == 0);
  CHECK(index.retrieve("w1 w2", 5).empty());
}

TEST_CASE("character n-grams score as the formula says", "[notes][retrievers]") {
  std::mt19937 random(41);
  char_ngram_retriever<> index;
  std::map<note_id, std::string> texts;
  static const char* const words[] = {"Norway",    "Norwegian", "capital", "capitals", "of", "Oslo", "language",
                                      "languages", "speak",     "spoken",  "a",        "x1", "2010", "Darrieux"};
  const auto sentence = [&](int n) {
    std::string text;
    for (int i = 0; i < n; ++i) text += std::string(words[random() % 14]) + " ";
    return text;
  };
  for (note_id id = 1; id <= 200; ++id) index.add(id, texts[id] = sentence(1 + static_cast<int>(random() % 7)));
  quipu::test::ngrams_by_definition definition(texts);
  for (int q = 0; q < 50; ++q) {
    const std::string query = sentence(4) + (q % 2 == 0 ? "unheard" : "");
    const auto found = index.retrieve(query, 10);
    REQUIRE(same_ranking(found, definition(query, 10), 1e-9));
    CHECK(index.score(query, found[0].id) == found[0].score);
  }
  CHECK(index.retrieve("Norwegians", 1).size() == 1);
  char_ngram_retriever<> other;
  other.add(1, "東京都");
  CHECK(other.retrieve("東京", 1).size() == 1);  // "<東京" is common: characters count, not bytes
  CHECK_THROWS_AS(char_ngram_retriever<>({.shortest = 5, .longest = 3}), quipu::config_error);
}

TEST_CASE("reciprocal ranks are fused by their formula", "[notes][retrievers]") {
  hybrid index;
  for (const auto& [id, text] : std::map<note_id, std::string>{{1, "Oslo is the capital of Norway"},
                                                               {2, "Norwegian is spoken in Norway"},
                                                               {3, "Lima is the capital of Peru"},
                                                               {4, "Norways"}}) {
    index.add(id, text);
  }
  const std::string query = "capital of Norway";
  const auto& [words, grams] = index.parts();
  std::map<note_id, double> fused;
  const auto first = words.retrieve(query, 100), second = grams.retrieve(query, 100);
  for (std::size_t r = 0; r < first.size(); ++r) fused[first[r].id] += 1.0 / (60.0 + static_cast<double>(r));
  for (std::size_t r = 0; r < second.size(); ++r) fused[second[r].id] += 1.0 / (60.0 + static_cast<double>(r));
  const auto found = index.retrieve(query, 10);
  REQUIRE(found.size() == fused.size());
  CHECK(found.size() == 4);  // only the n-grams see note 4
  CHECK(found[0].id == 1);
  for (const scored_note& hit : found) CHECK(hit.score == Approx(fused[hit.id]).epsilon(1e-14));
  hybrid weighted(bm25_retriever{}, char_ngram_retriever<>{}, {.weights = {2, 1}});
  weighted.add(1, "Oslo is the capital of Norway");
  CHECK(weighted.retrieve(query, 1).front().score == Approx(3.0 / 60));
  CHECK_THROWS_AS(hybrid(bm25_retriever{}, char_ngram_retriever<>{}, {.weights = {1}}), quipu::config_error);
  CHECK_THROWS_AS(hybrid(bm25_retriever{}, char_ngram_retriever<>{}, {.weights = {1, 0}}), quipu::config_error);
}

TEST_CASE("the second hop finds the note that only the first note names", "[notes][retrievers]") {
  two_hop_retriever<bm25_retriever> index;
  index.add(1, "Hamlet was written by Ada Quill");
  index.add(2, "Ada Quill was born in Lima");
  index.add(3, "Peru exports copper");
  const std::string query = "Where was the author of Hamlet born";
  const auto found = index.retrieve(query, 2);
  REQUIRE(found.size() == 2);
  CHECK(found[0].id == 1);
  CHECK(found[1].id == 2);
  CHECK(found[0].score >= found[1].score);
  CHECK(index.retrieve(query, 1).size() == 1);
  CHECK(index.retrieve("Brazil", 2).empty());
}

TEST_CASE("a full-text query names every content word once and quotes it", "[notes][retrievers]") {
  CHECK(fts5_any_word("What is the capital, the capital of \"Norway\"?") == "\"capital\" OR \"norway\"");
  CHECK(fts5_any_word("AND OR NOT NEAR(a*)") == "\"not\" OR \"near\"");
  CHECK(fts5_any_word("?!").empty());
}
