/// @file Dates as text: strftime in the C locale, for strftime_now.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>

#include <quipu/core/printable.hpp>
#include <quipu/text/jinja/evaluation.hpp>

namespace quipu::text::jinja {

/// Parts of a moment on the wall clock.
struct date_parts {
  std::int64_t year;
  int month;  ///< 1..12
  int day;    ///< 1..31
  int hour;
  int minute;
  int second;
  int week_day;  ///< 0 is Sunday
  int year_day;  ///< 0..365
};

/// The date of `seconds` since 1970 (Howard Hinnant's civil_from_days).
[[nodiscard]] inline date_parts date_of(std::int64_t seconds) noexcept {
  std::int64_t days = seconds / 86400;
  std::int64_t rest = seconds % 86400;
  if (rest < 0) {
    rest += 86400;
    --days;
  }
  const std::int64_t shifted = days + 719468;
  const std::int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
  const std::int64_t day_of_era = shifted - era * 146097;
  const std::int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const std::int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t month = (5 * day_of_year + 2) / 153;
  date_parts parts{};
  parts.day = static_cast<int>(day_of_year - (153 * month + 2) / 5 + 1);
  parts.month = static_cast<int>(month < 10 ? month + 3 : month - 9);
  parts.year = year_of_era + era * 400 + (parts.month <= 2 ? 1 : 0);
  parts.hour = static_cast<int>(rest / 3600);
  parts.minute = static_cast<int>(rest / 60 % 60);
  parts.second = static_cast<int>(rest % 60);
  parts.week_day = static_cast<int>(((days + 4) % 7 + 7) % 7);
  constexpr int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
  const bool leap = parts.year % 4 == 0 && (parts.year % 100 != 0 || parts.year % 400 == 0);
  parts.year_day = before[parts.month - 1] + parts.day - 1 + (leap && parts.month > 2 ? 1 : 0);
  return parts;
}

/// The moment now: the rendering's clock, else the system's in local time.
[[nodiscard]] inline date_parts date_now(const wall_clock& clock) {
  if (clock.seconds != nullptr) return date_of(clock.seconds(clock.state));
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  return {std::int64_t{local.tm_year} + 1900,
          local.tm_mon + 1,
          local.tm_mday,
          local.tm_hour,
          local.tm_min,
          local.tm_sec,
          local.tm_wday,
          local.tm_yday};
}

/// ISO 8601's week, and the year that it belongs to.
[[nodiscard]] inline int iso_week(const date_parts& at, std::int64_t& year) noexcept {
  const auto days_in = [](std::int64_t y) { return y % 4 == 0 && (y % 100 != 0 || y % 400 == 0) ? 366 : 365; };
  const int monday = (at.week_day + 6) % 7;  // 0 is Monday
  int week = (at.year_day - monday + 10) / 7;
  year = at.year;
  if (week < 1) {
    --year;
    return (at.year_day + days_in(year) - monday + 10) / 7;
  }
  if (week == 53 && at.year_day - monday + 3 >= days_in(year)) {
    ++year;
    week = 1;
  }
  return week;
}

/// strftime(format). @throws template_error  a letter that is not supported
[[nodiscard]] inline std::string date_text(evaluation& run, const date_parts& at, std::string_view format) {
  static constexpr std::string_view days[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                              "Thursday", "Friday", "Saturday"};
  static constexpr std::string_view months[] = {"January", "February", "March",     "April",   "May",      "June",
                                                "July",    "August",   "September", "October", "November", "December"};
  std::string out;
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%' || i + 1 == format.size()) {
      out += format[i];
      continue;
    }
    char pad = '\0';  // glibc: "-" leaves padding out, "_" pads with blanks, "0" with zeros
    if (format[i + 1] == '-' || format[i + 1] == '_' || format[i + 1] == '0') pad = format[++i];
    if (i + 1 == format.size()) run.fail("a letter behind %", "the end of the text");
    const auto number = [&](std::int64_t n, std::size_t width, char fill = '0') {
      if (pad == '_') fill = ' ';
      if (pad == '0') fill = '0';
      const std::string digits = std::to_string(n);
      if (pad != '-' && digits.size() < width) out.append(width - digits.size(), fill);
      out += digits;
    };
    const int hour12 = at.hour % 12 == 0 ? 12 : at.hour % 12;
    std::int64_t iso_year = 0;
    const int week = iso_week(at, iso_year);
    const char letter = format[++i];
    run.make(32);
    switch (letter) {
      case 'a': out += days[at.week_day].substr(0, 3); break;
      case 'A': out += days[at.week_day]; break;
      case 'b':
      case 'h': out += months[at.month - 1].substr(0, 3); break;
      case 'B': out += months[at.month - 1]; break;
      case 'c': out += date_text(run, at, "%a %b %e %H:%M:%S %Y"); break;
      case 'C': number(at.year / 100, 2); break;
      case 'd': number(at.day, 2); break;
      case 'D':
      case 'x': out += date_text(run, at, "%m/%d/%y"); break;
      case 'e': number(at.day, 2, ' '); break;
      case 'f': out += "000000"; break;
      case 'F': out += date_text(run, at, "%Y-%m-%d"); break;
      case 'g': number(iso_year % 100, 2); break;
      case 'G': number(iso_year, 4); break;
      case 'H': number(at.hour, 2); break;
      case 'I': number(hour12, 2); break;
      case 'j': number(at.year_day + 1, 3); break;
      case 'k': number(at.hour, 2, ' '); break;
      case 'l': number(hour12, 2, ' '); break;
      case 'm': number(at.month, 2); break;
      case 'M': number(at.minute, 2); break;
      case 'n': out += '\n'; break;
      case 'p': out += at.hour < 12 ? "AM" : "PM"; break;
      case 'P': out += at.hour < 12 ? "am" : "pm"; break;
      case 'r': out += date_text(run, at, "%I:%M:%S %p"); break;
      case 'R': out += date_text(run, at, "%H:%M"); break;
      case 'S': number(at.second, 2); break;
      case 't': out += '\t'; break;
      case 'T':
      case 'X': out += date_text(run, at, "%H:%M:%S"); break;
      case 'u': number(at.week_day == 0 ? 7 : at.week_day, 1); break;
      case 'U': number((at.year_day + 7 - at.week_day) / 7, 2); break;
      case 'V': number(week, 2); break;
      case 'w': number(at.week_day, 1); break;
      case 'W': number((at.year_day + 7 - (at.week_day + 6) % 7) / 7, 2); break;
      case 'y': number(at.year % 100, 2); break;
      case 'Y': number(at.year, 4); break;
      case 'z':
      case 'Z': break;  // a moment without time zone
      case '%': out += '%'; break;
      default: run.fail("a letter of strftime that is supported here", printable(std::string_view(&letter, 1)));
    }
  }
  return out;
}

}  // namespace quipu::text::jinja
