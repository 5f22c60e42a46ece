/// @file Lines from the user: with history and editing if libedit and a terminal are there, else plain.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <csignal>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <cwchar>
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
  explicit line_input(std::string prompt) : prompt_(std::move(prompt)) {
    use_utf8();
#ifdef EXAMPLE_HAVE_LIBEDIT
    rl_getc_function = next_letter;
#endif
  }

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
  static volatile std::sig_atomic_t& dropped() noexcept {
    static volatile std::sig_atomic_t value = 0;
    return value;
  }

  // What libedit reads with. A signal ends the wait: libedit itself would go on reading, and to jump out of it is not
  // safe. The line that ends so is thrown away.
  static int next_letter(std::FILE* in) {
    std::mbstate_t state{};
    for (;;) {
      // Waits in short pieces: a signal that comes between the look and the wait would not end a long one.
      pollfd input{::fileno(in), POLLIN, 0};
      const int ready = ::poll(&input, 1, 50);
      if (dropped() != 0) return '\n';
      if (ready == 0 || (ready < 0 && errno == EINTR)) continue;
      char byte = 0;
      const ssize_t n = ::read(input.fd, &byte, 1);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return -1;
      wchar_t letter = 0;
      const std::size_t used = std::mbrtowc(&letter, &byte, 1, &state);
      if (used == static_cast<std::size_t>(-2)) continue;  // more bytes of the letter
      if (used != static_cast<std::size_t>(-1)) return static_cast<int>(letter);
      state = std::mbstate_t{};  // bytes that are no letter are left out
    }
  }

  bool edited(std::string& line) {
    struct sigaction drop {}, before {};
    drop.sa_handler = [](int) { dropped() = 1; };
    ::sigaction(SIGINT, &drop, &before);
    for (;;) {
      dropped() = 0;
      const std::unique_ptr<char, decltype(&std::free)> typed(::readline(prompt_.c_str()), &std::free);
      if (dropped() != 0) {
        std::cout << "^C\n" << std::flush;
        continue;
      }
      ::sigaction(SIGINT, &before, nullptr);
      if (typed == nullptr) return false;
      line = typed.get();
      if (!line.empty()) ::add_history(line.c_str());
      return true;
    }
  }
#endif

  std::string prompt_;
};

}  // namespace terminal
