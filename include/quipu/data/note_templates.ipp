// What note_templates.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/core/error.hpp>
#include <quipu/core/random.hpp>
#include <quipu/data/edit_case.hpp>
#include <quipu/data/json_reading.hpp>
#include <quipu/data/note_templates.hpp>

namespace quipu::data {

namespace detail {

/// A frame in pieces: literal text and the names of slots, which stand at odd places.
using frame_pieces = std::vector<std::string>;

struct template_relation {
  std::string key, theme, phrase;
  std::string value;                  ///< generator
  std::vector<std::string> subjects;  ///< generators
  std::set<std::string> kinds;        ///< generators whose texts may be its subjects
  std::vector<std::string> also, tells;
  bool held_back = false, hop = false;
  std::vector<std::string> notes, questions, cloze, denied, asking;
};

struct template_person {
  std::string possessive;   ///< "her"; empty: nothing stands for the name
  bool first_word = false;  ///< a later sentence may use the first word alone
};

struct template_language {
  std::string name, stop, between;
  std::uint32_t share = 0;
  std::map<std::string, std::string> possessive;  ///< last letters -> what is joined to them
  bool phrase_possessive = false;
  std::vector<std::pair<std::string, std::string>> joins;
  std::map<std::string, template_person> people;
  std::set<std::string> names;
  std::map<std::string, std::vector<std::string>> generators;
  std::vector<std::string> notes, questions, denied, asking, chatter;
  std::vector<std::string> alias_notes, asked_alias, asked_name, alias_subjects;
  std::string alias_generator;
  std::vector<template_relation> relations;
};

/// A text and the generators it came through without anything added: what it is.
struct drawn_text {
  std::string text;
  std::vector<std::string> kinds;
};

[[nodiscard]] inline bool shares(const drawn_text& text, const std::set<std::string>& kinds) {
  return std::any_of(text.kinds.begin(), text.kinds.end(), [&](const std::string& k) { return kinds.count(k) != 0; });
}

inline frame_pieces pieces_of(const std::string& frame, const std::string& place) {
  frame_pieces pieces(1);
  for (const char c : frame) {
    const bool inside = pieces.size() % 2 == 0;
    if (c == (inside ? '{' : '}')) fail<format_error>(place, "slots in braces", concat("'", frame, "'"));
    if (c == '{' || c == '}') {
      pieces.emplace_back();
    } else {
      pieces.back() += c;
    }
  }
  if (pieces.size() % 2 == 0) fail<format_error>(place, "a closing brace", concat("'", frame, "'"));
  return pieces;
}

/// "{7..21}", "{00..55/5}": the numbers as they are written, with zeros in front if `low` has them.
struct number_range {
  std::uint32_t low = 0, high = 0, step = 1;
  std::size_t n_digit = 1;
};

inline std::optional<number_range> range_of(std::string_view slot) {
  const std::size_t dots = slot.find("..");
  if (dots == std::string_view::npos) return {};
  const std::size_t slash = std::min(slot.find('/', dots), slot.size());
  number_range range;
  const auto read = [&](std::size_t from, std::size_t to, std::uint32_t& number) {
    const auto [end, code] = std::from_chars(slot.data() + from, slot.data() + to, number);
    return code == std::errc() && end == slot.data() + to;
  };
  const bool good = read(0, dots, range.low) && read(dots + 2, slash, range.high) &&
                    (slash == slot.size() || read(slash + 1, slot.size(), range.step));
  if (!good || range.high < range.low || range.step == 0 || range.high > 1000000000) return {};
  if (slot.front() == '0') range.n_digit = dots;
  return range;
}

/// Reads the file; what the frames name must be there.
class template_file {
 public:
  explicit template_file(const json_place& all) {
    const json_place each = all["languages"];
    (void)object_at(each);
    for (const auto& [name, unused] : each.value().items()) read_language(each[name.c_str()], name);
    if (languages.empty()) fail<format_error>(each.name(), "a language", "none");
  }

  std::vector<template_language> languages;

 private:
  static std::vector<std::string> some_texts(const json_place& place) {
    std::vector<std::string> all = place.texts();
    if (all.empty()) fail<format_error>(place.name(), "at least one text", "none");
    return all;
  }
  static std::vector<std::string> texts_or_none(const json_place& place, const char* field) {
    return place.has(field) ? place[field].texts() : std::vector<std::string>();
  }
  static bool truth(const json_place& place, const char* field) {
    if (!place.has(field)) return false;
    const json_place at = place[field];
    if (!at.value().is_boolean()) fail<format_error>(at.name(), "true or false", at.value().type_name());
    return at.value().get<bool>();
  }
  static const nlohmann::json& object_at(const json_place& place) {
    if (!place.value().is_object()) fail<format_error>(place.name(), "an object", place.value().type_name());
    return place.value();
  }

