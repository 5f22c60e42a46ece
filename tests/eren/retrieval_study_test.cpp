// What counts as a paraphrase, and the ranks that the table of retrievers is made of.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/eren/study/retrieval_study.hpp>

namespace quipu_retrieval_study_test {

using namespace quipu;

namespace {

// Gives the same ranking for each question it knows, whatever the notes are.
struct scripted_retriever {
  std::vector<std::pair<std::string, std::vector<notes::scored_note>>> rankings;
  std::size_t n_note = 0;

  void add(notes::note_id, std::string_view) { ++n_note; }
  bool erase(notes::note_id) { return false; }
  void update(notes::note_id, std::string_view) {}
  void clear() { n_note = 0; }
  [[nodiscard]] std::size_t size() const { return n_note; }
  [[nodiscard]] std::vector<notes::scored_note> retrieve(std::string_view query, std::size_t k) const {
    for (const auto& [question, ranking] : rankings) {
      if (question == query)
        return {ranking.begin(), ranking.begin() + static_cast<std::ptrdiff_t>(std::min(k, ranking.size()))};
    }
    return {};
  }
};

}  // namespace

TEST_CASE("a paraphrase shares the subject with its note and nothing else", "[eren][retrieval_study]") {
  using eren::is_paraphrase;
  const std::string note = "Danielle Darrieux's mother tongue is English", subject = "Danielle Darrieux";
  CHECK(is_paraphrase("What is Danielle Darrieux's native language?", note, subject));
  CHECK_FALSE(is_paraphrase("What is the mother tongue of Danielle Darrieux?", note, subject));
  CHECK_FALSE(is_paraphrase("Which mothers speak like Danielle Darrieux?", note, subject));  // by the stem
  // The answer leads there too
  CHECK_FALSE(is_paraphrase("Does Danielle Darrieux speak english?", note, subject));
  CHECK(is_paraphrase("Is it what she does?", note, subject));                               // stop words do not count
  CHECK(is_paraphrase("", note, subject));
  // Without a subject the note's words with capitals stand for it, beyond ASCII as well.
  CHECK(is_paraphrase("Danielle Darrieux speaks French?", note));
  CHECK(is_paraphrase("Is english what Darrieux speaks?", note));
  CHECK_FALSE(is_paraphrase("Which tongue has Darrieux?", note));
  CHECK(is_paraphrase("Was Łódź built?", "Łódź is a city"));
  CHECK_FALSE(is_paraphrase("Was łódź a city?", "Łódź is a city"));
  CHECK_FALSE(is_paraphrase("Was łódź built?", "the name łódź is old"));
}

TEST_CASE("the questions of a set with the ids of their notes", "[eren][retrieval_study]") {
  std::vector<data::edit_case> cases(4);
  cases[0].notes = {"Rome is a city."};
  cases[0].subject = "Rome";
  cases[0].in_scope = {
      {"Is Rome a city?", {"yes"}, {}}, {"Is Rome a town?", {"yes"}, {}}, {"Is Rome a city?", {"yes"}, {}}};
  cases[1].unrelated = {{"out_of_scope", {{"Is Oslo a town?", {}, {}}}, {}}};  // no note: not live
  cases[2].notes = {"Ann lives in Oslo.", "Oslo is cold."};
  cases[2].in_scope = {{"Is it cold where Ann lives?", {"yes"}, {}}, {"Which home has Ann that is cold?", {"yes"}, {}}};
  cases[3].notes = {"Bob sings."};
  const auto set = eren::retrieval_set_of(cases);
  CHECK(set.notes == std::vector<std::string>{"Rome is a city", "Ann lives in Oslo", "Oslo is cold", "Bob sings"});
  REQUIRE(set.questions.size() == 4);
  CHECK(set.questions[0].wanted == std::vector<notes::note_id>{1});
  CHECK_FALSE(set.questions[0].paraphrased);
  CHECK(set.questions[1].question == "Is Rome a town?");
  CHECK(set.questions[1].paraphrased);
  CHECK(set.questions[2].wanted == std::vector<notes::note_id>{2, 3});
  CHECK_FALSE(set.questions[2].paraphrased);
  CHECK(set.questions[3].paraphrased);  // of one of its two notes
  CHECK(set.n_paraphrase() == 2);
  CHECK(set.n_wanted() == 2);
  CHECK(eren::retrieval_set_of(cases, 1).notes.size() == 1);
  CHECK(eren::retrieval_set_of(cases, 2).notes.size() == 3);
  CHECK(eren::retrieval_set_of({}).n_wanted() == 0);
}

TEST_CASE("scores of a retriever by hand", "[eren][retrieval_study]") {
  // Places of the right note: 1, 3, 6, none.
  eren::retrieval_set one{std::vector<std::string>(7, "x"),
                          {{"a", {1}, false}, {"b", {2}, true}, {"c", {3}, true}, {"d", {4}, false}}};
  scripted_retriever r{{{"a", {{1, 9}, {2, 8}}},
                        {"b", {{7, 3}, {6, 3}, {2, 3}}},
                        {"c", {{1, 6}, {2, 5}, {4, 4}, {5, 3}, {6, 2}, {3, 1}}}}};
  eren::add_notes_of(one, r);
  CHECK(r.size() == 7);
  const auto s = eren::score_retriever("scripted", r, one);
  CHECK(s.all.size() == 4);
  CHECK(s.all.recall_any(1) == 0.25);
  CHECK(s.all.recall_any(3) == 0.5);
  CHECK(s.all.recall_any(5) == 0.5);
  CHECK(*s.all.mean_reciprocal_rank() == Approx((1 + 1.0 / 3 + 1.0 / 6) / 4));
  CHECK(s.paraphrased.size() == 2);
  CHECK(s.paraphrased.recall_any(1) == 0.0);
  CHECK(s.paraphrased.recall_any(5) == 0.5);
  CHECK(s.two_hops.size() == 0);
  CHECK(*eren::score_retriever("shallow", r, one, 5).all.mean_reciprocal_rank() == Approx((1 + 1.0 / 3) / 4));
  CHECK(eren::retrieval_table({&s, 1}, one).csv() ==
        "retriever,questions,R@1,R@3,R@5,MRR,\"R@1, 2 paraphrases\",\"R@5, 2 paraphrases\",\"MRR, 2 "
        "paraphrases\"\nscripted,4,25,50,50,0.375,0,50,0.25\n");

  // Two notes a question: the second is found only by the text of the first.
  eren::retrieval_set two{{"alpha", "beta", "gamma"}, {{"a", {1, 3}, true}, {"b", {1, 2}, false}}};
  scripted_retriever hops{{{"a", {{1, 2}, {2, 1}}}, {"a alpha", {{1, 5}, {3, 4}}}, {"b", {{1, 2}, {2, 1}}}}};
  const auto both = eren::score_retriever("hops", hops, two);
  CHECK(both.all.recall_any(5) == 1.0);
  CHECK(both.all.recall_all(2) == 0.5);
  CHECK(both.all.recall_all(5) == 0.5);
  CHECK(both.two_hops.recall_all(5) == 1.0);
  CHECK(both.paraphrased.recall_all(5) == 0.0);
  CHECK(both.two_hops_paraphrased.recall_all(5) == 1.0);
  CHECK(eren::retrieval_table({&both, 1}, two).csv() ==
        "retriever,questions,any@5,both@2,both@5,two hops both@5,\"both@5, 1 paraphrases\",\"two hops both@5, 1 "
        "paraphrases\"\nhops,2,100,50,50,100,0,100\n");
}

}  // namespace quipu_retrieval_study_test
