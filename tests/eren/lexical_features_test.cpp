// The words, features and groups that gates without a model look at, against the values of the reference
// program (eren_measure/smollm2_gates.py) on invented notes.
#include <quipu/eren/gate/lexical_features.hpp>
#include <quipu/eren/gate/word_pairs.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/eren/reading/question_words.hpp>
#include <quipu/eren/study/relation_groups.hpp>
#include <quipu/notes/bm25_retriever.hpp>

using namespace quipu;

namespace {

const std::vector<std::string> invented_notes = {
    "Danika Vollrath's mother tongue is English", "The headquarters of Acme Søylen is located in Glasgow",
    "Pavel Ünsal plays the trumpet", "Bertie and Osk premiered on NBC in 1984",
    "The House of Dolls was written by Dan Brown", "Oslo is a twin city of Athens", "Kim Ostrava is a citizen of Iraq",
    "Toko Yamada produces Jazz-rock music"};

struct reference {
  std::string question;
  std::size_t note;
  std::string span;
  std::vector<std::string> candidates;
  std::vector<double> features;
  std::size_t n_pair;
  double pair_checksum;  // sum of (bucket + 1) times value
};

const std::vector<reference> references = {
    {"What is Danika Vollrath's native language?", 0, "Danika Vollrath's", {"mother", "tongue", "English"},
     {0.3746144569, 0.3746144569, 0.4952759729, 0.4521147393, 0.3826803185, 0, 0, 0, 0, 2, 5.780743516, 3, 0,
      0, 3, 6.473890696, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 3},
     12, 4089.083},
    {"Where did Danika Vollrath die?", 0, "Danika Vollrath", {"Vollrath's", "mother", "tongue", "English"},
     {0.5418670562, 0.5418670562, 0.5986415103, 0.5450435757, 0.5535340503, 0, 0, 0, 0, 1, 2.890371758, 3, 0,
      0, 2, 3.583518938, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 4},
     12, 3378.076},
    {"In which city is Acme Søylen headquartered?", 1, "Acme Søylen", {"located", "Glasgow"},
     {0.424405585, 0.1926649395, 0.6432871456, 0.4797340505, 0.7832282478, 1, 2.890371758, 0.5, 0.6173196815,
      1, 1.791759469, 3, 0.7272727273, 0, 2, 4.682131227, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 2},
     30, 5569.973},
    {"Who wrote The House of Dolls?", 4, "The House of Dolls", {"written", "Dan", "Brown"},
     {0.5418670562, 0.5418670562, 0.5558867335, 0.543320101, 0.5535340503, 0, 0, 0, 0, 1, 2.890371758, 3, 0, 0,
      4, 11.56148703, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 3},
     8, 4420.832},
    {"On what network did Bertie and Osk debut?", 3, "Bertie and Osk", {"premiered", "NBC", "1984"},
     {0.3746144569, 0.3746144569, 0.4165100454, 0.4051373369, 0.3826803185, 0, 0, 0, 0, 2, 5.780743516, 3, 0,
      0, 3, 7.572502985, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 3},
     20, 5060.445},
    {"What instrument does Pavel Ünsal's brother play?", 2, "Pavel Ünsal's", {"trumpet"},
     {0.3126143256, 0.3126143256, 0.5319109988, 0.4238743054, 0.5282810229, 1, 2.890371758, 0.3333333333,
      0.3333333333, 2, 5.780743516, 2, 0.3333333333, 0, 3, 6.473890696, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1},
     10, 3581.279},
    {"Which country's citizen is Kim Ostrava?", 6, "Kim Ostrava", {"Iraq"},
     {0.6952219365, 0.6952219365, 0.7820655446, 0.730310798, 0.6503152565, 1, 1.791759469, 0.5, 0.3826803185,
      1, 2.890371758, 2, 0.8, 0, 2, 3.583518938, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1},
     19, 4010.092},
    {"What is the capital of Peru?", 2, "", {"Pavel", "Ünsal", "plays", "trumpet"},
     {0, 0, 0.02764612649, 0.02764612649, 0, 0, 0, 0, 0, 2, 5.780743516, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0,
      0, 0, 0, 0, 4},
     24, 5132.701},
    {"of the in", 5, "", {"Oslo", "twin", "city", "Athens"},
     {0, 0, 0.06927589647, 0.04893158998, 0, 0, 0, 0, 0.5, 0, 0, 4, 0, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0,
      1, 0, 4},
     18, 4113.476},
    {"When was Bertie and Osk_s first airing?", 3, "Bertie and Osk", {"premiered", "NBC", "1984"},
     {0.3746144569, 0.3746144569, 0.4269020688, 0.4152456086, 0.3826803185, 0, 0, 0, 0, 2, 5.780743516, 3, 0,
      0, 3, 7.572502985, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 3},
     20, 5310.438},
    {"What is the twin city of Oslo?", 5, "twin city", {"Athens"},
     {1.069053708, 1.069053708, 0.8063308173, 0.7394519318, 1, 1, 1.791759469, 1, 1, 0, 0, 2, 1, 0, 2,
      3.583518938, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 1},
     20, 5239.107},
};

}  // namespace

