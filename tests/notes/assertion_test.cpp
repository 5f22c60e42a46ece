// What notes deny, doubt, ask or tie to a condition is not what they say.
#include <quipu/notes/assertion.hpp>

#include <span>
#include <string>

#include <catch2/catch.hpp>

namespace quipu_assertion_test {

using quipu::notes::asserts;

namespace {

struct one {
  std::string text, answer, question;
};

void check_all(std::span<const one> cases, bool said) {
  for (const one& c : cases) {
    INFO(c.text << " | " << c.question);
    CHECK(asserts(c.text, c.answer, c.question) == said);
  }
}

}  // namespace

TEST_CASE("denied, doubted and asked words are not asserted", "[notes][assertion]") {
  const one cases[] = {
      {"Mozart was not born in Vienna", "Vienna", "Where was Mozart born?"},
      {"Vienna isn't where Mozart was born", "Vienna", "Where was Mozart born?"},
      {"Vienna isn\u2019t where Mozart was born", "Vienna", "Where was Mozart born?"},
      {"The new office is no longer in Berlin", "Berlin", "Where is the new office?"},
      {"The lamp in the hall is not blue", "blue", "What colour is the lamp in the hall?"},
      {"Bob, not Alice, is Anna's manager", "Alice", "Who is Anna's manager?"},
      {"Alice is not Anna's manager", "Alice", "Who is Anna's manager?"},
      {"Use plan B instead of plan A", "plan A", "Which plan is used?"},
      {"Maybe Anna lives in Bonn", "Bonn", "Where does Anna live?"},
      {"Anna might move to Bonn", "Bonn", "Where does Anna move?"},
      {"Does Anna live in Bonn?", "Bonn", "Where does Anna live?"},
      {"If it rains, the meeting is in room 4", "room 4", "Where is the meeting?"},
      {"The meeting is in room 4 if the weather is bad", "room 4", "Where is the meeting?"},
      {"Der Ofen steht nicht in der K\u00fcche", "K\u00fcche", "Wo steht der Ofen?"},
      {"Wien ist nicht die Hauptstadt Ungarns", "Wien", "Was ist die Hauptstadt Ungarns?"},
      {"Anna trinkt keinen Kaffee", "Kaffee", "Was trinkt Anna?"},
      {"Vielleicht kommt Paul am Montag", "Montag", "Wann kommt Paul?"},
      {"Wenn es regnet, ist die Feier im Keller", "Keller", "Wo ist die Feier?"},
      {"No vive en Madrid", "Madrid", "\u00bfD\u00f3nde vive?"},
      {"Ana nunca come carne", "carne", "\u00bfQu\u00e9 come Ana?"},
      {"Si llueve, la fiesta es en casa", "casa", "\u00bfD\u00f3nde es la fiesta?"},
      {"莫扎特不是在维也纳出生的", "维也纳", "莫扎特在哪里出生？"},
      {"会议可能在四号房间", "四号房间", "会议在哪里？"},
      {"如果下雨，会议在四号房间", "四号房间", "会议在哪里？"},
      {"经理是鲍勃而不是爱丽丝", "爱丽丝", "经理是谁？"},
      {"会议不在四号房间", "四号房间", "会议是不是在四号房间？"},
  };
  check_all(cases, false);
}

TEST_CASE("what a note says beside a denial stays said", "[notes][assertion]") {
  const one cases[] = {
      {"Mozart was born in Salzburg", "Salzburg", "Where was Mozart born?"},
      {"Mozart was born in Salzburg and not in Vienna", "Salzburg", "Where was Mozart born?"},
      {"Mozart was not born in Vienna but in Salzburg", "Salzburg", "Where was Mozart born?"},
      {"Mozart was not born in Vienna. He was born in Salzburg", "Salzburg", "Where was Mozart born?"},
      {"Bob, not Alice, is Anna's manager", "Bob", "Who is Anna's manager?"},
      {"Anna, who does not eat meat, lives in Bonn", "Bonn", "Where does Anna live?"},
      {"Anna does not eat meat", "Anna", "Who doesn't eat meat?"},
      {"Never Say Never Again was directed by Irvin Kershner", "Irvin Kershner", "Who directed it?"},
      {"No Country for Old Men was written by Cormac McCarthy", "Cormac McCarthy", "Who wrote it?"},
      {"The flat is no. 5, Elm Street", "Elm Street", "Where is the flat?"},
      {"Anna speaks not only German but also French", "French", "What does Anna speak?"},
      {"Anna speaks not only German but also French", "German", "What does Anna speak?"},
      {"If it rains, the meeting is in room 4", "room 4", "Where is the meeting when it rains?"},
      {"If it rains, the meeting is in room 4", "room 4", "Where is the meeting if the weather is bad?"},
      {"Paul kommt nicht am Montag, sondern am Dienstag", "Dienstag", "Wann kommt Paul?"},
      {"Ana no vive en Madrid sino en Lugo", "Lugo", "\u00bfD\u00f3nde vive Ana?"},
      {"经理是鲍勃而不是爱丽丝", "鲍勃", "经理是谁？"},
      {"不来梅的市长是安娜", "安娜", "不来梅的市长是谁？"},
      {"The note is in other words", "something else", "What?"},
      {"", "", ""},
  };
  check_all(cases, true);
}

TEST_CASE("whatever the bytes are, only words that stand in the text are denied", "[notes][assertion]") {
  std::string text = "If \xff\xfe not, \xc3";
  for (int i = 0; i < 256; ++i) text += static_cast<char>(i);
  std::size_t n_denied = 0;
  for (std::size_t n = 0; n < text.size(); ++n) {
    const std::string head = text.substr(0, n), tail = text.substr(n), middle = text.substr(text.size() / 2, 3);
    if (!asserts(tail, middle, head)) CHECK(tail.find(middle) != std::string::npos);
    if (asserts(head, "not", "What?")) continue;
    ++n_denied;
    CHECK(head.find("not") != std::string::npos);
  }
  CHECK(n_denied > 0);
}

}  // namespace quipu_assertion_test
