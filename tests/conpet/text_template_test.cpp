#include <quipu/conpet/text_template.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/conpet/any_policies.hpp>
#include <quipu/conpet/cloze_template.hpp>
#include <quipu/conpet/row_choice.hpp>
#include <quipu/conpet/task_selection.hpp>
#include <quipu/core/error.hpp>

#include "conpet/small_streams.hpp"

using namespace quipu;

namespace {

data::labelled_text relation(const std::string& text, const std::string& head, const std::string& tail) {
  data::labelled_text t{text};
  t.head = data::find_mention(text, head);
  t.tail = data::find_mention(text, tail);
  return t;
}

template <class Tokenizer>
std::string spelled(const Tokenizer& tokenizer, const std::vector<token_id>& ids) {
  std::string out;
  for (const token_id id : ids) out += id == tokenizer.bos() ? "<s>" : id == tokenizer.eos() ? "</s>" : std::string(tokenizer.piece(id));
  return out;
}

std::size_t count_of(const std::string& text, const std::string& what) {
  std::size_t n = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

}  // namespace

TEST_CASE("a prompt keeps its words whatever the text's length", "[conpet][text_template]") {
  QUIPU_NEEDS(test::stories_folder());
  const auto m = test::stories();
  const conpet::label_prompt form{"Text: ", " Kind:"};
  const auto whole = form.encode(m.tokenizer(), {"a dog"}, 100);
  CHECK(spelled(m.tokenizer(), whole.tokens) == "<s> Text: a dog Kind:");
  CHECK(whole.marked == whole.tokens.size() - 1);
  std::string text;
  for (int i = 0; i < 200; ++i) text += "word ";
  const auto end = m.tokenizer().encode(" Kind:", text::special::plain);
  for (const std::size_t n : {24, 40, 100}) {
    const auto cut = form.encode(m.tokenizer(), {text}, n);
    CHECK(cut.tokens.size() == n);
    CHECK(spelled(m.tokenizer(), cut.tokens).starts_with("<s> Text: word"));
    CHECK(std::equal(end.rbegin(), end.rend(), cut.tokens.rbegin()));
  }
  CHECK_THROWS_WITH(form.encode(m.tokenizer(), {text}, 5), Catch::Contains("room for more"));
  CHECK_THROWS_AS(form.encode(m.tokenizer(), {"\xFF"}, 100), format_error);
  CHECK(conpet::plain_text{}.encode(m.tokenizer(), {text}, 10).tokens.size() == 10);
  CHECK(form.identity() != conpet::label_prompt{"Text: K", "ind:"}.identity());
}

TEST_CASE("a cloze has its marks and its mask once, at any length", "[conpet][text_template]") {
  QUIPU_NEEDS(test::stories_folder());
  const auto m = test::stories();
  const conpet::cloze form;
  const auto one = relation("Tim has a dog that Lily likes.", "Tim", "Lily");
  const auto e = form.encode(m.tokenizer(), one, 200);
  std::string text = spelled(m.tokenizer(), e.tokens);
  text.erase(std::remove(text.begin(), text.end(), ' '), text.end());
  const std::string zero(1, '\0');
  CHECK(text == "<s>" + zero + "Tim\1hasadogthat\2Lily\3likes.Inthissentence,Lilyisthe\5ofTim.</s>");
  CHECK(m.tokenizer().piece(e.tokens[e.marked]) == "\5");

  // The tail first, both ends far away, both far apart: entities with their marks, suffix and mask stay.
  std::string filler;
  for (int i = 0; i < 80; ++i) filler += "very ";
  for (const auto& t : {relation("Lily has a dog that Tim likes.", "Tim", "Lily"), relation(filler + "Tim saw Lily " + filler, "Tim", "Lily"),
                        relation("Tim saw Lily " + filler, "Tim", "Lily"), relation(filler + "Tim saw Lily", "Tim", "Lily"),
                        relation("Tim " + filler + "Lily " + filler, "Tim", "Lily"), relation(filler + "Lily " + filler + "Tim", "Tim", "Lily")}) {
    for (const std::size_t n : {80, 100, 300}) {
      const auto cut = form.encode(m.tokenizer(), t, n);
      const std::string s = spelled(m.tokenizer(), cut.tokens);
      CHECK(cut.tokens.size() <= n);
      if (t.text.size() > 400 && n < 100) CHECK(cut.tokens.size() == n);
      CHECK(count_of(s, "<s>") == 1);
      CHECK(count_of(s, "</s>") == 1);
      for (const char mark : {'\0', '\1', '\2', '\3', '\5'}) CHECK(count_of(s, std::string(1, mark)) == 1);
      CHECK(s.find(zero) < s.find('\1'));
      CHECK(s.find('\2') < s.find('\3'));
      CHECK(m.tokenizer().piece(cut.tokens[cut.marked]) == "\5");
      CHECK(s.substr(s.find('\5')).find("Tim.") != std::string::npos);
    }
  }
  data::labelled_text entity{"Tim has a dog."};
  entity.head = data::find_mention(entity.text, "dog");
  CHECK(spelled(m.tokenizer(), form.encode(m.tokenizer(), entity, 100).tokens).find("is a\5") != std::string::npos);
  CHECK_THROWS_WITH(form.encode(m.tokenizer(), {"no entities"}, 100), Catch::Contains("entities"));
  CHECK_THROWS_WITH(form.encode(m.tokenizer(), one, 20), Catch::Contains("cloze"));
  auto nested = relation("Tim Lily", "Tim Lily", "Lily");
  CHECK_THROWS_WITH(form.encode(m.tokenizer(), nested, 100), Catch::Contains("one inside the other"));
}

TEST_CASE("rows that stand for a text, and policies that are chosen by name", "[conpet][row_choice]") {
  const conpet::encoded_text e{{5, 6, 7, 8}, 1};
  const auto is = [](llama::row_range r, std::size_t first, std::size_t last) { return r.first == first && r.last == last; };
  CHECK(is(conpet::last_row{}(e), 3, 4));
  CHECK(is(conpet::marked_row{}(e), 1, 2));
  CHECK(is(conpet::mean_row{}(e), 0, 4));
  CHECK(is(conpet::any_rows{conpet::marked_row{}}(e), 1, 2));
  CHECK(conpet::any_selector{conpet::trained_selector{}}.kind_now() == conpet::selector_kind::trained);
  CHECK_THROWS_AS(conpet::any_selector{conpet::oracle_selector{}}.block(3), config_error);
  CHECK(conpet::choose<int>("--x", "b", {{"a", 1}, {"b", 2}}) == 2);
  CHECK_THROWS_WITH(conpet::choose<int>("--x", "c", {{"a", 1}, {"b", 2}}), Catch::Contains("one of a, b") && Catch::Contains("'c'"));
}

TEST_CASE("compositions are what their formulas say", "[conpet][composition]") {
  const std::vector<conpet::task_opinion> opinions = {{0, 0.6, {1, 0}, 2}, {1, 0.2, {3, 0, 0}, 0.5}};
  const auto softmax = [](std::vector<double> z, std::size_t i) {
    double sum = 0;
    for (const double v : z) sum += std::exp(v);
    return std::exp(z[i]) / sum;
  };
  const auto raw = conpet::raw_logits{}(opinions, 4);
  CHECK(raw[1][0] == Approx(softmax({1, 0, 3, 0, 0}, 2)));
  const auto loud = conpet::raw_logits{.null = 0}(opinions, 2);
  CHECK(loud[0][0] == Approx(softmax({1, 0, 3, 0, 0, 0, 0}, 0)));
  const auto hard = conpet::hard_route{}(opinions, 4);
  CHECK(hard[0][0] == Approx(softmax({1, 0}, 0)));
  CHECK(hard[1][0] == 0);
  CHECK(conpet::selector_weighted{}(opinions, 4)[1][0] == Approx(0.25 * softmax({3, 0, 0}, 0)));
  CHECK(conpet::calibrated{}(opinions, 4)[0][1] == Approx(0.75 * softmax({0.5, 0}, 1)));
  CHECK(conpet::calibrated{}(opinions, 4)[1][0] == Approx(0.25 * softmax({6, 0, 0}, 0)));
  CHECK(conpet::any_composition{conpet::hard_route{}}(opinions, 4)[0][0] == hard[0][0]);
}

TEST_CASE("a trained selector's prior is taken off", "[conpet][task_selection]") {
  // Three tasks: the newest had half of each batch. Logits of a perfect model of an even text are the logs of the prior.
  const std::vector<float> z = {static_cast<float>(std::log(0.25)), static_cast<float>(std::log(0.25)), static_cast<float>(std::log(0.5))};
  for (const double p : conpet::task_probabilities(z, 0.5)) CHECK(p == Approx(1.0 / 3).epsilon(1e-6));
  CHECK(conpet::task_probabilities(z, 0)[2] == Approx(0.5).epsilon(1e-6));
  CHECK(conpet::largest(std::vector<double>{1, 3, 3, 2}, 3) == std::vector<std::size_t>{1, 2, 3});
}
