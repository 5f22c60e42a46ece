// Which notes correct earlier ones: pairs as people write them, in four languages, and notes that only look alike.
#include <quipu/notes/corrections.hpp>

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <quipu/data/open_set.hpp>
#include <quipu/notes/bm25_retriever.hpp>
#include <quipu/notes/memory_store.hpp>
#include <quipu/notes/notebook.hpp>

#include "support/shared_data.hpp"

using namespace quipu;
using notes::revision;

namespace {

struct pair_of_notes {
  const char *older, *newer;
};

// The newer note takes the older one's place.
constexpr pair_of_notes replacing[] = {
    // English
    {"The capital of Norway is Bergen.", "The capital of Norway is Trondheim."},
    {"The capital of Norway is Bergen.", "Norway's capital is Trondheim"},
    {"The capital of Norway is Bergen.", "Trondheim is the capital of Norway."},
    {"Anna's manager is Alice.", "Anna's manager is Bob."},
    {"Alice is Anna's manager.", "Bob is Anna's manager"},
    {"Anna’s manager is Alice.", "Anna's manager is Bob Miller."},
    {"Anna's manager is Alice", "Anna's new manager is Bob"},
    {"Lena's shoe size is 38", "Correction: Lena's shoe size is 40"},
    {"Lena's shoe size is 38", "Actually, Lena's shoe size is 40"},
    {"Lena's shoe size is 38", "Lena's shoe size is now 40."},
    {"The meeting with Kovacs is on Tuesday", "The meeting with Kovacs is now on Friday"},
    {"The meeting with Kovacs is on Tuesday at 9", "The meeting with Kovacs is on Friday at 10:30"},
    {"The wifi password is tulip7", "The wifi password is now rose99"},
    {"The deadline for the report is 3 May.", "The deadline for the report is 10 June."},
    {"Peter's phone number is 030 1234567", "Peter's phone number is 030 7654321"},
    {"Mia's birthday is on 3 May", "Mia's birthday is on 4 May"},
    {"Tom lives in Leeds.", "Tom now lives in York."},
    {"Tom lives in Leeds.", "Tom lives in York now"},
    {"Tom lives in Leeds.", "Tom has moved from Leeds to York."},
    {"Tom lives in Leeds.", "Tom no longer lives in Leeds but in York."},
    {"Anna speaks French.", "Correction: Anna speaks German, not French."},
    {"The ticket to the museum costs 12 euros.", "The ticket to the museum costs 14 euros."},
    {"The library opens at 9.", "The library opens at 10."},
    {"The plumber's phone number is 555-0101.", "Update: the plumber's phone number is 555-0199."},
    {"Anna's manager is Alice.", "From now on Anna's manager is Bob."},
    {"Anna's manager is Alice.", "Anna's manager is Bob, not Alice."},
    {"Tom's car is red.", "Correction: Tom's car is blue."},
    {"Anna works at Siemens.", "Anna now works at Bosch."},
    {"The yoga class is on Tuesday.", "The yoga class is now on Friday."},
    {"My phone number is 5550000.", "My new phone number is 5553333."},
    // German
    {"Tom wohnt in Bonn.", "Tom ist von Bonn nach Ulm gezogen."},
    {"Annas Chef ist Tom.", "Jetzt ist Annas Chef Bob."},
    {"Die Hauptstadt von Norwegen ist Bergen.", "Die Hauptstadt von Norwegen ist Trondheim."},
    {"Die Hauptstadt Norwegens ist Bergen.", "Die Hauptstadt von Norwegen ist Trondheim."},
    {"Annas Chefin ist Alice.", "Annas Chefin ist jetzt Berta."},
    {"Annas Chef ist Tom", "Annas Chef ist Bob"},
    {"Lenas Schuhgröße ist 38", "Korrektur: Lenas Schuhgröße ist 40"},
    {"Lenas Schuhgröße ist 38.", "Lenas Schuhgröße ist doch 40."},
    {"Der Termin mit Kovacs ist am Dienstag.", "Der Termin mit Kovacs ist jetzt am Freitag."},
    {"Das WLAN-Passwort ist Tulpe7", "Das WLAN-Passwort ist ab jetzt Rose99"},
    {"Peters Telefonnummer lautet 030 1234567", "Peters Telefonnummer lautet 030 7654321"},
    {"Tom wohnt in Leipzig.", "Tom wohnt jetzt in Bonn."},
    {"Die Miete kostet 500 Euro.", "Die Miete kostet 550 Euro."},
    {"Die Bibliothek öffnet um 9 Uhr.", "Die Bibliothek öffnet um 10 Uhr."},
    {"Annas Chef ist Tom", "Bob ist Annas Chef"},
    {"Die Besprechung mit Kovacs findet am Dienstag statt.", "Die Besprechung mit Kovacs findet am Freitag statt."},
    // Spanish
    {"La capital de Noruega es Bergen.", "La capital de Noruega es Trondheim."},
    {"El jefe de Ana es Pedro.", "El jefe de Ana es Luis."},
    {"El jefe de Ana es Pedro.", "El nuevo jefe de Ana es Luis."},
    {"La talla de zapato de Lena es 38", "Corrección: la talla de zapato de Lena es 40"},
    {"La talla de zapato de Lena es 38", "En realidad, la talla de zapato de Lena es 40"},
    {"La reunión con Kovacs es el martes", "La reunión con Kovacs es ahora el viernes"},
    {"Tom vive en León.", "Tom vive ahora en Burgos."},
    {"El número de teléfono de Ana es 91 123", "El número de teléfono de Ana es 91 456"},
    {"La entrada cuesta 12 euros.", "La entrada cuesta 14 euros."},
    // Chinese
    {"挪威的首都是卑尔根。", "挪威的首都是特隆赫姆。"},
    {"安娜的经理是李明。", "安娜的经理现在是王芳。"},
    {"李明是安娜的经理。", "王芳是安娜的经理。"},
    {"莱娜的鞋码是38", "更正：莱娜的鞋码是40"},
    {"莱娜的鞋码是38", "其实莱娜的鞋码是40"},
    {"我的电话号码是123456", "我的电话号码是654321"},
    {"和科瓦奇的会议在星期二。", "和科瓦奇的会议改在星期五。"},
    {"汤姆住在利兹。", "汤姆现在住在约克。"},
    {"图书馆九点开门。", "图书馆十点开门。"},
    {"汤姆住在利兹。", "汤姆从利兹搬到了约克。"},
};

// Both stay.
constexpr pair_of_notes keeping[] = {
    // values that can be several
    {"Anna speaks French.", "Anna speaks German."},
    {"Anna speaks French.", "Anna now speaks German."},
    {"Peter likes coffee.", "Peter likes tea."},
    {"Tom visited Rome.", "Tom visited Paris."},
    {"Tom is a member of the chess club.", "Tom is a member of the choir."},
    {"Lena plays the piano.", "Lena plays the flute."},
    {"Tom has a dog.", "Tom has a cat."},
    {"Tom owns a boat.", "Tom owns a house."},
    {"A sister of Anna is Maria.", "A sister of Anna is Clara."},
    {"Anna's sister is Maria.", "Anna's sister is Clara."},
    {"The phone number of Anna's sister is 123456.", "The phone number of Anna's sister is 654321."},
    {"Anna's brother is called Tom.", "Anna's brother is called Max."},
    {"The name of Anna's dog is Rex.", "The name of Anna's dog is Bello."},
    {"The name of the child of Anna is Rex.", "The name of the child of Anna is Tim."},
    {"Anna works at Siemens.", "Anna works at Bosch."},
    {"Anna is a doctor.", "Anna is a mother."},
    // somebody or something else
    {"Anna's manager is Alice.", "Hanna's manager is Bob."},
    {"Anna Schmidt's manager is Alice.", "Anna Weber's manager is Bob."},
    {"Anna's manager is Alice.", "Anna Weber's manager is Bob."},
    {"Anna's manager is Alice.", "Anna's assistant is Bob."},
    {"Anna's work phone number is 123456.", "Anna's home phone number is 654321."},
    {"The capital of Norway is Bergen.", "The largest city of Norway is Oslo."},
    {"The capital of Norway is Bergen.", "The old capital of Norway is Trondheim."},
    {"Lena's shoe size is 38.", "Lena's dress size is 40."},
    {"The code of gate 3 is 1234.", "The code of gate 4 is 4321."},
    {"Flight 12 leaves from gate 3.", "Flight 12 leaves from gate 4."},
    {"The train to Leeds leaves at 9:15.", "The train to Leeds leaves at 10:15."},
    {"Mom's birthday is on Sunday.", "Mom's birthday is on 3 May."},
    // another unit or time
    {"On Monday the shop opens at 9.", "On Tuesday the shop opens at 10."},
    {"The shop opens at 9 on Monday.", "The shop opens at 10 on Tuesday."},
    {"The ticket costs 5 euros.", "The ticket costs 5 dollars."},
    {"The price of the ticket is 5 euros.", "The price of the ticket is 6 dollars."},
    {"Tom's height is 1.80 m.", "Tom's height is 180 cm."},
    {"The meeting with Kovacs is on Tuesday.", "The meeting with Kovacs is in room 4."},
    {"The yoga class is on Tuesday.", "The yoga class is on Friday."},
    {"Anna's exam is on Tuesday.", "Anna's exam is on Friday."},
    // more specific, or about the same thing
    {"Anna's manager is Bob.", "Anna's manager is Bob Miller."},
    {"Tom lives in England.", "Tom lives in Leeds."},
    {"Anna was born in Germany.", "Anna was born in Hamm."},
    {"Mia's birthday is on 3 May.", "Mia's birthday is on 3 May 2010."},
    {"Anna's address is Main Street 5.", "Anna's address is Main Street 5, Leeds."},
    {"The meeting with Kovacs is on Tuesday.", "The meeting with Kovacs is on Tuesday at 9."},
    {"Anna's manager is Alice.", "Anna's manager is nice."},
    {"Anna's manager is Alice.", "Anna's manager is German."},
    {"Anna's manager is Alice.", "Anna's manager is a friend of Tom's."},
    {"Anna's manager is Alice.", "Anna's manager is in Berlin."},
    {"Anna was born in Leeds.", "Anna was born on 3 May."},
    {"The capital of Norway is Bergen.", "The capital of Norway is beautiful."},
    {"Tom's car is fast.", "Correction: Tom's car is blue."},
    {"Tom's car is red.", "Actually, Tom's car is fast."},
    {"Tom lives in Leeds.", "Tom now lives in a flat."},
    {"Tom lives in Leeds.", "Tom has moved from Bonn to York."},
    {"Anna's manager is Alice.", "Correction: Anna's manager is on holiday."},
    {"The ticket costs 12 euros for adults.", "The ticket costs 6 euros for children."},
    {"The price of the ticket for adults is 12 euros.", "The price of the ticket for children is 6 euros."},
    {"Anna's husband is Peter.", "Anna's second husband is Jim."},
    // denials, questions, what is not sure or not of now
    {"Anna's manager is Alice.", "Anna's manager is not Bob."},
    {"Anna's manager is not Alice.", "Anna's manager is Bob."},
    {"Anna's manager is Alice.", "Is Anna's manager Bob?"},
    {"Anna's manager is Alice.", "Anna's manager is Bob?"},
    {"Anna's manager is Alice.", "Maybe Anna's manager is Bob."},
    {"Anna's manager is Alice.", "Anna's manager was Bob."},
    {"Anna's manager is Alice.", "Until May Anna's manager is Bob."},
    {"Anna's manager is Alice.", "Tom thinks Anna's manager is Bob."},
    {"Anna's manager is Alice.", "Anna's manager is also Bob."},
    {"Anna's manager is Alice.", "Anna's manager is Bob. He lives in Leeds."},
    {"Anna's manager is Alice.", "If Anna changes teams, Anna's manager is Bob."},
    // German
    {"Anna spricht Deutsch.", "Anna spricht Englisch."},
    {"Peter mag Kaffee.", "Peter mag Tee."},
    {"Annas Schwester ist Maria.", "Annas Schwester ist Clara."},
    {"Annas Mutter ist Maria.", "Annas Mutter ist Lehrerin."},
    {"Annas Chef ist Tom.", "Annas Chef ist Ingenieur."},
    {"Annas Chef ist Tom.", "Annas Chef ist nett."},
    {"Annas Chef ist Tom.", "Annas Chef ist nicht Bob."},
    {"Annas Chef ist Tom.", "Hannas Chef ist Bob."},
    {"Annas Chef ist Tom.", "Annas früherer Chef ist Bob."},
    {"Der Laden öffnet am Montag um 9 Uhr.", "Der Laden öffnet am Dienstag um 10 Uhr."},
    {"Lenas Schuhgröße ist 38.", "Lenas Handschuhgröße ist 7."},
    {"Tom wohnt in Sachsen.", "Tom wohnt in Leipzig."},
    {"Die Hauptstadt von Norwegen ist Bergen.", "Die größte Stadt von Norwegen ist Oslo."},
    {"Der Zug nach Bonn fährt um 9:15.", "Der Zug nach Bonn fährt um 10:15."},
    // Spanish
    {"Ana habla francés.", "Ana habla alemán."},
    {"A Pedro le gusta el café.", "A Pedro le gusta el té."},
    {"La hermana de Ana es María.", "La hermana de Ana es Clara."},
    {"El jefe de Ana es Pedro.", "El jefe de Ana es médico."},
    {"El jefe de Ana es Pedro.", "El jefe de Ana no es Luis."},
    {"El jefe de Ana es Pedro.", "El antiguo jefe de Ana es Luis."},
    {"El jefe de Ana es Pedro.", "El jefe de Juana es Luis."},
    {"La tienda abre a las 9 los lunes.", "La tienda abre a las 10 los martes."},
    {"La entrada cuesta 5 euros.", "La entrada cuesta 5 pesos."},
    // Chinese
    {"安娜会说法语。", "安娜会说德语。"},
    {"汤姆住在利兹。", "汤姆现在住在学校里。"},
    {"彼得喜欢咖啡。", "彼得喜欢茶。"},
    {"安娜的经理是李明。", "安娜的经理是德国人。"},
    {"安娜的经理是李明。", "安娜的经理不是王芳。"},
    {"安娜的经理是李明。", "汉娜的经理是王芳。"},
    {"安娜的经理是李明。", "安娜的经理是王芳吗？"},
    {"安娜的姐姐是李明。", "安娜的姐姐是王芳。"},
    {"商店星期一九点开门。", "商店星期二十点开门。"},
    {"门票的价格是5欧元。", "门票的价格是6美元。"},
};

// Both stay, and the newer note can name the other one.
constexpr pair_of_notes naming[] = {
    {"Anna speaks French.", "Anna speaks German."},   {"Anna's sister is Maria.", "Anna's sister is Clara."},
    {"Tom lives in England.", "Tom lives in Leeds."}, {"Annas Schwester ist Maria.", "Annas Schwester ist Clara."},
    {"Ana habla francés.", "Ana habla alemán."},      {"安娜的姐姐是李明。", "安娜的姐姐是王芳。"},
};

// How many of a set's notes would take another's place, were they added one by one.
std::size_t n_replacing(const std::filesystem::path& path) {
  notes::notebook<notes::memory_store, notes::bm25_retriever> book{notes::memory_store()};
  std::size_t n = 0;
  for (const auto& one : data::open_edit_set("knowedit", path.string()).cases) {
    for (const std::string& text : one.notes) {
      const auto revised = notes::find_revised(book, notes::note{.text = text});
      if (revised.corrected != notes::no_note) {
        ++n;
        UNSCOPED_INFO(text << " <- " << book.find(revised.corrected)->text);
        book.supersede(revised.corrected, {.text = text});
      } else {
        book.add({.text = text});
      }
    }
  }
  return n;
}

}  // namespace

