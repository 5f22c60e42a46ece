// Sentences and passages of notes, against texts cut by hand.
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/notes/passages.hpp>

namespace quipu_passages_test {

using namespace quipu;
using views = std::vector<std::string_view>;

TEST_CASE("sentences end where people end them", "[notes][passages]") {
  CHECK(notes::sentences_of("One. Two! Three? Four") == views{"One.", "Two!", "Three?", "Four"});
  CHECK(notes::sentences_of("Dr. Weiss lives on St. John St. 5 with J. R. Smith. He is 5.5 ft tall.") ==
        views{"Dr. Weiss lives on St. John St. 5 with J. R. Smith.", "He is 5.5 ft tall."});
  CHECK(notes::sentences_of("Termin am 3. Mai bei Fr. Dr. Kurz, z. B. um 8. Danach frei.") ==
        views{"Termin am 3. Mai bei Fr. Dr. Kurz, z. B. um 8. Danach frei."});
  CHECK(notes::sentences_of("La Sra. Ruiz vive aquí. ¿Dónde? En la casa.") == views{"La Sra. Ruiz vive aquí.", "¿Dónde?", "En la casa."});
  CHECK(notes::sentences_of("他住在北京。电话是五!好") == views{"他住在北京。", "电话是五!好"});
  CHECK(notes::sentences_of("\"Stop!\" she said. (Really?) Yes") == views{"\"Stop!\" she said.", "(Really?)", "Yes"});
  CHECK(notes::sentences_of("a line\nanother\n\n  third  ") == views{"a line", "another", "third"});
  CHECK(notes::sentences_of(" \n\t").empty());
  CHECK(notes::sentences_of("").empty());
  CHECK(notes::sentences_of("\xff\xfe. \xff").size() == 2);
}

TEST_CASE("passages are runs of whole sentences, and short texts stay whole", "[notes][passages]") {
  const std::string text = "Aaaa aaaa. Bbbb bbbb. Cccc cccc. Dddd dddd.";
  CHECK(notes::passages_of(text) == views{text});
  const notes::passage_options small{.n_whole = 20, .n_byte = 22};
  CHECK(notes::passages_of(text, small) == views{"Aaaa aaaa. Bbbb bbbb.", "Bbbb bbbb. Cccc cccc.", "Cccc cccc. Dddd dddd."});
  CHECK(notes::passages_of("", small).empty());
  const std::string long_word(100, 'x');
  std::size_t n = 0;
  for (const std::string_view part : notes::passages_of(long_word + " " + long_word, small)) {
    CHECK(part.size() <= small.n_byte);
    n += part.size();
  }
  CHECK(n == 200);
  std::string letters;
  for (int i = 0; i < 50; ++i) letters += "北";
  for (const std::string_view part : notes::passages_of(letters, small)) CHECK(part.size() % 3 == 0);
}

}  // namespace quipu_passages_test
