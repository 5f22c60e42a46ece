#include <quipu/notes/note.hpp>

#include <string>

#include <catch2/catch.hpp>

#include "support/note_stores.hpp"

using namespace quipu::notes;
using quipu::test::of_text;

TEST_CASE("lower case and word characters follow Unicode", "[notes][note]") {
  CHECK(to_lower(U'A') == U'a');
  CHECK(to_lower(U'Å') == U'å');
  CHECK(to_lower(U'Ž') == U'ž');
  CHECK(to_lower(U'Σ') == U'σ');
  CHECK(to_lower(U'М') == U'м');
  CHECK(to_lower(U'ß') == U'ß');
  CHECK(to_lower(U'日') == U'日');
  CHECK(is_word_character(U'é'));
  CHECK(is_word_character(U'日'));
  CHECK(is_word_character(U'Ⅷ'));
  CHECK(is_word_character(U'٣'));
  CHECK_FALSE(is_word_character(U'_'));
  CHECK_FALSE(is_word_character(U'’'));
  CHECK_FALSE(is_word_character(U'—'));
  CHECK_FALSE(is_word_character(U'\u0301'));
}

TEST_CASE("only a lone final period is taken off", "[notes][note]") {
  CHECK(without_final_period("Oslo is a city.") == "Oslo is a city");
  CHECK(without_final_period("Oslo is a city") == "Oslo is a city");
  CHECK(without_final_period("And so on...") == "And so on...");
  CHECK(without_final_period(".") == "");
  CHECK(without_final_period("").empty());
}

TEST_CASE("equal statements have one normal form", "[notes][note]") {
  const std::string form = normalised_statement("The capital of Norway is Oslo.");
  CHECK(form == "the capital of norway is oslo");
  CHECK(normalised_statement("  the CAPITAL of\tNorway \n is Oslo ") == form);
  CHECK(normalised_statement("The capital of Norway is Bergen.") != form);
  CHECK(normalised_statement(" \t\n").empty());
}

TEST_CASE("bad notes are refused with the field's name", "[notes][note]") {
  CHECK_NOTHROW(check_note(of_text("Oslo is the capital of Norway.")));
  CHECK_THROWS_WITH(check_note(of_text("")), Catch::Contains("note: text"));
  CHECK_THROWS_AS(check_note(of_text(" . ")), quipu::format_error);
  CHECK_THROWS_WITH(check_note(of_text("caf\xe9 is open")), Catch::Contains("UTF-8"));
  CHECK_THROWS_WITH(check_note(of_text(std::string("a\0b", 3))), Catch::Contains("U+0000"));
  CHECK_THROWS_WITH(check_note(of_text(std::string(max_note_field + 1, 'x'))), Catch::Contains("1048576"));
  CHECK_NOTHROW(check_note(of_text(std::string(max_note_field, 'x'))));
  note n = of_text("x");
  n.tags = {"fine", "\xff"};
  CHECK_THROWS_WITH(check_note(n), Catch::Contains("tag"));
  n.tags.assign(max_note_tags + 1, "t");
  CHECK_THROWS_WITH(check_note(n), Catch::Contains("tags"));
  n.tags.clear();
  n.valid_from = 10;
  n.valid_until = 9;
  CHECK_THROWS_WITH(check_note(n), Catch::Contains("valid_until"));
}

TEST_CASE("validity is a half-open interval", "[notes][note]") {
  note n = of_text("x");
  CHECK(valid_at(n, -5));
  n.valid_from = 10;
  n.valid_until = 20;
  CHECK_FALSE(valid_at(n, 9));
  CHECK(valid_at(n, 10));
  CHECK(valid_at(n, 19));
  CHECK_FALSE(valid_at(n, 20));
}
