#include <quipu/io/printable.hpp>

#include <string>

#include <catch2/catch.hpp>

TEST_CASE("names from files are shown without steering the terminal", "[io][printable]") {
  CHECK(quipu::io::printable("model.norm") == "'model.norm'");
  CHECK(quipu::io::printable("a\x1b[31m\n\xff") == "'a\\x1b[31m\\x0a\\xff'");
  CHECK(quipu::io::printable("") == "''");
  CHECK(quipu::io::printable(std::string(80, 'x')) == "'" + std::string(80, 'x') + "'");
  CHECK(quipu::io::printable(std::string(1000000, 'x')) == "'" + std::string(80, 'x') + "...'");
}
