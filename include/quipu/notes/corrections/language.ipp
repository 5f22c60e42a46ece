/// @file What corrections know of a language: its relations, cues and small words.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include <quipu/notes/corrections/words.ipp>

namespace quipu::notes::corrections_detail {

/// How many values a relation has.
enum class valued : std::uint8_t {
  one,
  changing,  // one at a time, or one that may be more exact: a cue is needed
  open,      // not known
  several,
};
enum class value_kind : std::uint8_t { person, place, number, code, day, any };
enum class cue : std::uint8_t { none, change, doubt, correction };

/// Nouns that name a relation.
struct noun_group {
  valued kind;
  value_kind value;
  bool vague;      // tells one thing from another only with a further word: "size", "exam", but not "shoe size"
  bool compounds;  // also the ends of longer words
  phrases nouns;
};
/// Verbs that name a relation; the value stands between `verb` and `tail`.
struct verb_group {
  valued kind;
  value_kind value;
  phrases verbs, tail;
};

enum class tongue : std::uint8_t { english, german, spanish, chinese };

struct language {
  tongue name;
  phrases copulas;                       // between a description and its value
  phrases changed_copulas;               // the same, and a cue
  phrases articles, indefinite, own;     // "my"
  phrases of, with;                      // between a noun and what it belongs to
  phrases fresh;                         // "new"
  phrases changes, doubts, corrections;  // cues
  phrases instead;                       // before what no longer holds
  phrases barred;  // denials, doubts, additions, times, reports, pronouns: nothing is told from such notes
  phrases function_words;
  phrases calendar;               // days and months
  phrases describing;             // what a person can be besides a name
  std::vector<noun_group> nouns;  // the first group: what somebody may have several of
  std::vector<verb_group> verbs;
};

}  // namespace quipu::notes::corrections_detail
