/// @file Lines from the user: with history and editing if libedit and a terminal are there, else plain.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#ifdef EXAMPLE_HAVE_LIBEDIT
#include <editline/readline.h>
#endif

namespace terminal {

class line_input {
 public:
  explicit line_input(std::string prompt) : prompt_(std::move(prompt)) {}

  [[nodiscard]] bool is_terminal() const { return ::isatty(STDIN_FILENO) != 0 && ::isatty(STDOUT_FILENO) != 0; }
  /// @return false at the end of the input
  bool next(std::string& line) {
#ifdef EXAMPLE_HAVE_LIBEDIT
    if (is_terminal()) {
      const std::unique_ptr<char, decltype(&std::free)> typed(::readline(prompt_.c_str()), &std::free);
      if (typed == nullptr) return false;
      line = typed.get();
      if (!line.empty()) ::add_history(line.c_str());
      return true;
    }
#endif
    if (is_terminal()) std::cout << prompt_ << std::flush;
    return static_cast<bool>(std::getline(std::cin, line));
  }

 private:
  std::string prompt_;
};

}  // namespace terminal
