// SPDX-License-Identifier: Apache-2.0
#include "arguments.hpp"

#include <iostream>

#include <CLI/CLI.hpp>

namespace terminal {

struct arguments::parser {
  CLI::App app;

  CLI::Option* add(const std::string& name, place value, const std::string& help) {
    return std::visit([&](auto* v) { return app.add_option(name, *v, help); }, value);
  }
};

arguments::arguments(const std::string& what) : parser_(new parser{CLI::App(what)}) {}
arguments::~arguments() = default;

void arguments::positional(const std::string& name, place value, const std::string& help) {
  parser_->add(name, value, help);
}

void arguments::required(const std::string& name, place value, const std::string& help) {
  parser_->add(name, value, help)->required();
}

void arguments::option(const std::string& name, place value, const std::string& help) {
  parser_->add(name, value, help)->capture_default_str();
}

void arguments::repeated(const std::string& name, std::vector<std::string>* values, const std::string& help) {
  parser_->app.add_option(name, *values, help)->allow_extra_args(false);
}

void arguments::flag(const std::string& name, bool* value, const std::string& help) {
  parser_->app.add_flag(name, *value, help);
}

std::optional<int> arguments::parse(int argc, const char* const* argv) {
  try {
    parser_->app.parse(argc, argv);
    return {};
  } catch (const CLI::ParseError& e) {
    const int status = parser_->app.exit(e) == 0 ? 0 : 2;
    return status == 0 && !(std::cout << std::flush) ? 1 : status;  // help that cannot be written
  }
}

}  // namespace terminal
