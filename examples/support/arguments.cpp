// SPDX-License-Identifier: Apache-2.0
#include "arguments.hpp"

#include <cmath>
#include <cstdlib>
#include <string>
#include <variant>
#include <iostream>

#include <CLI/CLI.hpp>

namespace terminal {

struct arguments::parser {
  CLI::App app;

  CLI::Option* add(const std::string& name, place value, const std::string& help) {
    CLI::Option* added = std::visit([&](auto* v) { return app.add_option(name, *v, help); }, value);
    if (std::holds_alternative<double*>(value)) added->check(finite, "");
    return added;
  }

  /// An empty text, or what is wrong. What is no number at all CLI11 refuses itself.
  static std::string finite(const std::string& given) {
    char* end = nullptr;
    const double value = std::strtod(given.c_str(), &end);
    if (end != given.c_str() + given.size() || std::isfinite(value)) return {};
    return "expected a finite number, found " + given;
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

void arguments::repeated(const std::string& name, std::vector<double>* values, const std::string& help) {
  parser_->app.add_option(name, *values, help)->allow_extra_args(false)->check(parser::finite, "");
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
