#include <quipu/core/printable.hpp>

#include <string>

#include <catch2/catch.hpp>

TEST_CASE("names from files are shown without steering the terminal", "[io][printable]") {
  CHECK(quipu::printable("model.norm") == "'model.norm'");
  CHECK(quipu::printable("a\x1b[31m\n\xff") == "'a\\x1b[31m\\x0a\\xff'");
  CHECK(quipu::printable("") == "''");
  CHECK(quipu::printable(std::string(80, 'x')) == "'" + std::string(80, 'x') + "'");
  CHECK(quipu::printable(std::string(1000000, 'x')) == "'" + std::string(80, 'x') + "...'");
}