  static void check_generator(const template_language& l, const std::string& name, const std::string& place) {
    if (l.generators.count(name) == 0) fail<format_error>(place, "the name of a generator", concat("'", name, "'"));
  }
  /// @param own  slots that the frame may have beside generators and ranges
  static void check_frame(const template_language& l, const std::string& frame, const std::string& place,
                          const std::set<std::string>& own) {
    const frame_pieces pieces = pieces_of(frame, place);
    for (std::size_t i = 1; i < pieces.size(); i += 2) {
      const std::string& slot = pieces[i];
      if (own.count(slot) != 0) continue;
      if (slot.find("..") == std::string::npos) {
        check_generator(l, slot, place);
      } else if (!range_of(slot)) {
        fail<format_error>(place, "a range low..high/step", concat("'", slot, "'"));
      }
    }
  }
  static void check_frames(const template_language& l, const std::vector<std::string>& frames, const std::string& place,
                           const std::set<std::string>& own, std::string_view needed) {
    for (std::size_t i = 0; i < frames.size(); ++i) {
      const std::string at = concat(place, "[", i, "]");
      check_frame(l, frames[i], at, own);
      for (const char c : needed) {
        const std::string slot = {'{', c};
        const bool there = frames[i].find(slot + "}") != std::string::npos ||
                           (c != 'v' && frames[i].find(slot + "'s}") != std::string::npos) ||
                           (c == 's' && own.count("p") != 0 && frames[i].find("{p}") != std::string::npos);
        if (!there) fail<format_error>(at, concat("the slot ", slot, "}"), concat("'", frames[i], "'"));
      }
    }
  }
  /// What a generator's texts are: itself and, where an entry is another generator alone, that one.
  static void add_kinds(const template_language& l, const std::string& name, std::set<std::string>& kinds) {
    if (!kinds.insert(name).second) return;
    for (const std::string& entry : l.generators.at(name)) {
      if (entry.size() < 3 || entry.front() != '{' || entry.find('}') != entry.size() - 1) continue;
      const std::string inner = entry.substr(1, entry.size() - 2);
      if (l.generators.count(inner) != 0) add_kinds(l, inner, kinds);
    }
  }
  /// @param open  generators that are being looked at: none may lead to itself
  static void check_ends(const template_language& l, const std::string& name, const std::string& place,
                         std::set<std::string>& open, std::set<std::string>& done) {
    if (done.count(name) != 0) return;
    if (!open.insert(name).second)
      fail<format_error>(concat(place, ".", name), "generators that end", "one that names itself");
    for (const std::string& entry : l.generators.at(name)) {
      const frame_pieces pieces = pieces_of(entry, place);
      for (std::size_t i = 1; i < pieces.size(); i += 2) {
        if (l.generators.count(pieces[i]) != 0) check_ends(l, pieces[i], place, open, done);
      }
    }
    open.erase(name);
    done.insert(name);
  }

