// What available_memory.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <fstream>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include <quipu/core/available_memory.hpp>

namespace quipu {

namespace detail {

inline constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();

/// The number at the beginning of a text, after blanks; none if there is none, or a word such as "max".
[[nodiscard]] inline std::optional<std::size_t> leading_number(std::string_view text) noexcept {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  std::size_t value = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  return end.ec == std::errc() ? std::optional(value) : std::nullopt;
}

/// The number that follows a key at the beginning of a line, or the first one of the file if `key` is empty.
[[nodiscard]] inline std::optional<std::size_t> number_after(const std::string& path, std::string_view key = {}) {
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(key)) return leading_number(std::string_view(line).substr(key.size()));
  }
  return std::nullopt;
}

/// What a control group and those above it leave.
[[nodiscard]] inline std::size_t left_in_groups() {
  std::ifstream in("/proc/self/cgroup");
  std::string line;
  while (std::getline(in, line) && !line.starts_with("0::")) {
  }
  if (!line.starts_with("0::")) return no_limit;
  std::size_t least = no_limit;
  for (std::string group = line.substr(3);; group.resize(group.find_last_of('/'))) {
    const std::string folder = "/sys/fs/cgroup" + group;
    const auto most = number_after(folder + "/memory.max"), taken = number_after(folder + "/memory.current");
    if (most && taken) {
      const std::size_t cached = number_after(folder + "/memory.stat", "inactive_file ").value_or(0) +
                                 number_after(folder + "/memory.stat", "active_file ").value_or(0);
      const std::size_t used = *taken - std::min(*taken, cached);
      least = std::min(least, *most - std::min(*most, used));
    }
    if (group.find('/') == std::string::npos) return least;
  }
}

/// What RLIMIT_AS leaves.
[[nodiscard]] inline std::size_t left_of_addresses() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return no_limit;
  const std::size_t taken = number_after("/proc/self/statm").value_or(0) * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return limit.rlim_cur - std::min<std::size_t>(limit.rlim_cur, taken);
}

}  // namespace detail

QUIPU_INLINE std::size_t available_memory() {
  const auto free_kib = detail::number_after("/proc/meminfo", "MemAvailable:");
  return std::min({free_kib ? *free_kib * 1024 : detail::no_limit, detail::left_in_groups(), detail::left_of_addresses()});
}

QUIPU_INLINE std::string mebibytes(std::size_t n_byte) {
  const std::string digits = std::to_string((n_byte + (std::size_t{1} << 20) - 1) >> 20);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text + " MiB";
}

}  // namespace quipu
