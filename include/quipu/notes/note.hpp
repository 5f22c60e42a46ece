/// @file A note: one declarative sentence that edits what the model says, and what is known about it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <quipu/core/clock.hpp>  // time_ms
#include <quipu/core/error.hpp>
#include <quipu/notes/unicode_words.hpp>  // to_lower
#include <quipu/text/utf8.hpp>

namespace quipu::notes {

/// Given by a store, counted up from 1, never used twice.
using note_id = std::int64_t;
inline constexpr note_id no_note = 0;

enum class note_status : std::uint8_t {
  live,        ///< found by retrievers
  superseded,  ///< replaced by a newer note; readable, found by nobody
};

struct note {
  note_id id = no_note;
  std::string text = {};               ///< the sentence; UTF-8, not blank
  std::string subject = {};            ///< with `relation` names a slot that has one value; may be empty
  std::string relation = {};
  std::string object = {};
  std::string source = {};             ///< where the fact comes from, free text
  time_ms created = 0;                 ///< 0 on adding: the time of the call
  std::optional<time_ms> valid_from = {};   ///< first moment at which the note holds
  std::optional<time_ms> valid_until = {};  ///< first moment at which it no longer does
  std::vector<std::string> tags = {};
  note_status status = note_status::live;
  note_id supersedes = no_note;     ///< the note that this one replaced
  note_id superseded_by = no_note;  ///< the note that replaced this one

  friend bool operator==(const note&, const note&) = default;
};

/// Longest text, subject, relation, object, source or tag that a note may have, in bytes.
inline constexpr std::size_t max_note_field = std::size_t{1} << 20;
inline constexpr std::size_t max_note_tags = 1024;

/// True if the note holds at `when`.
[[nodiscard]] inline bool valid_at(const note& n, time_ms when) noexcept {
  return (!n.valid_from || *n.valid_from <= when) && (!n.valid_until || when < *n.valid_until);
}

/// The text without one final period: the form that retrievers index and prompts contain. An ellipsis
/// stays.
[[nodiscard]] inline std::string_view without_final_period(std::string_view text) noexcept {
  const bool lone = !text.empty() && text.back() == '.' &&
                    (text.size() < 2 || text[text.size() - 2] != '.');
  return lone ? text.substr(0, text.size() - 1) : text;
}

/// Lower case, blanks collapsed and trimmed, without a final period: equal for equal statements.
[[nodiscard]] inline std::string normalised_statement(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  bool blank = false;
  for (std::size_t at = 0; at < text.size();) {
    const auto [code, length, status] = quipu::text::decode_utf8(text, at);
    at += length;
    if (code == ' ' || (code >= '\t' && code <= '\r') || code == 0xa0) {
      blank = !out.empty();
      continue;
    }
    if (blank) out.push_back(' ');
    blank = false;
    quipu::text::append_utf8(out, to_lower(code));
  }
  out.resize(without_final_period(out).size());
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

/// Checks what a store is about to keep.
/// @throws format_error  a field is not UTF-8, contains U+0000 or is longer than `max_note_field`; the
///                       text is blank; too many tags; an interval that ends before it begins
inline void check_note(const note& n, std::string_view place = "note") {
  const auto check = [&](std::string_view name, const std::string& value) {
    if (value.size() > max_note_field) {
      fail<format_error>(concat(place, ": ", name), concat("at most ", max_note_field, " bytes"),
                         value.size());
    }
    if (const std::size_t zero = value.find('\0'); zero != std::string::npos) {
      fail<format_error>(concat(place, ": ", name), "no U+0000", concat("one at byte ", zero));
    }
    if (const std::size_t bad = quipu::text::valid_utf8_prefix(value); bad != value.size()) {
      fail<format_error>(concat(place, ": ", name), "UTF-8", concat("another byte at ", bad));
    }
  };
  check("text", n.text);
  check("subject", n.subject);
  check("relation", n.relation);
  check("object", n.object);
  check("source", n.source);
  if (n.tags.size() > max_note_tags) {
    fail<format_error>(concat(place, ": tags"), concat("at most ", max_note_tags), n.tags.size());
  }
  for (const std::string& tag : n.tags) check("tag", tag);
  if (normalised_statement(n.text).empty()) fail<format_error>(concat(place, ": text"), "a sentence", "blanks");
  if (n.valid_from && n.valid_until && *n.valid_until < *n.valid_from) {
    fail<format_error>(concat(place, ": valid_until"), concat("at least valid_from = ", *n.valid_from),
                       *n.valid_until);
  }
}

}  // namespace quipu::notes
