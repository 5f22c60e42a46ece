// Searches that strangers reported: scripts, stop words, tiny sets, erased notes.
#include <quipu/notes/bm25_retriever.hpp>
#include <quipu/notes/hnsw_index.hpp>
#include <quipu/notes/vector_index.hpp>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "support/strangers.hpp"

namespace notes = quipu::notes;
using quipu::test::has_keys;
using quipu::test::stranger;

namespace {

notes::bm25_retriever index_of(const nlohmann::json& job) {
  notes::bm25_retriever index;
  for (const auto& note : job["notes"]) index.add(note[0].get<notes::note_id>(), note[1].get<std::string>());
  for (const auto& id : job.value("erase", nlohmann::json::array())) static_cast<void>(index.erase(id.get<notes::note_id>()));
  return index;
}

}  // namespace

TEST_CASE("the note about what was asked comes first", "[notes][strangers]") {
  for (const stranger& s : quipu::test::strangers_of([](const stranger& x) {
         return has_keys(x.expected, {"first hit by query"}) && has_keys(x.job, {"notes", "queries"});
       })) {
    const auto index = index_of(s.job);
    std::size_t right = 0;
    for (std::size_t q = 0; q < s.job["queries"].size(); ++q) {
      const auto hits = index.retrieve(s.job["queries"][q].get<std::string>(), s.job.value("k", std::size_t{3}));
      right += !hits.empty() && hits.front().id == s.expected["first hit by query"][q].get<notes::note_id>() ? 1 : 0;
    }
    INFO(s.name << ": " << right << " of " << s.job["queries"].size());
    CHECK(right == s.job["queries"].size());
  }
}

TEST_CASE("small and odd sets of notes are searched without surprises", "[notes][strangers]") {
  for (const stranger& s : quipu::test::strangers_of(
           [](const stranger& x) { return std::filesystem::exists(x.input / "jobs.json"); })) {
    nlohmann::json jobs;
    std::ifstream(s.input / "jobs.json") >> jobs;
    for (const auto& [name, job] : jobs.items()) {
      INFO(s.name << "/" << name);
      const auto index = index_of(job);
      for (const auto& query : job["queries"]) {
        const std::size_t k = job.value("k", std::size_t{10});
        const auto hits = index.retrieve(query.get<std::string>(), k);
        CHECK(hits.size() <= std::min(k, index.size()));
        for (const auto& hit : hits) {
          bool there = false;
          for (const auto& note : job["notes"]) there |= note[0].get<notes::note_id>() == hit.id;
          for (const auto& id : job.value("erase", nlohmann::json::array())) there &= id.get<notes::note_id>() != hit.id;
          CHECK(there);
          CHECK(hit.score > 0);
        }
      }
    }
    if (s.expected.contains("quick")) {
      const auto index = index_of(jobs["k above n"]);
      const auto hits = index.retrieve("quick", 50);
      REQUIRE(hits.size() == 2);
      CHECK(hits[0].score == hits[1].score);
      CHECK(hits[0].id == s.expected["quick"]["equal scores"][0].get<notes::note_id>());
    }
    if (std::ifstream file(s.input / "stop_words.json"); file) {
      nlohmann::json job;
      file >> job;
      const auto index = index_of(job);
      std::size_t right = 0;
      for (std::size_t q = 0; q < job["queries"].size(); ++q) {
        const auto hits = index.retrieve(job["queries"][q].get<std::string>(), 3);
        right += !hits.empty() && hits.front().id == job["expected first"][q].get<notes::note_id>() ? 1 : 0;
      }
      CHECK(right == job["queries"].size());
    }
  }
}

TEST_CASE("a graph of vectors finds what exact search finds, step by step", "[notes][strangers]") {
  for (const stranger& s : quipu::test::strangers_of([](const stranger& x) { return has_keys(x.job, {"dimension", "steps"}); })) {
    const auto dimension = s.job["dimension"].get<std::size_t>();
    notes::exact_index exact(dimension);
    notes::hnsw_index graph(dimension);
    for (const auto& step : s.job["steps"]) {
      INFO(s.name << ": " << step);
      const std::string what = step[0].get<std::string>();
      if (what == "add") {
        const auto vector = step[2].get<std::vector<float>>();
        const auto add = [&](auto& index) {
          try {
            index.add(step[1].get<notes::note_id>(), vector);
            return true;
          } catch (const quipu::config_error&) {
            return false;
          }
        };
        CHECK(add(graph) == add(exact));
      } else if (what == "erase") {
        CHECK(graph.erase(step[1].get<notes::note_id>()) == exact.erase(step[1].get<notes::note_id>()));
      } else {
        const auto vector = step[1].get<std::vector<float>>();
        const auto found = graph.search(vector, step[2].get<std::size_t>());
        const auto right = exact.search(vector, step[2].get<std::size_t>());
        REQUIRE(found.size() == right.size());
        for (std::size_t i = 0; i < found.size(); ++i) {
          CHECK(found[i].id == right[i].id);
          CHECK(found[i].score == Approx(right[i].score));
        }
      }
    }
  }
}
