// What note_templates.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/data/edit_case.hpp>
#include <quipu/data/note_templates.hpp>
#include <quipu/data/template_file.hpp>
#include <quipu/data/template_text.hpp>
#include <quipu/data/told_facts.hpp>

namespace quipu::data {

namespace detail {

/// A case, and what its unrelated questions are to be about.
struct made_case {
  edit_case one;
  std::vector<template_fact> facts;
  bool held_back = false;
};

class note_maker {
 public:
  note_maker(std::vector<template_language> languages, const note_template_options& options, std::string place)
      : languages_(std::move(languages)), options_(options), place_(std::move(place)), text_(options.seed) {
    for (const template_language& l : languages_) all_shares_ += l.share;
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
  /// A question about a subject's relation, now and then in another language that has the relation and takes the name.
  [[nodiscard]] std::string question_of(const template_language& l, const template_relation& r,
                                        const drawn_text& subject) {
    if (text_.chance(13) && shares(subject, l.names)) {
      std::vector<std::pair<const template_language*, const template_relation*>> others;
      for (const template_language& other : languages_) {
        if (other.name == l.name) continue;
        for (const template_relation& o : other.relations) {
          if (o.key == r.key && shares(subject, o.kinds)) others.emplace_back(&other, &o);
        }
      }
      if (!others.empty()) {
        const auto [other, o] = text_.any_of(others);
        return text_.question(*other, *o, subject.text);
      }
    }
    return text_.question(l, r, subject.text);
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
      template_fact fact{&l, &r, subject != nullptr ? *subject : text_.draw(l, text_.any_of(r.subjects)),
                         text_.draw(l, r.value), denied};
      if (is_free(fact)) return fact;
    }
    return {};
  }
  [[nodiscard]] const template_language& any_language() {
    std::uint32_t at = text_.below(all_shares_);
    for (const template_language& l : languages_) {
      if (at < l.share) return l;
      at -= l.share;
    }
    return languages_.back();
  }
  /// A relation of the part that the subject may have.
  [[nodiscard]] const template_relation* relation_for(const template_language& l, const drawn_text& subject,
                                                      bool held_back) {
    std::vector<const template_relation*> fitting;
    for (const template_relation& r : l.relations) {
      if (r.held_back == held_back && shares(subject, r.kinds)) fitting.push_back(&r);
    }
    return fitting.empty() ? nullptr : text_.any_of(fitting);
  }

  [[nodiscard]] std::optional<made_case> make_case() {
    const template_language& l = any_language();
    const std::uint32_t form = text_.below(100);
    const bool hops = form < 7;
    std::vector<const template_relation*> fitting;
    for (const template_relation& r : l.relations) {
      if (!hops || r.hop) fitting.push_back(&r);
    }
    if (fitting.empty()) return {};
    const template_relation& r = *text_.any_of(fitting);
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
    std::string text = text_.sentence(*fact);
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
    const std::size_t n_sentence = text_.chance(14) ? 8 + text_.below(4) : 2 + text_.below(5);
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
      if (n > 0 && text_.chance(15)) {
        const std::string& idle = text_.any_of(l.chatter);
        if (page.find(idle) == std::string::npos) append(idle), ++n;
        continue;
      }
      const bool same = !made.facts.empty() && text_.chance(60);
      const drawn_text subject = same ? text_.any_of(made.facts).subject : drawn_text{};
      const template_relation* relation = same                 ? relation_for(l, subject, r.held_back)
                                          : made.facts.empty() ? &r
                                                               : any_relation(l, r.held_back);
      if (relation == nullptr) continue;
      auto fact = draw_fact(l, *relation, same ? &subject : nullptr, !made.facts.empty() && text_.chance(12));
      if (!fact) continue;
      naming by = naming::full;
      if (const template_person* person = person_of(l, fact->subject); same && person != nullptr) {
        const template_fact& before = made.facts.back();
        // "her" is whoever was named last.
        const bool last = before.subject.text == subject.text && person_of(l, before.value) == nullptr;
        if (last && !person->possessive.empty() && text_.chance(50)) {
          by = naming::possessive;
        } else if (person->first_word && text_.chance(50)) {
          by = naming::first_word;
        }
      }
      std::string sentence = text_.sentence(*fact, by);
      if (sentence.empty() && by != naming::full) sentence = text_.sentence(*fact);
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
    return fitting.empty() ? nullptr : text_.any_of(fitting);
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
    return text_.question(l, second, text_.fill(l, first.relation->phrase, slots_for(l, first.subject.text)), true);
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
    std::string one = text_.sentence(*first), other = text_.sentence(*second);
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
    const drawn_text alias = text_.draw(l, l.alias_generator), subject = text_.draw(l, text_.any_of(l.alias_subjects));
    if (!shares(subject, r.kinds) || told_.has("alias", alias.text) || told_.has("alias", subject.text)) return {};
    for (const std::string& theme : {r.theme, std::string("alias")}) {
      if (mentioned_.has(theme, alias.text)) return {};
    }
    auto fact = draw_fact(l, r, &subject);
    if (!fact || fact->value.text.find(alias.text) != std::string::npos) return {};
    slot_texts slots = slots_for(l, subject.text);
    slots.alias = alias.text;
    std::string name = text_.fill(l, text_.any_of(l.alias_notes), slots), told = text_.sentence(*fact);
    if (told.empty()) return {};
    made_case made;
    made.one.kind = "alias";
    const bool together = text_.chance(50);
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
    for (int i = 0; i < 2; ++i) ask(made.one.in_scope, text_.question(l, r, alias.text), fact->value.text, bridges);
    ask(made.one.in_scope, text_.fill(l, text_.any_of(l.asked_alias), slots_for(l, subject.text)), alias.text);
    slot_texts asked;
    asked.alias = alias.text;
    ask(made.one.in_scope, text_.fill(l, text_.any_of(l.asked_name), asked), subject.text);
    made.facts.push_back(std::move(*fact));
    return made;
  }

