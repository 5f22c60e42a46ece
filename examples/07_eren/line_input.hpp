/// @file Lines from the user: with history and editing if libedit and a terminal are there, else plain.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <csetjmp>
#include <csignal>
#include <unistd.h>

#include <clocale>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#ifdef EXAMPLE_HAVE_LIBEDIT
#include <editline/readline.h>
#endif

namespace terminal {

/// Lets line editing take letters beyond ASCII: without a locale it drops their bytes.
inline void use_utf8() {
  const char* const chosen = std::setlocale(LC_CTYPE, "");
  if (chosen == nullptr || std::string_view(chosen) == "C" || std::string_view(chosen) == "POSIX") {
    std::setlocale(LC_CTYPE, "C.UTF-8");
  }
}

class line_input {
 public:
  explicit line_input(std::string prompt) : prompt_(std::move(prompt)) { use_utf8(); }

  [[nodiscard]] bool is_terminal() const { return ::isatty(STDIN_FILENO) != 0 && ::isatty(STDOUT_FILENO) != 0; }
  /// Ctrl-C drops what was typed and asks anew.
  /// @return false at the end of the input
  bool next(std::string& line) {
#ifdef EXAMPLE_HAVE_LIBEDIT
    if (is_terminal()) return edited(line);
#endif
    if (is_terminal()) std::cout << prompt_ << std::flush;
    return static_cast<bool>(std::getline(std::cin, line));
  }

 private:
#ifdef EXAMPLE_HAVE_LIBEDIT
  static sigjmp_buf& start() {
    static sigjmp_buf place;
    return place;
  }
  bool edited(std::string& line) {
    // libedit puts the terminal back and then calls the program's own handler; it offers no other way out of a line.
    struct sigaction back {};
    back.sa_handler = [](int) { ::siglongjmp(start(), 1); };
    if (sigsetjmp(start(), 1) != 0) std::cout << "^C\n" << std::flush;
    ::sigaction(SIGINT, &back, nullptr);
    char* const typed = ::readline(prompt_.c_str());
    ::signal(SIGINT, SIG_DFL);
    const std::unique_ptr<char, decltype(&std::free)> owned(typed, &std::free);
    if (owned == nullptr) return false;
    line = owned.get();
    if (!line.empty()) ::add_history(line.c_str());
    return true;
  }
#endif

  std::string prompt_;
};

}  // namespace terminal