  void read_language(const json_place& place, const std::string& name) {
    template_language l;
    l.name = name;
    const json_place share = place["share"];
    if (!share.value().is_number_unsigned() || share.value() > 1000)
      fail<format_error>(share.name(), "a number up to 1000", share.value().dump());
    l.share = share.value().get<std::uint32_t>();
    l.stop = place["stop"].text();
    l.between = place["between"].text();
    const json_place possessive = place["possessive"];
    for (const auto& [end, unused] : object_at(possessive).items()) l.possessive[end] = possessive[end.c_str()].text();
    l.phrase_possessive = truth(place, "phrase_possessive");
    const json_place joins = place["joins"];
    for (std::size_t i = 0; i < joins.size(); ++i)
      l.joins.emplace_back(joins.at(i).at(0).text(), joins.at(i).at(1).text());

    const json_place generators = place["generators"];
    for (const auto& [key, unused] : object_at(generators).items())
      l.generators[key] = some_texts(generators[key.c_str()]);
    for (const auto& [key, entries] : l.generators)
      check_frames(l, entries, concat(generators.name(), ".", key), {}, "");
    std::set<std::string> open, done;
    for (const auto& [key, unused] : l.generators) check_ends(l, key, generators.name(), open, done);

    const json_place people = place["people"];
    for (const auto& [key, unused] : object_at(people).items()) {
      const json_place one = people[key.c_str()];
      check_generator(l, key, one.name());
      l.people[key] = {one.text_or_empty("possessive"), one.has("short")};
    }
    for (const std::string& kind : place["names"].texts()) {
      check_generator(l, kind, place["names"].name());
      l.names.insert(kind);
    }
    const auto frames = [&](const json_place& from, const char* field, const std::set<std::string>& own,
                            std::string_view needed) {
      std::vector<std::string> all = some_texts(from[field]);
      check_frames(l, all, from[field].name(), own, needed);
      return all;
    };
    l.notes = frames(place, "notes", {"p", "v"}, "sv");
    l.questions = frames(place, "questions", {"p"}, "s");
    l.denied = frames(place, "denied", {"p", "v"}, "sv");
    l.asking = frames(place, "asking", {"p", "v"}, "sv");
    l.chatter = frames(place, "chatter", {}, "");
    const json_place aliases = place["aliases"];
    l.alias_generator = aliases["generator"].text();
    check_generator(l, l.alias_generator, aliases["generator"].name());
    l.alias_subjects = some_texts(aliases["subjects"]);
    for (const std::string& kind : l.alias_subjects) check_generator(l, kind, aliases["subjects"].name());
    l.alias_notes = frames(aliases, "notes", {"s", "s's", "a", "a's"}, "sa");
    l.asked_alias = frames(aliases, "asked_alias", {"s", "s's"}, "s");
    l.asked_name = frames(aliases, "asked_name", {"a", "a's"}, "a");

    const json_place relations = place["relations"];
    std::set<std::string> keys;
    for (std::size_t i = 0; i < relations.size(); ++i) {
      const json_place at = relations.at(i);
      template_relation r;
      r.key = at["key"].text();
      if (!keys.insert(r.key).second) fail<format_error>(at["key"].name(), "a key once", concat("'", r.key, "' twice"));
      r.theme = at.has("theme") ? at["theme"].text() : r.key;
      r.phrase = at.text_or_empty("phrase");
      if (!r.phrase.empty()) check_frames(l, {r.phrase}, at["phrase"].name(), {"s", "s's"}, "s");
      r.value = at["value"].text();
      check_generator(l, r.value, at["value"].name());
      r.subjects = some_texts(at["subjects"]);
      for (const std::string& kind : r.subjects) {
        check_generator(l, kind, at["subjects"].name());
        add_kinds(l, kind, r.kinds);
      }
      r.also = texts_or_none(at, "also");
      r.tells = texts_or_none(at, "tells");
      r.held_back = truth(at, "held_back");
      r.hop = truth(at, "hop");
      if (r.hop && r.phrase.empty()) fail<format_error>(at.name(), "a phrase, since it has 'hop'", "none");
      const std::set<std::string> with_value = {"s", "s's", "v"}, without = {"s", "s's"};
      r.notes = frames(at, "notes", with_value, "sv");
      r.questions = frames(at, "questions", without, "s");
      if (at.has("cloze")) r.cloze = frames(at, "cloze", without, "s");
      r.denied = frames(at, "denied", with_value, "sv");
      if (at.has("asking")) r.asking = frames(at, "asking", with_value, "sv");
      l.relations.push_back(std::move(r));
    }
    if (l.relations.empty()) fail<format_error>(relations.name(), "at least one relation", "none");
    languages.push_back(std::move(l));
  }
};

/// What the notes say about whom. One subject is taken for another if all words of the one are in the other: "Anna" may
/// be "Anna Berg".
class told_facts {
 public:
  void add(const std::string& theme, const std::string& subject) { by_theme_[theme].push_back(words_of(subject)); }
  [[nodiscard]] bool has(const std::string& theme, const std::string& subject) const {
    const auto found = by_theme_.find(theme);
    if (found == by_theme_.end()) return false;
    const std::set<std::string> words = words_of(subject);
    return std::any_of(found->second.begin(), found->second.end(), [&](const std::set<std::string>& other) {
      return std::includes(words.begin(), words.end(), other.begin(), other.end()) ||
             std::includes(other.begin(), other.end(), words.begin(), words.end());
    });
  }

 private:
  static std::set<std::string> words_of(std::string_view text) {
    std::set<std::string> words;
    std::string word;
    for (const char c : text) {
      if (c == ' ') {
        if (!word.empty()) words.insert(std::exchange(word, {}));
      } else {
        word += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      }
    }
    if (!word.empty()) words.insert(word);
    return words;
  }

  std::map<std::string, std::vector<std::set<std::string>>> by_theme_;
};

struct template_fact {
  const template_language* language = nullptr;
  const template_relation* relation = nullptr;
  drawn_text subject, value;
  bool denied = false;  ///< or doubted, or asked
};

/// A case, and what its unrelated questions are to be about.
struct made_case {
  edit_case one;
  std::vector<template_fact> facts;
  bool held_back = false;
};

class note_maker {
 public:
  note_maker(const template_file& file, const note_template_options& options, std::string place)
      : file_(file), options_(options), place_(std::move(place)), random_(options.seed) {
    for (const template_language& l : file.languages) all_shares_ += l.share;
    if (all_shares_ == 0) fail<format_error>(concat(place_, ".languages"), "shares above 0", 0);
  }

