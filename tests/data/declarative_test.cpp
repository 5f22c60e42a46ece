#include <quipu/data/declarative.hpp>

#include <optional>
#include <string>

#include <catch2/catch.hpp>

using quipu::data::declarative;

TEST_CASE("questions and their answers become statements", "[data][declarative]") {
  struct example {
    const char *question, *subject, *answer, *statement;
  };
  for (const example& e : {
           example{"Which family does Ramalinaceae belong to?", "Ramalinaceae", "Lamiinae", "The family that Ramalinaceae belongs to is Lamiinae."},
           {"What is the name of Ada's mother?", "Ada", "Eve", "The name of Ada's mother is Eve."},
           {"The mother of Ada is whom?", "Ada", "Eve", "The mother of Ada is Eve."},
           {"The genus Rosa is a part of what family?", "Rosa", "Pinaceae", "The genus Rosa is a part of the family Pinaceae."},
           {"What company produced Emma?", "Emma", "Acme", "The company that produced Emma is Acme."},
           {"Who developed Emma?", "Emma", "Acme", "The person who developed Emma is Acme."},
           {"Which species has the ZIC3 gene?", "ZIC3", "mouse", "The species that has the ZIC3 gene is mouse."},
           {"In which state is Lima located?", "Lima", "Ohio", "The state in which Lima is located is Ohio."},
           {"What state is Lima located?", "Lima", "Ohio", "The state in which Lima is located is Ohio."},
           {"What city did Ada live when she died?", "Ada", "Lima", "The city in which Ada lived when she died is Lima."},
           {"What war did Otto fight in?", "Otto", "the Cod War", "The war that Otto fought in is the Cod War."},
           {"What is the Otto named after?", "Otto", "Ada", "The Otto is named after Ada."},
           {"What voice type is Ada?", "Ada", "tenor", "The voice type of Ada is tenor."},
           {"When was Acme founded?", "Acme", "1912", "Acme was founded in 1912."},
           {"When was Ada born?", "Ada", "3 May 1912", "Ada was born on 3 May 1912."},
           {"When did Acme occur?", "Acme", "1912", "The time when Acme occurred is 1912."},
           {"Where was Ada born?", "Ada", "Lima", "Ada was born in Lima."},
           {"By which company, Emma has been made?", "Emma", "Acme", "The company by which Emma has been made is Acme."},
           {"What status on the endangered list is Otto?", "Otto", "safe", "The status on the endangered list of Otto is safe."},
           {"What is 'Ot?to' made of?", "'Ot?to'", "tin", "'Ot?to' is made of tin."},
           {"who is ada's father?", "Ada", "Otto Jr.", "Ada's father is Otto Jr."},
       }) {
    CHECK(declarative(e.question, e.subject, e.answer).value_or("nothing: " + std::string(e.question)) == e.statement);
  }
  for (const char* other : {"How old is Ada?", "Was Ada a queen?", "Ada is", "What?", "", "?", "In?", "Of what, Ada", "Why did Ada go?", "Ada?"}) {
    CHECK_FALSE(declarative(other, "Ada", "x").has_value());
  }
  CHECK_FALSE(declarative("Who wrote Hamlet?", "Macbeth", "x").has_value());
  CHECK_FALSE(declarative("Who wrote Hamlet?", "", "x").has_value());
}
