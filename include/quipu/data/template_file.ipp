// What template_file.hpp declares.
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
#include <system_error>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/core/error.hpp>
#include <quipu/data/json_reading.hpp>
#include <quipu/data/template_file.hpp>

namespace quipu::data {

QUIPU_INLINE frame_pieces pieces_of(const std::string& frame, const std::string& place) {
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

QUIPU_INLINE std::optional<number_range> range_of(std::string_view slot) {
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

namespace detail {

/// Reads the file; what the frames name must be there.
class template_reader {
 public:
  explicit template_reader(const json_place& all) {
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
    if (place.has("cloze")) l.cloze = frames(place, "cloze", {"p"}, "s");
    l.of_phrase = place.text_or_empty("of_phrase");
    if (!l.of_phrase.empty() && (l.of_phrase.find("{r}") == std::string::npos || l.of_phrase.find("{s}") == std::string::npos))
      fail<format_error>(place["of_phrase"].name(), "a frame with {r} and {s}", l.of_phrase);
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

}  // namespace detail

QUIPU_INLINE std::vector<template_language> read_template_file(const std::string& path) {
  const nlohmann::json json = read_json_file(path);
  return detail::template_reader(json_place(json, path)).languages;
}

}  // namespace quipu::data