  /// Somebody with a name of the subject's; another one of its generator if it is no person.
  [[nodiscard]] drawn_text namesake(const template_language& l, const template_relation& r, const drawn_text& subject) {
    drawn_text other = text_.draw(l, text_.any_of(r.subjects));
    if (person_of(l, subject) == nullptr || subject.kinds != other.kinds || !shares(subject, l.names)) return other;
    const std::size_t blank = subject.text.find(' '), other_blank = other.text.find(' ');
    if (blank != std::string::npos && other_blank != std::string::npos) {
      other.text = text_.chance(60) ? subject.text.substr(0, blank) + other.text.substr(other_blank)
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
    const template_fact fact = text_.any_of(made.facts);
    const template_language& l = *fact.language;
    std::vector<probe> attribute, other, missing;
    const std::size_t n_attribute = text_.chance(25) ? 2 : 1, n_other = text_.chance(50) ? 2 : 1;
    for (int tries = 0; tries < 20 && attribute.size() < n_attribute; ++tries) {
      const template_relation* r = relation_for(l, fact.subject, made.held_back && text_.chance(50));
      if (r == nullptr || mentioned_.has(r->theme, fact.subject.text)) continue;
      ask(attribute, question_of(l, *r, fact.subject), {});
    }
    for (int tries = 0; tries < 20 && other.size() < n_other; ++tries) {
      drawn_text subject = namesake(l, *fact.relation, fact.subject);
      if (!other.empty() && text_.chance(50)) subject = text_.any_of(subjects_.at(l.name));
      if (!shares(subject, fact.relation->kinds) || told_.has(fact.relation->theme, subject.text)) continue;
      ask(other, question_of(l, *fact.relation, subject), {});
    }
    for (const template_fact& first : made.facts) {
      if (made.one.kind == "two_hop" || !text_.chance(60)) continue;
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

  std::vector<template_language> languages_;
  note_template_options options_;
  std::string place_;
  template_text text_;
  std::uint32_t all_shares_ = 0;
  told_facts told_, mentioned_;  ///< mentioned: also what is denied, doubted or asked
  std::map<std::string, std::vector<drawn_text>> subjects_;
  std::vector<made_case> cases_;
};

}  // namespace detail

QUIPU_INLINE edit_set read_note_templates(const std::string& path, const note_template_options& options) {
  return detail::note_maker(read_template_file(path), options, path).make();
}

}  // namespace quipu::data
