/// @file Descriptions such as "the capital of Norway", in one form for all ways of saying it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <quipu/notes/corrections/chinese.ipp>
#include <quipu/notes/corrections/english.ipp>
#include <quipu/notes/corrections/german.ipp>
#include <quipu/notes/corrections/language.ipp>
#include <quipu/notes/corrections/spanish.ipp>
#include <quipu/notes/corrections/words.ipp>

namespace quipu::notes::corrections_detail {

QUIPU_INLINE const std::vector<language>& languages() {
  static const std::vector<language> all = [] {
    std::vector<language> some;
    some.push_back(english());
    some.push_back(german());
    some.push_back(spanish());
    some.push_back(chinese());
    return some;
  }();
  return all;
}

struct statement {
  const language* in = nullptr;
  std::string key;  // subject and relation
  valued kind = valued::open;
  value_kind wanted = value_kind::any;
  words value;
  words denied;  // what it says no longer holds
  cue announced = cue::none;
};

/// A description such as "the capital of Norway", as a key that other forms of it share.
struct description {
  std::string key;
  valued kind;
  value_kind wanted;
  bool fresh = false;  // "new"
};

/// Of the words at `end` and before: the noun group, and how many words it has.
QUIPU_INLINE std::pair<const noun_group*, std::size_t> noun_ending(const language& in, const words& w,
                                                                   std::size_t end) {
  std::pair<const noun_group*, std::size_t> best{nullptr, 0};
  for (const noun_group& group : in.nouns) {
    std::size_t n = group.nouns.ending(w, end);
    if (n == 0 && end > 0 && group.compounds && in.name == tongue::german && group.nouns.compound(w[end - 1].text))
      n = 1;
    if (n > best.second) best = {&group, n};
  }
  return best;
}
QUIPU_INLINE std::pair<const noun_group*, std::size_t> noun_at(const language& in, const words& w, std::size_t begin) {
  std::pair<const noun_group*, std::size_t> best{nullptr, 0};
  for (const noun_group& group : in.nouns) {
    if (const std::size_t n = group.nouns.at(w, begin); n > best.second) best = {&group, n};
  }
  return best;
}

QUIPU_INLINE words without(const words& w, const phrases& some) {
  words out;
  for (std::size_t i = 0; i < w.size();) {
    const std::size_t n = some.at(w, i);
    if (n == 0) out.push_back(w[i]);
    i += std::max<std::size_t>(n, 1);
  }
  return out;
}

QUIPU_INLINE bool is_genitive(const word& w) { return w.text == "'s" || w.text == "'"; }
QUIPU_INLINE words without_genitive(words w) {
  std::erase_if(w, is_genitive);
  return w;
}

QUIPU_INLINE bool has_several(const language& in, const words& w) {
  if (in.nouns.front().nouns.any(w)) return true;
  return in.name == tongue::german && std::any_of(w.begin(), w.end(), [&](const word& one) {
           return in.nouns.front().nouns.compound(one.text) ||
                  (one.text.ends_with('s') && in.nouns.front().nouns.compound(one.text.substr(0, one.text.size() - 1)));
         });
}

/// Takes out "new" where it stands before a noun and is no part of a name.
QUIPU_INLINE bool take_fresh(const language& in, words& w, std::size_t first) {
  for (std::size_t i = 0; i + (in.name == tongue::spanish ? 0 : 1) < w.size(); ++i) {
    const std::size_t n = in.fresh.at(w, i);
    if (n == 0 || (w[i].capital && (i > 0 || first > 0))) continue;
    w.erase(w.begin() + static_cast<std::ptrdiff_t>(i), w.begin() + static_cast<std::ptrdiff_t>(i + n));
    return true;
  }
  return false;
}

QUIPU_INLINE void strip_genitive(words& w) {
  if (w.empty()) return;
  if (is_genitive(w.back())) {
    w.pop_back();
  } else if (w.back().text.size() > 3 && w.back().text.ends_with('s')) {
    w.back().text.pop_back();
  }
}

QUIPU_INLINE std::optional<description> describe(const language& in, words w, bool definite_only) {
  if (w.empty() || in.indefinite.at(w, 0) > 0) return {};
  if (std::any_of(w.begin(), w.end(), [](const word& one) { return one.mark; })) return {};
  const std::size_t n_article = in.articles.at(w, 0);
  const bool article = n_article > 0;
  w.erase(w.begin(), w.begin() + static_cast<std::ptrdiff_t>(n_article));
  if (w.empty()) return {};
  description d{{}, valued::open, value_kind::any, take_fresh(in, w, n_article)};
  const bool own = in.own.at(w, 0) > 0;
  words subject, relation = w;
  std::string link;  // a preposition that tells something
  const noun_group* group = nullptr;
  bool qualified = false, definite = article || own;
  const std::size_t n = w.size();
  if (in.name == tongue::spanish) {
    const std::size_t head = own ? in.own.at(w, 0) : 0;
    const auto [found, size] = noun_at(in, w, head);
    group = found;
    subject = without(without(w, in.articles), "de|del");
    relation = {};
    const words rest = part(w, std::min(n, head + size), n);
    if (group != nullptr) {
      if (!rest.empty() && in.of.at(rest, 0) == 0 && in.with.at(rest, 0) == 0) return {};
      if (rest.empty() && !own && group->kind == valued::one) d.kind = valued::changing;  // belongs to nothing
      std::size_t n_of = 0;
      for (std::size_t i = 0; i < rest.size(); ++i) n_of += in.of.at(rest, i) > 0 ? 1 : 0;
      qualified = in.with.any(rest) || n_of > 1;
      if (has_several(in, rest)) d.kind = valued::several;
    }
  } else if (const auto [end_group, end_size] = noun_ending(in, w, n); end_group != nullptr && n > end_size) {
    // "Anna's manager", "the wifi password"
    group = end_group;
    subject = part(w, 0, n - end_size);
    relation = part(w, n - end_size, n);
    std::size_t owner = 0;  // words up to the possessive
    for (std::size_t i = 0; i < subject.size(); ++i) {
      if (is_genitive(subject[i])) owner = i + 1;
    }
    if (own) owner = std::max(owner, in.own.at(w, 0));
    if (in.name == tongue::chinese) {
      qualified = in.with.any(subject) || (subject.back().text != "的" && subject.size() > 1);
      definite = definite || subject.back().text == "的";
      if (subject.back().text == "的") subject.pop_back();
      if (subject.empty()) return {};
    } else if (in.name == tongue::german) {
      if (owner == 0 && !article && !own) {
        definite = definite || subject.back().text.ends_with('s') || subject.front().text.ends_with('s');
        strip_genitive(subject);
      }
      qualified = relation.size() == 1 && end_group->compounds && !end_group->nouns.has(relation[0].text);
      if (article && !qualified) qualified = owner == 0;
    } else {
      definite = definite || owner > 0;
      qualified = subject.size() > owner;
    }
  } else {
    // "the capital of Norway", "der Preis des Tickets", "die Hauptstadt Norwegens"
    for (std::size_t k = 1; k < n && in.name != tongue::chinese; ++k) {
      const auto [found, size] = noun_ending(in, w, k);
      if (found == nullptr) continue;
      const std::size_t of = in.of.at(w, k), with = in.with.at(w, k);
      if (of + with == 0 && (in.name == tongue::english || !w.back().text.ends_with('s'))) continue;
      if (in.name == tongue::english && w[k].text == "of" && noun_ending(in, w, k + 2).second > 2)
        continue;  // "date of birth"
      group = found;
      relation = part(w, 0, k);
      subject = part(w, k + std::max(of, with), n);
      if (with > 0) link = w[k].text;
      qualified =
          with > 0 || k > size || (in.name == tongue::german && found->compounds && !found->nouns.has(w[k - 1].text));
      if (in.name == tongue::german && with == 0 && (of == 0 || w[k].text == "des")) strip_genitive(subject);
      definite = true;
      break;
    }
    if (group == nullptr && in.name == tongue::chinese) {
      if (const auto [whole, size] = noun_ending(in, w, n); whole != nullptr && size == n) {
        group = whole;
        subject = {};
      }
    } else if (group == nullptr) {
      if (const auto [whole, size] = noun_ending(in, w, n); whole != nullptr && size == n) {
        group = whole;
        subject = {};
        relation = w;
      }
    }
  }
  subject = without_genitive(std::move(subject));
  if (in.name != tongue::spanish) subject = without(subject, in.articles);
  if (group == nullptr) {
    if (definite_only) return {};
    // Something definite, of which nothing is known: "Tom's car", "the colour of the door".
    const bool possessive = std::any_of(w.begin(), w.end(), is_genitive) ||
                            (in.name == tongue::chinese && w.back().text != "的" && in.of.any(w));
    if (!(definite || possessive) || n > 8) return {};
    d.key = "? " + joined(without(without_genitive(w), in.articles));
    if (has_several(in, w)) d.kind = valued::several;
    return d;
  }
  if (definite_only && !(definite || in.name == tongue::chinese)) return {};
  d.wanted = group->value;
  if (d.kind == valued::open) d.kind = group->kind;
  if (d.kind == valued::one && group->vague && !qualified) d.kind = valued::changing;
  if (d.kind == valued::changing && group->vague && group->kind == valued::changing && qualified) d.kind = valued::one;
  if (in.name != tongue::spanish) {
    // What belongs to nothing ("the password") may be another one each time.
    if (subject.empty() && d.kind == valued::one) d.kind = valued::changing;
    if (has_several(in, subject) || has_several(in, part(relation, 0, relation.size() - (relation.empty() ? 0 : 1))))
      d.kind = valued::several;
  }
  d.key = joined(subject) + " " + (link.empty() ? "" : link + " ") + joined(relation);
  return d;
}

}  // namespace quipu::notes::corrections_detail