  edit_set make() {
    std::size_t n_note = 0, n_refused = 0;
    while (n_note < options_.n_note) {
      std::optional<made_case> made = make_case();
      if (!made) {
        if (++n_refused > 2000)
          fail<config_error>(concat(place_, ": n_note"), "as many notes as there are subjects for", options_.n_note);
        continue;
      }
      n_refused = 0;
      n_note += made->one.notes.size();
      made->one.id = concat(cases_.size());
      made->one.part = made->held_back ? data_part::test : data_part::development;
      cases_.push_back(std::move(*made));
    }
    edit_set set;
    for (made_case& c : cases_) {
      add_unrelated(c);
      set.cases.push_back(std::move(c.one));
    }
    return set;
  }

 private:
  /// How a later sentence of a note names its subject.
  enum class naming : std::uint8_t { full, first_word, possessive };

  [[nodiscard]] bool chance(std::uint32_t percent) { return random_.below(100) < percent; }
  template <class List>
  [[nodiscard]] const auto& any_of_list(const List& list) {
    return list[random_.below(static_cast<std::uint32_t>(list.size()))];
  }

  [[nodiscard]] static std::string joined_well(const template_language& l, std::string text) {
    for (const auto& [from, to] : l.joins) {
      for (std::size_t at = text.find(from); at != std::string::npos && !from.empty();
           at = text.find(from, at + to.size())) {
        text.replace(at, from.size(), to);
      }
    }
    return text;
  }

  [[nodiscard]] std::string range_text(const number_range& range) {
    const std::uint32_t n_step = (range.high - range.low) / range.step + 1;
    const std::string number = concat(range.low + range.step * random_.below(n_step));
    return std::string(range.n_digit > number.size() ? range.n_digit - number.size() : 0, '0') + number;
  }

  [[nodiscard]] drawn_text draw(const template_language& l, const std::string& generator) {
    drawn_text drawn{{}, {generator}};
    const frame_pieces pieces = pieces_of(any_of_list(l.generators.at(generator)), generator);
    if (pieces.size() == 3 && pieces[0].empty() && pieces[2].empty() && l.generators.count(pieces[1]) != 0) {
      drawn_text inner = draw(l, pieces[1]);
      drawn.text = std::move(inner.text);
      drawn.kinds.insert(drawn.kinds.end(), inner.kinds.begin(), inner.kinds.end());
      return drawn;
    }
    std::set<std::string> once;  // a list names nothing twice
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      if (i % 2 == 0) {
        for (const char c : pieces[i]) drawn.text += sign_text(c);
      } else if (const auto range = range_of(pieces[i])) {
        drawn.text += range_text(*range);
      } else {
        std::string inner = draw(l, pieces[i]).text;
        for (int tries = 0; tries < 20 && once.count(inner) != 0; ++tries) inner = draw(l, pieces[i]).text;
        once.insert(inner);
        drawn.text += inner;
      }
    }
    drawn.text = joined_well(l, std::move(drawn.text));
    return drawn;
  }
  [[nodiscard]] char sign_text(char c) {
    constexpr std::string_view capitals = "ABCDEFGHJKLMNPRSTUVWXYZ", small = "abcdefghijkmnpqrstuvwxyz";
    if (c == '#') return static_cast<char>('0' + random_.below(10));
    if (c == '*') return static_cast<char>('1' + random_.below(9));
    if (c == '^') return any_of_list(capitals);
    if (c == '~') return any_of_list(small);
    return c;
  }

  [[nodiscard]] static std::string possessive_of(const template_language& l, const std::string& text) {
    std::size_t n_longest = 0;
    const std::string* suffix = nullptr;
    for (const auto& [end, joined] : l.possessive) {
      if (!text.ends_with(end) || (suffix != nullptr && end.size() < n_longest)) continue;
      suffix = &joined;
      n_longest = end.size();
    }
    return suffix == nullptr ? text : text + *suffix;
  }

  [[nodiscard]] static std::string with_phrase(std::string frame, const std::string& phrase) {
    const std::size_t at = frame.find("{p}");
    return at == std::string::npos ? frame : frame.replace(at, 3, phrase);
  }
  [[nodiscard]] static bool has_slot(const std::string& frame, std::string_view slot) {
    return frame.find(slot) != std::string::npos;
  }

