#include <quipu/core/message_text.hpp>

#include <string>

#include <catch2/catch.hpp>

#include <quipu/core/error.hpp>

using quipu::message_text;

TEST_CASE("what people write is shown as it is", "[core][message_text]") {
  for (const std::string text : {"", "model.gguf: expected 3, found 4", "Füße und 東京, \xF0\x9F\x98\x80"}) {
    CHECK(message_text(text) == text);
  }
}

TEST_CASE("what steers a terminal or is no UTF-8 is shown as bytes", "[core][message_text]") {
  CHECK(message_text("a\x1b[31mb\n\x7f") == "a\\x1b[31mb\\x0a\\x7f");
  CHECK(message_text("\xC2\x9B" "31m") == "\\xc2\\x9b31m");             // the one-character form of ESC [
  CHECK(message_text("\xE2\x80\xAE" "abc") == "\\xe2\\x80\\xaeabc");    // right to left from here
  CHECK(message_text("\xE2\x81\xA6" "x\xD8\x9C") == "\\xe2\\x81\\xa6x\\xd8\\x9c");
  CHECK(message_text("\xFF\xC3") == "\\xff\\xc3");
  CHECK(message_text("\xC0\xAF\xED\xA0\x80\xF4\x90\x80\x80") == "\\xc0\\xaf\\xed\\xa0\\x80\\xf4\\x90\\x80\\x80");
  for (int byte = 0; byte < 256; ++byte) {
    const std::string shown = message_text(std::string(1, static_cast<char>(byte)));
    for (const char c : shown) CHECK((c >= 0x20 && c < 0x7f));
  }
}

TEST_CASE("long texts lose their middle", "[core][message_text]") {
  const std::string text = "first " + std::string(1 << 20, 'x') + " last";
  const std::string shown = message_text(text);
  CHECK(shown.size() < 2100);
  CHECK(shown.substr(0, 6) == "first ");
  CHECK(shown.substr(shown.size() - 5) == " last");
}

TEST_CASE("no error of the library can steer a terminal", "[core][message_text]") {
  const std::string name = "evil\x1b]0;title\x07" + std::string(1 << 20, 'y');
  try {
    quipu::fail<quipu::format_error>(name, "a name", name);
  } catch (const quipu::error& problem) {
    const std::string said = problem.what();
    CHECK(said.size() < 2100);
    CHECK(said.find('\x1b') == std::string::npos);
    CHECK(said.find("\\x1b]0;title\\x07") != std::string::npos);
  }
}
