/// @file What the examples share: a progress bar, Ctrl-C, the process's memory, and a frame for errors.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <csignal>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <exception>
#include <fstream>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/mapped_file.hpp>
#include <quipu/core/progress.hpp>
#include <quipu/text/utf8.hpp>

namespace terminal {

/// Columns of the terminal behind standard error, 80 if it does not say.
inline std::size_t columns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/// A line that shows how far something is, no wider than the terminal: one that wraps could not be drawn over.
inline std::string progress_line(std::string_view stage, std::size_t done, std::size_t total, std::size_t width) {
  const std::string share = std::to_string(total == 0 ? 100 : 100 * done / total) + " %";
  const std::size_t used = stage.size() + 4 + share.size();
  const std::size_t bar = width > used + 4 ? std::min<std::size_t>(30, width - 1 - used) : 0;
  if (bar == 0) return (std::string(stage) + ' ' + share).substr(0, width > 1 ? width - 1 : 0);
  const std::size_t filled = total == 0 ? bar : bar * done / total;
  return std::string(stage) + " [" + std::string(filled, '#') + std::string(bar - filled, '.') + "] " + share;
}

/// Ctrl-C while one of these is there: it is noted, and the program goes on to where it looks. A second one before that
/// ends the program.
class interrupt_guard {
 public:
  interrupt_guard() {
    noted() = 0;
    struct sigaction action {};
    action.sa_flags = SA_RESTART;  // a write that it interrupts is not a failure
    action.sa_handler = [](int) {
      if (noted() != 0) {
        ::signal(SIGINT, SIG_DFL);
        ::raise(SIGINT);
      }
      noted() = 1;
    };
    ::sigaction(SIGINT, &action, &before_);
  }
  ~interrupt_guard() { ::sigaction(SIGINT, &before_, nullptr); }
  interrupt_guard(const interrupt_guard&) = delete;
  interrupt_guard& operator=(const interrupt_guard&) = delete;

  [[nodiscard]] bool interrupted() const noexcept { return noted() != 0; }

 private:
  static volatile std::sig_atomic_t& noted() noexcept {
    static volatile std::sig_atomic_t value = 0;
    return value;
  }
  struct sigaction before_ {};
};

/// Draws on standard error, and only if that is a terminal. With `ctrl_c` the work ends at Ctrl-C by `cancelled`.
inline quipu::progress_callback progress_bar(const interrupt_guard* ctrl_c = nullptr) {
  return [ctrl_c, shown = std::string()](const quipu::progress_state& s) mutable {
    if (ctrl_c != nullptr && ctrl_c->interrupted()) return false;
    if (::isatty(STDERR_FILENO) == 0 || s.total == 0) return true;
    const std::string line = progress_line(s.stage, s.done, s.total, columns());
    if (line != shown) std::cerr << "\r\033[K" << (shown = line) << (s.done == s.total ? "\r\033[K" : "") << std::flush;
    return true;
  };
}

/// A text from elsewhere as a terminal may have it: letters of all scripts as they are, control characters and bytes
/// that are no UTF-8 as U+FFFD, so that nothing in it moves the cursor.
inline std::string visible(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const quipu::text::utf8_step step = quipu::text::decode_utf8(text, at);
    const char32_t c = step.code_point;
    const bool control = c < 0x20 || (c >= 0x7F && c < 0xA0) || (c >= 0x200E && c <= 0x200F) || (c >= 0x202A && c <= 0x202E) ||
                         (c >= 0x2066 && c <= 0x2069);
    if (control || step.status != quipu::text::utf8_status::valid) {
      quipu::text::append_utf8(out, quipu::text::replacement_character);
    } else {
      out.append(text.substr(at, step.length));
    }
    at += step.length;
  }
  return out;
}

/// Writes what the reader of a tokenizer has to say to the standard error stream.
inline void show_warnings(const std::vector<std::string>& warnings) {
  for (const std::string& one : warnings) std::cerr << "warning: " << one << '\n';
}

/// Largest resident size of the process so far, in MiB.
inline double peak_memory_mib() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (word == "VmHWM:" && status >> word) return std::stod(word) / 1024;
  }
  return 0;
}

class stopwatch {
 public:
  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// " (123 tokens/s)", or nothing if there were none or no clock is that fine.
[[nodiscard]] inline std::string rate(std::size_t n_token, double seconds) {
  if (n_token == 0 || !(seconds > 0)) return {};
  return quipu::concat(" (", static_cast<double>(n_token) / seconds, " tokens/s)");
}

/// From now on a mapped file that becomes shorter, or whose disk fails, ends the program with a message that names
/// the file and status 1, not with a signal.
inline void explain_lost_files() {
  struct sigaction action {};
  action.sa_flags = SA_SIGINFO;
  action.sa_sigaction = [](int, siginfo_t* facts, void*) {
    // Only what a handler may call: no streams, no memory.
    const char* path = quipu::mapped_path_at(facts->si_addr);
    if (path == nullptr) {  // a fault of another kind, which happens again on return
      ::signal(SIGBUS, SIG_DFL);
      return;
    }
    const auto say = [](const char* text, std::size_t n) { static_cast<void>(!::write(STDERR_FILENO, text, n)); };
    say("error: ", 7);
    for (; *path != '\0'; ++path) {
      const bool steers = static_cast<unsigned char>(*path) < 0x20 || *path == 0x7f;
      say(steers ? "?" : path, 1);
    }
    constexpr std::string_view rest =
        ": expected the file as it was when it was opened, found it shorter or its disk failing\n";
    say(rest.data(), rest.size());
    ::_exit(1);
  };
  ::sigaction(SIGBUS, &action, nullptr);
}

/// Runs a program and turns what it throws, output that cannot be written and mapped files that become
/// shorter, into a message and exit status 1.
template <class Program>
int run(Program&& program) {
  explain_lost_files();
  try {
    const int status = program();
    errno = 0;
    if (!(std::cout << std::flush)) {
      std::cerr << "error: standard output cannot be written" << (errno == 0 ? "" : ": ")
                << (errno == 0 ? "" : std::strerror(errno)) << '\n';
      return 1;
    }
    return status;
  } catch (const quipu::cancelled&) {
    std::cerr << "\nstopped by Ctrl-C\n";
    return 130;  // as a shell reports it
  } catch (const std::exception& e) {
    std::cerr << "error: " << e.what() << '\n';
    return 1;
  }
}

}  // namespace terminal
