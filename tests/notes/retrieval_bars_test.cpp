// How well the retrievers find the right notes in EREN's sets.
#include <cstddef>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/data/eren_sets.hpp>
#include <quipu/notes/bm25_retriever.hpp>
#include <quipu/notes/char_ngram_retriever.hpp>
#include <quipu/notes/hybrid_retriever.hpp>
#include <quipu/notes/two_hop.hpp>

#include "support/shared_data.hpp"

using namespace quipu;

namespace {

std::filesystem::path set_file(const char* name) { return test::shared_root() / "data" / "edit" / "eren" / name; }

/// Share of the questions whose own note is among the first 1 and the first 5.
struct recall {
  double at1 = 0, at5 = 0;
};

template <class Retriever>
recall measure(const Retriever& index, const std::vector<data::edit_case>& cases, bool with_note) {
  std::size_t n = 0, first = 0, five = 0;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    std::vector<std::string> questions;
    if (with_note) questions.push_back(cases[i].notes.front());
    for (const data::probe& p : cases[i].in_scope) questions.push_back(p.question);
    for (const std::string& question : questions) {
      const auto found = index.retrieve(question, 5);
      const auto own = static_cast<notes::note_id>(i + 1);
      first += !found.empty() && found.front().id == own ? 1 : 0;
      for (const auto& hit : found) five += hit.id == own ? 1 : 0;
      ++n;
    }
  }
  return {static_cast<double>(first) / static_cast<double>(n), static_cast<double>(five) / static_cast<double>(n)};
}

template <class Retriever>
void add_notes(Retriever& index, const std::vector<data::edit_case>& cases) {
  for (std::size_t i = 0; i < cases.size(); ++i) {
    index.add(static_cast<notes::note_id>(i + 1), notes::without_final_period(cases[i].notes.front()));
  }
}

}  // namespace

TEST_CASE("BM25 finds the notes of CounterFact-Hard and FEVER", "[notes][retrieval_bars]") {
  QUIPU_NEEDS(set_file("cfh_filtered.json"));
  const auto hard = data::read_counterfact_hard(set_file("cfh_filtered.json").string());
  notes::bm25_retriever index;
  add_notes(index, hard);
  const recall found = measure(index, hard, false);
  CAPTURE(found.at1, found.at5);
  CHECK(found.at1 >= 0.98);
  CHECK(found.at5 >= 0.995);

  const auto fever = data::read_fever(set_file("fever_filtered.json").string());
  notes::bm25_retriever claims;
  add_notes(claims, fever.edits);
  const recall checked = measure(claims, fever.edits, true);
  CAPTURE(checked.at1, checked.at5);
  CHECK(checked.at5 >= 0.99);
  WARN("BM25 R@1 R@5: CounterFact-Hard " << found.at1 << " " << found.at5 << ", FEVER " << checked.at1 << " "
                                         << checked.at5);
}

TEST_CASE("the hybrid finds the notes of CounterFact-Hard and FEVER too", "[notes][retrieval_bars]") {
  QUIPU_NEEDS(set_file("cfh_filtered.json"));
  const auto hard = data::read_counterfact_hard(set_file("cfh_filtered.json").string());
  notes::hybrid_retriever<notes::bm25_retriever, notes::char_ngram_retriever<>> index;
  add_notes(index, hard);
  const recall found = measure(index, hard, false);
  CHECK(found.at5 >= 0.995);
  const recall grams = measure(std::get<1>(index.parts()), hard, false);
  CHECK(grams.at1 >= 0.975);
  CHECK(grams.at5 >= 0.995);

  const auto fever = data::read_fever(set_file("fever_filtered.json").string());
  notes::hybrid_retriever<notes::bm25_retriever, notes::char_ngram_retriever<>> claims;
  add_notes(claims, fever.edits);
  const recall checked = measure(claims, fever.edits, true);
  CHECK(checked.at5 >= 0.99);
  WARN("R@1 R@5: hybrid, CounterFact-Hard " << found.at1 << " " << found.at5 << ", FEVER " << checked.at1 << " "
                                            << checked.at5 << "; n-grams, CounterFact-Hard " << grams.at1 << " "
                                            << grams.at5);
}

TEST_CASE("both notes of HotpotQA's questions are found, more often in two hops", "[notes][retrieval_bars]") {
  QUIPU_NEEDS(set_file("hotpot.json"));
  auto cases = data::read_hotpot(set_file("hotpot.json").string());
  cases.resize(512);
  notes::hybrid_retriever<notes::bm25_retriever, notes::char_ngram_retriever<>> hybrid;
  notes::two_hop_retriever<notes::bm25_retriever> two_hop;
  notes::note_id next = 1;
  for (const data::edit_case& one : cases) {
    REQUIRE(one.notes.size() == 2);
    for (const std::string& text : one.notes) {
      hybrid.add(next, text);
      two_hop.add(next++, text);
    }
  }
  const auto both = [&](const auto& index) {
    std::size_t n = 0;
    for (std::size_t i = 0; i < cases.size(); ++i) {
      std::size_t own = 0;
      for (const auto& hit : index.retrieve(cases[i].in_scope.front().question, 5)) {
        own += (hit.id + 1) / 2 == static_cast<notes::note_id>(i + 1) ? 1 : 0;
      }
      n += own == 2 ? 1 : 0;
    }
    return static_cast<double>(n) / static_cast<double>(cases.size());
  };
  const double words = both(two_hop.one_hop()), fused = both(hybrid), hops = both(two_hop);
  CHECK(words >= 0.85);
  CHECK(fused >= 0.85);
  CHECK(hops >= 0.92);
  WARN("HotpotQA (512) both@5: BM25 " << words << ", hybrid " << fused << ", two hops " << hops);
}
