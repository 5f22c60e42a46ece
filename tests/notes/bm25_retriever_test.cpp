#include <quipu/notes/bm25_retriever.hpp>

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "notes/retrieval_reference.hpp"

using namespace quipu::notes;
using quipu::test::bm25_by_definition;
using quipu::test::random_sentence;
using quipu::test::same_ranking;

TEST_CASE("BM25 returns what the formula over all notes gives", "[notes][bm25_retriever]") {
  // From few notes to several windows of them; vocabularies from crowded to sparse.
  struct shape {
    int n_note, vocabulary, longest;
  };
  for (const shape& s : {shape{1, 5, 3}, {7, 5, 4}, {300, 40, 12}, {3000, 60, 9}, {9000, 30, 5}, {9000, 5000, 25}}) {
    std::mt19937 random(static_cast<unsigned>(s.n_note + s.vocabulary));
    basic_bm25_retriever<all_words> index;
    std::map<note_id, std::string> texts;
    for (int i = 0; i < s.n_note; ++i) {
      const note_id id = 1 + (i * 7919L) % 100003;  // not ascending
      texts[id] = random_sentence(random, s.vocabulary, s.longest);
      index.add(id, texts[id]);
    }
    bm25_by_definition<all_words> definition(texts);
    for (int q = 0; q < (s.n_note > 5000 ? 12 : 40); ++q) {
      const std::string query = random_sentence(random, s.vocabulary, 6);
      for (const std::size_t k : {1u, 5u, 37u}) {
        INFO(s.n_note << " notes, query " << query << ", k " << k);
        const auto expected = definition(query, k);
        const auto found = index.retrieve(query, k);
        REQUIRE(same_ranking(found, expected));
        for (const scored_note& hit : found) CHECK(index.score(query, hit.id) == hit.score);
      }
    }
  }
}

TEST_CASE("adding, erasing and updating one by one equals one bulk index to the last bit", "[notes][bm25_retriever]") {
  std::mt19937 random(11);
  bm25_retriever index;
  std::map<note_id, std::string> texts;
  for (int step = 0; step < 6000; ++step) {
    const note_id id = 1 + static_cast<note_id>(random() % 1500);
    const std::string text = random_sentence(random, 200, 10);
    if (texts.count(id) == 0) {
      index.add(id, text);
      texts[id] = text;
    } else if (random() % 2 == 0) {
      CHECK(index.erase(id));
      CHECK_FALSE(index.erase(id));
      texts.erase(id);
    } else {
      index.update(id, text);
      texts[id] = text;
    }
    if (step % 500 != 499) continue;
    REQUIRE(index.size() == texts.size());
    bm25_retriever bulk;
    for (const auto& [note, content] : texts) bulk.add(note, content);
    for (int q = 0; q < 30; ++q) {
      const std::string query = random_sentence(random, 200, 5);
      CHECK(index.query_weight(query) == bulk.query_weight(query));
      for (const std::size_t k : {1u, 5u, 2000u}) REQUIRE(index.retrieve(query, k) == bulk.retrieve(query, k));
    }
  }
}

TEST_CASE("equal scores come in the order of ids, whatever the order of adding", "[notes][bm25_retriever]") {
  bm25_retriever index;
  for (const note_id id : {9, 3, 7, 1, 5}) index.add(id, "Oslo Norway");
  index.add(2, "Lima Peru");
  const auto found = index.retrieve("norway", 3);
  REQUIRE(found.size() == 3);
  CHECK(found[0].id == 1);
  CHECK(found[1].id == 3);
  CHECK(found[2].id == 5);
  CHECK(found[0].score == found[2].score);
}

TEST_CASE("words count once in the question, and questions without known words find nothing",
          "[notes][bm25_retriever]") {
  bm25_retriever index;
  CHECK(index.retrieve("anything", 5).empty());
  index.add(1, "Oslo is the capital of Norway");
  index.add(2, "Lima is the capital of Peru");
  CHECK(index.retrieve("capital capital Norway", 5) == index.retrieve("capital Norway", 5));
  CHECK(index.retrieve("Hamlet", 5).empty());
  CHECK(index.retrieve("", 5).empty());
  CHECK(index.retrieve("capital", 0).empty());
  CHECK(index.query_weight("capital hamlet hamlet") == index.idf("capital") + index.idf("hamlet"));
  CHECK(index.idf("hamlet") == Approx(std::log(1 + 2.5 / 0.5)));
  CHECK_THROWS_AS(index.add(1, "again"), quipu::config_error);
  CHECK_THROWS_AS(index.add(0, "no id"), quipu::config_error);
  CHECK_THROWS_AS(bm25_retriever({.k1 = 0}), quipu::config_error);
  CHECK_THROWS_AS(bm25_retriever({.b = 1.5}), quipu::config_error);
  index.clear();
  CHECK(index.size() == 0);
  CHECK(index.retrieve("capital", 5).empty());
  index.add(1, "Oslo");
  CHECK(index.retrieve("Oslo", 5).size() == 1);
}

TEST_CASE("huge and odd notes do no harm", "[notes][bm25_retriever]") {
  basic_bm25_retriever<all_words> index;
  std::string long_text, repeated;
  for (int i = 0; i < 100000; ++i) long_text += "t" + std::to_string(i) + " ";
  for (int i = 0; i < 70000; ++i) repeated += "echo ";
  index.add(1, long_text);
  index.add(2, repeated);
  index.add(3, "");
  index.add(4, "\xff\xfe broken \x80 bytes");
  index.add(5, "echo once");
  CHECK(index.retrieve("broken", 3).front().id == 4);
  CHECK(index.retrieve("echo", 3).size() == 2);
  CHECK(index.retrieve(long_text, 3).front().id == 1);
  CHECK(index.erase(1));
  CHECK(index.retrieve("t5", 3).empty());
}

TEST_CASE("b = 0 leaves lengths out, and several threads may search at a time", "[notes][bm25_retriever]") {
  std::mt19937 random(21);
  basic_bm25_retriever<all_words> index({.k1 = 0.9, .b = 0});
  std::map<note_id, std::string> texts;
  for (note_id id = 1; id <= 2000; ++id) index.add(id, texts[id] = random_sentence(random, 80, 9));
  bm25_by_definition<all_words> definition(texts, 0.9, 0);
  std::vector<std::string> queries;
  std::vector<std::vector<scored_note>> expected;
  for (int q = 0; q < 20; ++q) {
    queries.push_back(random_sentence(random, 80, 5));
    expected.push_back(index.retrieve(queries.back(), 5));
    CHECK(same_ranking(expected.back(), definition(queries.back(), 5)));
  }
  std::vector<std::thread> threads;
  std::vector<int> wrong(4);
  for (std::size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t i = 0; i < 200; ++i) {
        const std::size_t q = (i + t) % queries.size();
        wrong[t] += index.retrieve(queries[q], 5) != expected[q] ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == std::vector<int>(4));
}