  struct slot_texts {
    std::string subject, possessive, value, alias;
  };
  [[nodiscard]] static slot_texts slots_for(const template_language& l, const std::string& subject) {
    return {subject, possessive_of(l, subject), {}, {}};
  }
  [[nodiscard]] std::string fill(const template_language& l, const std::string& frame, const slot_texts& slots) {
    const frame_pieces pieces = pieces_of(frame, l.name);
    std::string text;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      const std::string& piece = pieces[i];
      if (i % 2 == 0) {
        text += piece;
      } else if (piece == "s") {
        text += slots.subject;
      } else if (piece == "s's") {
        text += slots.possessive;
      } else if (piece == "v") {
        text += slots.value;
      } else if (piece == "a") {
        text += slots.alias;
      } else if (piece == "a's") {
        text += possessive_of(l, slots.alias);
      } else if (const auto range = range_of(piece)) {
        text += range_text(*range);
      } else {
        text += draw(l, piece).text;
      }
    }
    text = joined_well(l, std::move(text));
    // A value keeps its letters, and so does a question of keywords.
    const bool value_first = frame.starts_with("{v}") || frame.starts_with("{a");
    const bool sentence = text.ends_with('.') || text.ends_with('?') || !slots.value.empty() || !slots.alias.empty();
    if (!value_first && sentence && text.front() >= 'a' && text.front() <= 'z')
      text.front() = static_cast<char>(text.front() - 'a' + 'A');
    return text;
  }

  /// A sentence of the fact, with the value as it is; empty if no frame has it so.
  [[nodiscard]] std::string sentence_of(const template_fact& fact, naming by) {
    const template_language& l = *fact.language;
    const template_relation& r = *fact.relation;
    slot_texts slots = slots_for(l, fact.subject.text);
    slots.value = fact.value.text;
    std::string named = fact.subject.text;
    if (by == naming::first_word) {
      named = named.substr(0, named.find(' '));
      slots = {named, possessive_of(l, named), fact.value.text, {}};
    } else if (by == naming::possessive) {
      named = slots.possessive = person_of(l, fact.subject)->possessive;
    }
    for (int tries = 0; tries < 40; ++tries) {
      const bool general = !r.phrase.empty() && chance(fact.denied ? 40 : 18);
      const bool asks = fact.denied && chance(45) && (general || !r.asking.empty());
      const auto& frames = !fact.denied ? (general ? l.notes : r.notes)
                           : asks       ? (general ? l.asking : r.asking)
                                        : (general ? l.denied : r.denied);
      const std::string frame = with_phrase(any_of_list(frames), r.phrase);
      if (by == naming::possessive && (has_slot(frame, "{s}") || !has_slot(frame, "{s's}"))) continue;
      std::string text = fill(l, frame, slots);
      if (text.find(fact.value.text) == std::string::npos) continue;
      if (by == naming::full && !holds_name(text, named)) continue;
      return text;
    }
    return {};
  }
  /// Also with a capital in front.
  [[nodiscard]] static bool holds_name(std::string_view text, std::string_view name) {
    return text.find(name) != std::string_view::npos || text.starts_with(capital(std::string(name)));
  }
  [[nodiscard]] static std::string capital(std::string text) {
    if (!text.empty() && text.front() >= 'a' && text.front() <= 'z')
      text.front() = static_cast<char>(text.front() - 'a' + 'A');
    return text;
  }
  [[nodiscard]] static const template_person* person_of(const template_language& l, const drawn_text& subject) {
    for (const std::string& kind : subject.kinds) {
      if (const auto found = l.people.find(kind); found != l.people.end()) return &found->second;
    }
    return nullptr;
  }

  /// @param hop  the subject is a phrase
  [[nodiscard]] std::string question_in(const template_language& l, const template_relation& r,
                                        const std::string& subject, bool hop) {
    const slot_texts slots = slots_for(l, subject);
    for (int tries = 0; tries < 40; ++tries) {
      const std::uint32_t style = random_.below(100);
      const auto& frames = style < 12 && !r.cloze.empty()    ? r.cloze
                           : style < 24 && !r.phrase.empty() ? l.questions
                                                             : r.questions;
      const std::string frame = with_phrase(any_of_list(frames), r.phrase);
      if (hop && !l.phrase_possessive && has_slot(frame, "{s's}")) continue;
      return fill(l, frame, slots);
    }
    return {};
  }
  /// A question about a subject's relation, now and then in another language that has the relation and takes the name.
  [[nodiscard]] std::string question_of(const template_language& l, const template_relation& r,
                                        const drawn_text& subject) {
    if (chance(7) && shares(subject, l.names)) {
      std::vector<std::pair<const template_language*, const template_relation*>> others;
      for (const template_language& other : file_.languages) {
        if (other.name == l.name) continue;
        for (const template_relation& o : other.relations) {
          if (o.key == r.key && shares(subject, o.kinds)) others.emplace_back(&other, &o);
        }
      }
      if (!others.empty()) {
        const auto [other, o] = any_of_list(others);
        return question_in(*other, *o, subject.text, false);
      }
    }
    return question_in(l, r, subject.text, false);
  }
  void ask(std::vector<probe>& probes, std::string question, const std::string& answer,
           std::vector<std::string> bridges = {}) {
    if (question.empty()) return;
    for (const probe& p : probes) {
      if (p.question == question) return;
    }
    probes.push_back({std::move(question),
                      answer.empty() ? std::vector<std::string>() : std::vector{answer},
                      {},
                      std::move(bridges)});
  }

