#include <cstdint>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/report/answer_match.hpp>
#include <quipu/report/edit_scores.hpp>
#include <quipu/report/retrieval_scores.hpp>

using namespace quipu::report;

TEST_CASE("answers are compared in SQuAD's normal form", "[report][scores]") {
  CHECK(normalised_answer("  The Quick, brown-fox! ") == "quick brown fox");
  CHECK(answers_match("the United States.", "United States"));
  CHECK_FALSE(answers_match("United States", "United Kingdom"));
  CHECK(answers_match("", "a"));
  const std::vector<std::string> accepted = {"Bergen", "City of Bergen"};
  CHECK(matches_any("bergen.", accepted));
  CHECK_FALSE(matches_any("Oslo", accepted));
  CHECK(answer_contains("It is Bergen, of course", "bergen"));
  CHECK(answer_contains("It is New York City", "New York"));
  CHECK_FALSE(answer_contains("It is Bergenhus", "Bergen"));
  CHECK_FALSE(answer_contains("anything", ""));
  CHECK(token_f1("Bergen in Norway", "Norway Bergen") == Approx(0.8));
  CHECK(token_f1("x x", "x") == Approx(2.0 / 3));
  CHECK(token_f1("", "") == 1);
  CHECK(token_f1("x", "") == 0);
  CHECK(normalised_answer("Åland øst") == "Åland øst");
}

TEST_CASE("edit scores keep groups apart and follow the rule of preservation", "[report][scores]") {
  edit_scores strict, lenient(preservation_rule::abstained_or_unchanged);
  for (edit_scores* s : {&strict, &lenient}) {
    s->in_scope({.right = true, .applied = true, .own_note = true}, true);
    s->in_scope({.right = false, .applied = true, .own_note = false}, false);
    s->in_scope({.right = true, .applied = false}, false, false);
    s->in_scope({.right = true, .applied = true, .own_note = true}, false);
    s->unrelated("near", {.applied = false, .unchanged = true});
    s->unrelated("near", {.applied = true, .unchanged = true});
    s->unrelated("same", {.applied = true, .unchanged = false});
    s->unrelated("same", {.applied = false, .unchanged = false});
    s->unrelated("same", {.applied = false, .unchanged = true});
    s->unrelated("same", {.applied = false, .unchanged = true});
    s->portability("alias", {.right = true});
  }
  CHECK(strict.success().rate() == 0.75);
  CHECK(strict.reliability().rate() == 1.0);
  CHECK(*strict.generalisation().rate() == Approx(2.0 / 3));
  CHECK(*strict.flipping().rate() == Approx(2.0 / 3));
  CHECK(strict.missed().rate() == 0.25);
  CHECK(*strict.attribution().rate() == Approx(2.0 / 3));
  CHECK(strict.preservation("near") == 0.5);
  CHECK(lenient.preservation("near") == 1.0);
  CHECK(strict.preservation("same") == 0.75);
  CHECK(lenient.preservation("same") == 0.75);
  CHECK(*strict.preservation() == Approx(4.0 / 6));
  CHECK(*strict.preservation({{"near", 10240}, {"same", 7626}}) == Approx((10240 * 0.5 + 7626 * 0.75) / 17866));
  CHECK(*strict.quality("same") == Approx(0.75));
  CHECK_FALSE(strict.preservation("other"));
  CHECK_FALSE(strict.quality("other"));
  CHECK_FALSE(edit_scores().quality());
  CHECK(strict.portable().at("alias").rate() == 1.0);
  edit_scores sum = strict;
  sum += strict;
  CHECK(sum.success().trials == 8);
  CHECK(sum.overridden().rate() == strict.overridden().rate());
  CHECK(sum.preserved().at("same").trials == 8);
}

TEST_CASE("recall and reciprocal rank are counted by question", "[report][scores]") {
  retrieval_scores scores({1, 2, 5});
  using items = std::vector<std::int64_t>;
  scores.count(items{7, 8, 9}, items{8});
  scores.count(items{1, 2, 3}, items{1, 3});
  scores.count(items{}, items{4});
  scores.count(items{1}, items{});  // asks for nothing: not counted
  CHECK(scores.size() == 3);
  CHECK(*scores.recall_any(1) == Approx(1.0 / 3));
  CHECK(*scores.recall_any(2) == Approx(2.0 / 3));
  CHECK(*scores.recall_all(2) == Approx(1.0 / 3));
  CHECK(*scores.recall_all(5) == Approx(2.0 / 3));
  CHECK(*scores.mean_reciprocal_rank() == Approx((0.5 + 1) / 3));
  CHECK_FALSE(scores.recall_any(3));
  CHECK_FALSE(retrieval_scores().mean_reciprocal_rank());
}
