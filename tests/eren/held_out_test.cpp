#include <quipu/eren/study/held_out.hpp>

#include <cstddef>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/core/random.hpp>
#include <quipu/eren/study/evaluation_scores.hpp>

namespace quipu_held_out_test {

namespace data = quipu::data;
namespace eren = quipu::eren;

// Two kinds of notes: what tells whether a note of the first answers is feature 0, of the second feature 1; the other
// feature is noise. One question in scope and one unrelated for each edit.
struct two_kinds {
  std::vector<data::edit_case> cases;
  eren::studied_part development, test;

  two_kinds() {
    quipu::random_stream random(7);
    for (std::size_t i = 0; i < 800; ++i) {
      cases.push_back({});
      cases.back().id = std::to_string(i);
      for (const bool in_scope : {true, false}) {
        eren::evaluation_question q;
        q.edit = i;
        q.kind = in_scope ? eren::question_kind::in_scope : eren::question_kind::unrelated;
        q.group = in_scope ? "" : "same_subj";
        q.accepted = {"right"};
        eren::studied_question s;
        s.found = true;
        s.own_note = in_scope;
        s.right = in_scope;
        s.note = static_cast<quipu::notes::note_id>(i + 1);
        s.answer = "right";
        s.features = {random.normal(), random.normal()};
        s.features[i % 2] += in_scope ? 6 : -6;
        auto& part = i < 400 ? development : test;
        part.questions.push_back(q);
        part.studied.push_back(s);
      }
    }
  }
  static int half_of(quipu::notes::note_id note) { return static_cast<int>((static_cast<std::size_t>(note) - 1) % 2); }
};

TEST_CASE("a gate judged on kinds it never met knows nothing of them, and on those it met everything",
          "[eren][held_out]") {
  const two_kinds set;
  const eren::gate_layout layout{{"first", "second"}};
  const auto scores = [&](const std::vector<eren::evaluation_record>& records) {
    return eren::evaluation_scores(set.test.questions, records).total();
  };
  const auto usual = scores(eren::apply_gate(eren::fit_on(set.cases, set.development, layout), set.test.studied, {}));
  CHECK(usual.quality().value() > 0.97);
  const auto unseen = scores(eren::records_held_out(set.cases, set.development, set.test, two_kinds::half_of, layout));
  CHECK(unseen.quality().value() < 0.7);

  // The questions of half 0 are those of a gate fitted by hand on half 1.
  const auto other = eren::part_where(set.development, [](const auto& s) { return two_kinds::half_of(s.note) == 1; });
  CHECK(other.questions.size() == 400);
  const eren::gate_model m = eren::fit_on(set.cases, other, layout);
  const auto records = eren::records_held_out(set.cases, set.development, set.test, two_kinds::half_of, layout);
  std::size_t n = 0;
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (two_kinds::half_of(set.test.studied[i].note) != 0) continue;
    const double z = m.stack.score(set.test.studied[i].features);
    CHECK(records[i].score == z);
    CHECK(records[i].applied == (z >= m.threshold));
    ++n;
  }
  CHECK(n == 400);
}

TEST_CASE("a damage rate stated on exchangeable questions is kept", "[eren][held_out]") {
  two_kinds set;
  for (auto* part : {&set.development, &set.test}) {  // the classes overlap: something has to be overridden
    for (auto& s : part->studied) s.features = {s.features[0] / 6, s.features[1] / 6};
  }
  const eren::gate_layout layout{{"first", "second"}};
  for (const double rate : {0.05, 0.2}) {
    const eren::gate_model m = eren::fit_on(set.cases, set.development, layout, {.damage = rate});
    const auto total = eren::evaluation_scores(set.test.questions, eren::apply_gate(m, set.test.studied, {})).total();
    const double done = total.overridden().rate().value();
    CHECK(done < rate + 0.04);  // 400 negatives on each side: two deviations of either share
    CHECK(done > rate - 0.08);
  }
}

TEST_CASE("questions without a note are left alone", "[eren][held_out]") {
  const two_kinds set;
  auto test = set.test;
  test.studied[0].found = false;
  const auto records =
      eren::records_held_out(set.cases, set.development, test, two_kinds::half_of, {{"first", "second"}});
  REQUIRE(records.size() == test.studied.size());
  CHECK(!records[0].applied);
  CHECK(records[0].text.empty());
}

}  // namespace quipu_held_out_test