  [[nodiscard]] bool is_free(const template_fact& fact) const {
    const template_relation& r = *fact.relation;
    if (mentioned_.has(r.theme, fact.subject.text)) return false;
    for (const std::string& theme : r.also) {
      if (mentioned_.has(theme, fact.subject.text)) return false;
    }
    for (const std::string& theme : r.tells) {
      if (mentioned_.has(theme, fact.value.text)) return false;
    }
    return fact.value.text.find(fact.subject.text) == std::string::npos &&
           fact.subject.text.find(fact.value.text) == std::string::npos;
  }
  void remember(const template_fact& fact) {
    const auto add = [&](const std::string& theme, const std::string& subject) {
      mentioned_.add(theme, subject);
      if (!fact.denied) told_.add(theme, subject);
    };
    add(fact.relation->theme, fact.subject.text);
    for (const std::string& theme : fact.relation->also)
      told_.add(theme, fact.subject.text), mentioned_.add(theme, fact.subject.text);
    for (const std::string& theme : fact.relation->tells) add(theme, fact.value.text);
    subjects_[fact.language->name].push_back(fact.subject);
  }
  /// A fact that no note tells or denies yet.
  /// @param subject  of it; none: a new one
  [[nodiscard]] std::optional<template_fact> draw_fact(const template_language& l, const template_relation& r,
                                                       const drawn_text* subject = nullptr, bool denied = false) {
    for (int tries = 0; tries < 40; ++tries) {
      template_fact fact{&l, &r, subject != nullptr ? *subject : draw(l, any_of_list(r.subjects)), draw(l, r.value),
                         denied};
      if (is_free(fact)) return fact;
    }
    return {};
  }
  [[nodiscard]] const template_language& any_language() {
    std::uint32_t at = random_.below(all_shares_);
    for (const template_language& l : file_.languages) {
      if (at < l.share) return l;
      at -= l.share;
    }
    return file_.languages.back();
  }
  /// A relation of the part that the subject may have.
  [[nodiscard]] const template_relation* relation_for(const template_language& l, const drawn_text& subject,
                                                      bool held_back) {
    std::vector<const template_relation*> fitting;
    for (const template_relation& r : l.relations) {
      if (r.held_back == held_back && shares(subject, r.kinds)) fitting.push_back(&r);
    }
    return fitting.empty() ? nullptr : any_of_list(fitting);
  }

  [[nodiscard]] std::optional<made_case> make_case() {
    const template_language& l = any_language();
    const std::uint32_t form = random_.below(100);
    const bool hops = form < 7;
    std::vector<const template_relation*> fitting;
    for (const template_relation& r : l.relations) {
      if (!hops || r.hop) fitting.push_back(&r);
    }
    if (fitting.empty()) return {};
    const template_relation& r = *any_of_list(fitting);
    std::optional<made_case> made;
    if (hops) {
      made = two_hop_case(l, r);
    } else if (form < 17) {
      made = single_case(l, r, true);
    } else if (form < 25) {
      made = alias_case(l, r);
    } else if (form < 42) {
      made = page_case(l, r);
    } else {
      made = single_case(l, r, false);
    }
    if (made) {
      made->one.level = l.name;
      made->held_back = r.held_back;
      made->one.subject = made->facts.front().subject.text;
    }
    return made;
  }
  [[nodiscard]] std::optional<made_case> single_case(const template_language& l, const template_relation& r,
                                                     bool denied) {
    auto fact = draw_fact(l, r, nullptr, denied);
    if (!fact) return {};
    std::string text = sentence_of(*fact, naming::full);
    if (text.empty()) return {};
    made_case made;
    made.one.notes = {std::move(text)};
    made.one.kind = r.key;
    remember(*fact);
    made.facts.push_back(std::move(*fact));
    ask_facts(made, 2);
    return made;
  }
  /// In scope what is told, in the group "denied" what is not.
  void ask_facts(made_case& made, std::size_t n_each) {
    std::vector<probe> denied;
    for (const template_fact& f : made.facts) {
      for (std::size_t i = 0; i < n_each; ++i) {
        ask(f.denied ? denied : made.one.in_scope, question_of(*f.language, *f.relation, f.subject),
            f.denied ? std::string() : f.value.text);
      }
    }
    if (!denied.empty()) made.one.unrelated.push_back({"denied", std::move(denied), {}});
  }