TEST_CASE("a note that corrects another is known by its words", "[notes][corrections]") {
  for (const auto& [older, newer] : replacing) {
    INFO(older << " <- " << newer);
    CHECK(notes::revision_of(newer, older) == revision::correction);
  }
}

TEST_CASE("what may hold beside an earlier note corrects nothing", "[notes][corrections]") {
  for (const auto& [older, newer] : keeping) {
    INFO(older << " <- " << newer);
    CHECK(notes::revision_of(newer, older) != revision::correction);
    CHECK(notes::revision_of(older, newer) != revision::correction);
    CHECK(notes::revision_of(newer, newer) == revision::none);
  }
}

TEST_CASE("another value of something that can have several is named", "[notes][corrections]") {
  for (const auto& [older, newer] : naming) {
    INFO(older << " <- " << newer);
    const revision found = notes::revision_of(newer, older);
    CHECK((found == revision::another_value || found == revision::rival));
  }
}

TEST_CASE("texts of any kind are no corrections and no trouble", "[notes][corrections]") {
  const std::vector<std::string> odd = {"",
                                        ".",
                                        " ",
                                        "?",
                                        "is",
                                        "is is is",
                                        "the of is",
                                        "Correction:",
                                        "Actually,",
                                        "\xff\xfe is \xff",
                                        "是",
                                        "的是的",
                                        "ist",
                                        "es",
                                        "'s is",
                                        "The capital of Norway is",
                                        "is the capital of Norway",
                                        "now",
                                        "Anna's manager is,",
                                        std::string(5000, 'a')};
  for (const std::string& a : odd) {
    for (const std::string& b : odd) CHECK(notes::revision_of(a, b) == revision::none);
    CHECK(notes::revision_of(a, "Anna's manager is Bob") == revision::none);
    CHECK(notes::revision_of("Anna's manager is Bob", a) == revision::none);
  }
}

TEST_CASE("among a public set's notes, added one by one, hardly any replaces another", "[notes][corrections]") {
  const auto folder = test::shared_root() / "data" / "edit" / "more";
  QUIPU_NEEDS(folder / "knowedit_wiki_counterfact.json");
  CHECK(n_replacing(folder / "knowedit_wiki_counterfact.json") <= 3);
}