TEST_CASE("words, topic and answer candidates are those of the reference program", "[eren][lexical_features]") {
  for (const reference& r : references) {
    INFO(r.question);
    CHECK(eren::shared_span(r.question, invented_notes[r.note]) == r.span);
    CHECK(eren::answer_candidates(invented_notes[r.note], r.question) == r.candidates);
  }
  CHECK(eren::stem("speaking") == "speak");
  CHECK(eren::stem("speaks") == "speak");
  CHECK(eren::stem("used") == "used");
  CHECK(eren::stem("notes") == "not");
  CHECK(eren::stem("is") == "is");
  CHECK(eren::stem("") == "");
  CHECK(eren::shared_span("", "x") == "");
  CHECK(eren::answer_candidates("", "x").empty());
  CHECK(eren::answer_candidates("...", "x").empty());
}

TEST_CASE("lexical features and word pairs are those of the reference program", "[eren][lexical_features]") {
  notes::bm25_retriever index;
  for (std::size_t i = 0; i < invented_notes.size(); ++i)
    index.add(static_cast<notes::note_id>(i + 1), invented_notes[i]);
  for (const reference& r : references) {
    REQUIRE(r.features.size() == eren::lexical_feature_names.size());
    // Scores of the two best notes enter as they are; only their use is compared here.
    const eren::retrieval_evidence scores{r.features[0], r.features[0] - r.features[1], r.features[2],
                                          r.features[2] - r.features[3]};
    const auto found = eren::lexical_features(r.question, invented_notes[r.note], scores,
                                              [&](std::string_view word) { return index.idf(word); });
    for (std::size_t i = 0; i < found.size(); ++i) {
      INFO(r.question << ": " << eren::lexical_feature_names[i]);
      CHECK(found[i] == Approx(r.features[i]).epsilon(1e-8).margin(1e-9));
    }
    const double weight = index.query_weight(r.question);
    const auto words = eren::lower_words(r.question);
    // The reference program's index has no stop words, so a question of nothing else finds nothing there.
    const bool only_stop_words = std::all_of(words.begin(), words.end(), [](const auto& word) { return notes::is_stop_word(word); });
    if (!only_stop_words) {
      CHECK(index.score(r.question, static_cast<notes::note_id>(r.note + 1)) / weight ==
            Approx(r.features[0]).epsilon(1e-7).margin(1e-9));
    }
    const auto pairs = eren::word_pair_features(r.question, invented_notes[r.note]);
    std::vector<double> as_feature(eren::word_pairs::names().size());
    eren::word_pairs()(r, {.question = r.question, .notes = {invented_notes[r.note]}}, as_feature);
    for (std::size_t k = 0; k < pairs.size(); ++k) CHECK(as_feature.at(k) == 3.0 * static_cast<double>(pairs[k]));
    std::size_t n_pair = 0;
    double checksum = 0;
    for (std::size_t k = 0; k < pairs.size(); ++k) {
      n_pair += pairs[k] != 0 ? 1 : 0;
      checksum += static_cast<double>(k + 1) * static_cast<double>(pairs[k]);
    }
    CHECK(n_pair == r.n_pair);
    CHECK(checksum == Approx(r.pair_checksum).epsilon(1e-5));
  }
}

TEST_CASE("notes fall into the groups of relations of the reference program", "[eren][lexical_features]") {
  const eren::relation_groups relation;
  const std::vector<std::string> groups = {"language", "head", "sport", "network", "other", "twin", "citizen", "maker"};
  for (std::size_t i = 0; i < groups.size(); ++i) CHECK(relation(invented_notes[i]) == groups[i]);
  CHECK(relation("Ada is a painter") == "profession");
  CHECK(relation("It was created in 1990") == "head");
  CHECK(relation("She created Java") == "maker");
  CHECK(relation("The owl hoots") == "other");
  CHECK(relation("She owns a boat") == "owner");
  CHECK(relation(std::string(1 << 20, 'x')) == "other");
  CHECK(eren::relation_groups::half_of("capital") == static_cast<int>(crc32("capital") % 2));
}