  /// A note of several sentences: facts of one subject or of several, a denial or two, and talk beside them.
  [[nodiscard]] std::optional<made_case> page_case(const template_language& l, const template_relation& r) {
    const std::size_t n_sentence = chance(14) ? 8 + random_.below(4) : 2 + random_.below(5);
    made_case made;
    std::string page;
    const auto append = [&](const std::string& sentence) {
      if (!page.empty()) page += l.between;
      page += sentence;
      for (const std::string_view end : {".", "?", "!", "。", "？", "！"}) {
        if (sentence.ends_with(end)) return;
      }
      page += l.stop;
    };
    for (std::size_t n = 0, tries = 0; n < n_sentence && tries < 60; ++tries) {
      if (n > 0 && chance(15)) {
        const std::string& idle = any_of_list(l.chatter);
        if (page.find(idle) == std::string::npos) append(idle), ++n;
        continue;
      }
      const bool same = !made.facts.empty() && chance(60);
      const drawn_text subject = same ? any_of_list(made.facts).subject : drawn_text{};
      const template_relation* relation = same                 ? relation_for(l, subject, r.held_back)
                                          : made.facts.empty() ? &r
                                                               : any_relation(l, r.held_back);
      if (relation == nullptr) continue;
      auto fact = draw_fact(l, *relation, same ? &subject : nullptr, !made.facts.empty() && chance(12));
      if (!fact) continue;
      naming by = naming::full;
      if (const template_person* person = person_of(l, fact->subject); same && person != nullptr) {
        const template_fact& before = made.facts.back();
        // "her" is whoever was named last.
        const bool last = before.subject.text == subject.text && person_of(l, before.value) == nullptr;
        if (last && !person->possessive.empty() && chance(50)) {
          by = naming::possessive;
        } else if (person->first_word && chance(50)) {
          by = naming::first_word;
        }
      }
      std::string sentence = sentence_of(*fact, by);
      if (sentence.empty() && by != naming::full) sentence = sentence_of(*fact, naming::full);
      if (sentence.empty()) continue;
      append(sentence);
      ++n;
      remember(*fact);
      made.facts.push_back(std::move(*fact));
    }
    if (made.facts.empty()) return {};
    made.one.notes = {std::move(page)};
    made.one.kind = r.key;
    ask_facts(made, made.facts.size() < 3 ? 2 : 1);
    return made;
  }
  [[nodiscard]] const template_relation* any_relation(const template_language& l, bool held_back) {
    std::vector<const template_relation*> fitting;
    for (const template_relation& r : l.relations) {
      if (r.held_back == held_back) fitting.push_back(&r);
    }
    return fitting.empty() ? nullptr : any_of_list(fitting);
  }

  /// A relation that the fact's value may be the subject of, so that a question can go on from it.
  [[nodiscard]] const template_relation* second_hop(const template_fact& first) {
    if (!first.relation->hop || first.denied) return nullptr;
    for (int tries = 0; tries < 10; ++tries) {
      const template_relation* second = relation_for(*first.language, first.value, first.relation->held_back);
      if (second != nullptr && second->theme != first.relation->theme) return second;
    }
    return nullptr;
  }
  [[nodiscard]] std::string two_hop_question(const template_fact& first, const template_relation& second) {
    const template_language& l = *first.language;
    return question_in(l, second, fill(l, first.relation->phrase, slots_for(l, first.subject.text)), true);
  }
  [[nodiscard]] std::optional<made_case> two_hop_case(const template_language& l, const template_relation& r) {
    const auto first = draw_fact(l, r);
    if (!first) return {};
    const template_relation* relation = second_hop(*first);
    if (relation == nullptr) return {};
    const auto second = draw_fact(l, *relation, &first->value);
    // The bridge must not be the answer, and neither fact may settle the other.
    if (!second || second->value.text == first->value.text || second->value.text == first->subject.text) return {};
    for (const std::string& theme : r.tells) {
      if (theme == relation->theme) return {};
    }
    std::string one = sentence_of(*first, naming::full), other = sentence_of(*second, naming::full);
    if (one.empty() || other.empty()) return {};
    made_case made;
    made.one.kind = "two_hop";
    made.one.notes = {std::move(one), std::move(other)};
    remember(*first);
    remember(*second);
    for (int i = 0; i < 3; ++i)
      ask(made.one.in_scope, two_hop_question(*first, *relation), second->value.text, {first->value.text});
    made.facts = {*first, *second};
    ask_facts(made, 1);
    return made;
  }

