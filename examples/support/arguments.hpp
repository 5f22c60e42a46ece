/// @file The command line of an example: names, places of the values, help. CLI11 reads it, compiled once for all examples.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace terminal {

class arguments {
 public:
  /// Where an option's value goes.
  using place = std::variant<std::string*, std::size_t*, double*, std::vector<std::string>*, std::vector<std::size_t>*>;

  /// @param what  what the program does, in one sentence
  explicit arguments(const std::string& what);
  ~arguments();

  /// An argument without a dash in front; may be left out.
  void positional(const std::string& name, place value, const std::string& help = "");
  void required(const std::string& name, place value, const std::string& help = "");
  /// The help shows the value found in place as the default, unless it is empty.
  void option(const std::string& name, place value, const std::string& help = "");
  /// An option that may be given several times, with one value each.
  void repeated(const std::string& name, std::vector<std::string>* values, const std::string& help = "");
  void repeated(const std::string& name, std::vector<double>* values, const std::string& help = "");
  void flag(const std::string& name, bool* value, const std::string& help = "");

  /// The exit status, if the program has nothing left to do: 0 after the help, 2 for a line that is wrong.
  [[nodiscard]] std::optional<int> parse(int argc, const char* const* argv);

 private:
  struct parser;
  std::unique_ptr<parser> parser_;
};

}  // namespace terminal