  /// Somebody's other name, in the fact's note or in one of its own.
  [[nodiscard]] std::optional<made_case> alias_case(const template_language& l, const template_relation& r) {
    const drawn_text alias = draw(l, l.alias_generator), subject = draw(l, any_of_list(l.alias_subjects));
    if (!shares(subject, r.kinds) || told_.has("alias", alias.text) || told_.has("alias", subject.text)) return {};
    for (const std::string& theme : {r.theme, std::string("alias")}) {
      if (mentioned_.has(theme, alias.text)) return {};
    }
    auto fact = draw_fact(l, r, &subject);
    if (!fact || fact->value.text.find(alias.text) != std::string::npos) return {};
    slot_texts slots = slots_for(l, subject.text);
    slots.alias = alias.text;
    std::string name = fill(l, any_of_list(l.alias_notes), slots), told = sentence_of(*fact, naming::full);
    if (told.empty()) return {};
    made_case made;
    made.one.kind = "alias";
    const bool together = chance(50);
    if (together) {
      if (!name.ends_with('.') && !name.ends_with("。")) name += l.stop;
      made.one.notes = {name + l.between + told};
    } else {
      made.one.notes = {std::move(name), std::move(told)};
    }
    remember(*fact);
    for (const std::string& theme : {r.theme, std::string("alias")})
      told_.add(theme, alias.text), mentioned_.add(theme, alias.text);
    told_.add("alias", subject.text);
    const auto bridges = together ? std::vector<std::string>() : std::vector{subject.text};
    for (int i = 0; i < 2; ++i) ask(made.one.in_scope, question_in(l, r, alias.text, false), fact->value.text, bridges);
    ask(made.one.in_scope, fill(l, any_of_list(l.asked_alias), slots_for(l, subject.text)), alias.text);
    slot_texts asked;
    asked.alias = alias.text;
    ask(made.one.in_scope, fill(l, any_of_list(l.asked_name), asked), subject.text);
    made.facts.push_back(std::move(*fact));
    return made;
  }

  /// Somebody with a name of the subject's; another one of its generator if it is no person.
  [[nodiscard]] drawn_text namesake(const template_language& l, const template_relation& r, const drawn_text& subject) {
    drawn_text other = draw(l, any_of_list(r.subjects));
    if (person_of(l, subject) == nullptr || subject.kinds != other.kinds || !shares(subject, l.names)) return other;
    const std::size_t blank = subject.text.find(' '), other_blank = other.text.find(' ');
    if (blank != std::string::npos && other_blank != std::string::npos) {
      other.text = chance(60) ? subject.text.substr(0, blank) + other.text.substr(other_blank)
                              : other.text.substr(0, other_blank) + subject.text.substr(blank);
    } else if (blank == std::string::npos && other_blank == std::string::npos &&
               static_cast<unsigned char>(subject.text.front()) >= 0xE0 &&
               static_cast<unsigned char>(other.text.front()) >= 0xE0) {
      other.text = subject.text.substr(0, 3) + other.text.substr(3);  // names without blanks: the family's character
    }
    return other;
  }

  /// Questions that no note answers. All facts are known by now.
  void add_unrelated(made_case& made) {
    const template_fact fact = any_of_list(made.facts);
    const template_language& l = *fact.language;
    std::vector<probe> attribute, other, missing;
    const std::size_t n_attribute = chance(25) ? 2 : 1, n_other = chance(50) ? 2 : 1;
    for (int tries = 0; tries < 20 && attribute.size() < n_attribute; ++tries) {
      const template_relation* r = relation_for(l, fact.subject, made.held_back && chance(50));
      if (r == nullptr || mentioned_.has(r->theme, fact.subject.text)) continue;
      ask(attribute, question_of(l, *r, fact.subject), {});
    }
    for (int tries = 0; tries < 20 && other.size() < n_other; ++tries) {
      drawn_text subject = namesake(l, *fact.relation, fact.subject);
      if (!other.empty() && chance(50)) subject = any_of_list(subjects_.at(l.name));
      if (!shares(subject, fact.relation->kinds) || told_.has(fact.relation->theme, subject.text)) continue;
      ask(other, question_of(l, *fact.relation, subject), {});
    }
    for (const template_fact& first : made.facts) {
      if (made.one.kind == "two_hop" || !chance(60)) continue;
      const template_relation* second = second_hop(first);
      if (second != nullptr && !told_.has(second->theme, first.value.text))
        ask(missing, two_hop_question(first, *second), {});
    }
    const auto add = [&](const char* name, std::vector<probe>& probes) {
      if (!probes.empty()) made.one.unrelated.push_back({name, std::move(probes), {}});
    };
    add("other_attribute", attribute);
    add("other_subject", other);
    add("one_hop_missing", missing);
  }

  const template_file& file_;
  note_template_options options_;
  std::string place_;
  random_stream random_;
  std::uint32_t all_shares_ = 0;
  told_facts told_, mentioned_;  ///< mentioned: also what is denied, doubted or asked
  std::map<std::string, std::vector<drawn_text>> subjects_;
  std::vector<made_case> cases_;
};

}  // namespace detail

QUIPU_INLINE edit_set read_note_templates(const std::string& path, const note_template_options& options) {
  const nlohmann::json json = read_json_file(path);
  const detail::template_file file(json_place(json, path));
  return detail::note_maker(file, options, path).make();
}

}  // namespace quipu::data
