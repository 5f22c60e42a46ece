// What declarative.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/data/declarative.hpp>

namespace quipu::data {

namespace detail {

using english_words = std::span<const std::string_view>;

inline bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}
inline bool is_be(std::string_view word) { return is_one_of(word, {"is", "was", "are", "were"}); }
inline bool is_auxiliary(std::string_view word) {
  return is_be(word) || is_one_of(word, {"did", "does", "do", "has", "have", "had", "can", "could", "will", "would"});
}
inline bool is_preposition(std::string_view word) {
  return is_one_of(word, {"in", "on", "at", "by", "of", "from", "for", "with", "to", "after", "under", "into", "over",
                          "through", "during", "about", "against"});
}
inline bool is_question_word(std::string_view word) {
  return is_one_of(word, {"who", "whom", "what", "which", "when", "where"});
}
inline bool is_article(std::string_view word) { return is_one_of(word, {"the", "a", "an"}); }

/// The past of "did ...": a few that are irregular, and the rule.
inline std::string past_of(std::string_view verb) {
  static constexpr std::pair<std::string_view, std::string_view> irregular[] = {
      {"be", "was"},       {"bear", "bore"},   {"become", "became"}, {"begin", "began"}, {"break", "broke"}, {"bring", "brought"},
      {"build", "built"},  {"buy", "bought"},  {"come", "came"},     {"cut", "cut"},     {"do", "did"},      {"draw", "drew"},
      {"drive", "drove"},  {"fall", "fell"},   {"feel", "felt"},     {"fight", "fought"}, {"find", "found"}, {"fly", "flew"},
      {"get", "got"},      {"give", "gave"},   {"go", "went"},       {"grow", "grew"},   {"have", "had"},    {"hear", "heard"},
      {"hold", "held"},    {"keep", "kept"},   {"know", "knew"},     {"lead", "led"},    {"leave", "left"},  {"lose", "lost"},
      {"make", "made"},    {"mean", "meant"},  {"meet", "met"},      {"occur", "occurred"}, {"put", "put"},  {"read", "read"},
      {"rise", "rose"},    {"run", "ran"},     {"say", "said"},      {"see", "saw"},     {"sell", "sold"},   {"send", "sent"},
      {"set", "set"},      {"shoot", "shot"},  {"sing", "sang"},     {"sit", "sat"},     {"speak", "spoke"}, {"spend", "spent"},
      {"stand", "stood"},  {"stop", "stopped"}, {"take", "took"},    {"teach", "taught"}, {"think", "thought"}, {"wear", "wore"},
      {"win", "won"},      {"write", "wrote"}};
  const auto known = std::find_if(std::begin(irregular), std::end(irregular), [&](const auto& pair) { return pair.first == verb; });
  if (known != std::end(irregular)) return std::string(known->second);
  std::string past(verb);
  if (past.ends_with('e')) return past + 'd';
  const bool consonant_y = past.size() > 1 && past.back() == 'y' && std::string_view("aeiou").find(past[past.size() - 2]) == std::string_view::npos;
  if (consonant_y) return past.replace(past.size() - 1, 1, "ied");
  return past + "ed";
}
/// The third person of "does ...".
inline std::string third_person_of(std::string_view verb) {
  std::string third(verb);
  if (third == "have") return "has";
  for (const std::string_view ending : {"s", "x", "z", "ch", "sh", "o"}) {
    if (third.ends_with(ending)) return third + "es";
  }
  const bool consonant_y = third.size() > 1 && third.back() == 'y' && std::string_view("aeiou").find(third[third.size() - 2]) == std::string_view::npos;
  if (consonant_y) return third.replace(third.size() - 1, 1, "ies");
  return third + "s";
}

inline std::string lower_ascii(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return lower;
}

/// A question cut at its blanks; the subject is one word.
class cut_question {
 public:
  static constexpr char subject_mark = '\1';

  cut_question(std::string_view question, std::string_view subject) : subject_(subject) {
    const std::size_t at = lower_ascii(question).find(lower_ascii(subject));
    if (subject.empty() || at == std::string_view::npos) return;
    std::string text(question.substr(0, at));
    (text += subject_mark).append(question.substr(at + subject.size()));
    for (std::size_t begin = 0; (begin = text.find_first_not_of(" \t\n\r", begin)) != std::string::npos;) {
      std::size_t end = std::min(text.find_first_of(" \t\n\r", begin), text.size());
      const bool comma = text[end - 1] == ',';
      if (comma && end - begin > 1) words_.push_back(text.substr(begin, end - 1 - begin));
      words_.push_back(comma ? "," : text.substr(begin, end - begin));
      begin = end;
    }
    for (const std::string& word : words_) lower_.push_back(lower_ascii(word));
  }

  [[nodiscard]] std::size_t size() const noexcept { return words_.size(); }
  [[nodiscard]] const std::string& lower(std::size_t i) const noexcept { return lower_[i]; }
  [[nodiscard]] bool is_subject(std::size_t i) const noexcept { return i < words_.size() && words_[i] == std::string(1, subject_mark); }
  /// Where a subject that begins at word i, perhaps with an article, ends; 0 if none begins there.
  [[nodiscard]] std::size_t subject_end(std::size_t i) const {
    const std::size_t at = i < size() && is_article(lower(i)) ? i + 1 : i;
    return is_subject(at) ? at + 1 : 0;
  }
  void drop_first() {
    words_.erase(words_.begin());
    lower_.erase(lower_.begin());
  }
  [[nodiscard]] std::vector<std::string> words(std::size_t begin, std::size_t end) const {
    return {words_.begin() + static_cast<std::ptrdiff_t>(begin), words_.begin() + static_cast<std::ptrdiff_t>(end)};
  }
  [[nodiscard]] std::vector<std::string> words(std::size_t begin) const { return words(begin, size()); }

  /// A sentence of parts, with the subject in its place.
  [[nodiscard]] std::string sentence(std::initializer_list<std::vector<std::string>> parts) const {
    std::string out;
    for (const std::vector<std::string>& part : parts) {
      for (const std::string& word : part) {
        if (!out.empty() && word != ",") out += ' ';
        const std::size_t mark = word.find(subject_mark);
        out += mark == std::string::npos ? word : std::string(word).replace(mark, 1, subject_);
      }
    }
    if (!out.empty() && out[0] >= 'a' && out[0] <= 'z') out[0] = static_cast<char>(out[0] - 32);
    if (!out.ends_with('.')) out += '.';
    return out;
  }

 private:
  std::string subject_;
  std::vector<std::string> words_, lower_;
};

/// "in 1912", "on 3 May 1912".
inline std::string preposition_for_time(std::string_view time) {
  std::size_t digits = 0;
  bool day = false, letters = false;
  for (std::size_t i = 0; i <= time.size(); ++i) {
    const char c = i < time.size() ? time[i] : ' ';
    if (c >= '0' && c <= '9') {
      ++digits;
      continue;
    }
    day |= digits == 1 || digits == 2;
    digits = 0;
    letters |= (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  }
  return day && letters ? "on" : "in";
}

/// A word that may be the verb of "which company produced ...".
inline bool is_past_or_present(std::string_view word) {
  return (word.size() > 4 && word.ends_with("ed")) ||
         is_one_of(word, {"made", "makes", "wrote", "built", "sang", "led", "won", "owns", "hosts", "holds", "gave", "began", "brought", "bore",
                          "carries", "contains", "took", "ran", "drew", "sold", "sells", "manufactures", "produces", "publishes"});
}

}  // namespace detail

QUIPU_INLINE std::optional<std::string> declarative(std::string_view question, std::string_view subject,
                                                    std::string_view answer) {
  using words = std::vector<std::string>;
  while (!question.empty() && question.back() == ' ') question.remove_suffix(1);
  if (!question.ends_with('?')) return std::nullopt;
  question.remove_suffix(1);
  detail::cut_question q(question, subject);
  if (q.size() < 2) return std::nullopt;
  const words value = {std::string(answer)}, is_value = {"is", std::string(answer)};
  const std::size_t last = q.size() - 1;

  // "The mother of S is whom?", "S is a part of what family?", "The date of S is?"
  if (!detail::is_question_word(q.lower(0)) && !detail::is_preposition(q.lower(0))) {
    if (detail::is_question_word(q.lower(last))) return q.sentence({q.words(0, last), value});
    if (last > 1 && detail::is_one_of(q.lower(last - 1), {"what", "which"})) {
      return q.sentence({q.words(0, last - 1), {"the"}, q.words(last), value});
    }
    if (detail::is_be(q.lower(last))) return q.sentence({q.words(0), value});
    return std::nullopt;
  }

  std::string preposition;  // "In which state is S located?"
  if (detail::is_preposition(q.lower(0))) {
    preposition = q.lower(0);
    q.drop_first();
    if (!detail::is_one_of(q.lower(0), {"what", "which", "whom"})) return std::nullopt;
  }
  const std::string ask = q.lower(0);
  const bool asks_thing = ask == "what" || ask == "which";

  // The question's noun ends where its verb begins.
  std::size_t verb = 1;
  for (; verb < q.size(); ++verb) {
    const std::string& word = q.lower(verb);
    if (detail::is_auxiliary(word) || q.is_subject(verb) || word == ",") break;
    const bool after_article = detail::is_article(q.lower(verb - 1));
    if (asks_thing && verb > 1 && !after_article && detail::is_past_or_present(word)) break;
  }
  const bool has_noun = verb > 1;
  if (verb == q.size()) return std::nullopt;
  words thing = {"the", ask == "who" || ask == "whom" ? "person" : ask == "when" ? "time" : ask == "where" ? "place" : "thing"};
  if (has_noun) {
    if (ask == "who") return q.sentence({{"the", "person", "who"}, q.words(1), is_value});  // "Who fathered S?"
    if (!asks_thing) return std::nullopt;
    thing = {"the"};
    for (std::string& word : q.words(1, verb)) thing.push_back(std::move(word));
  }
  words link = {ask == "when" || ask == "where" ? ask : "that"};
  if (!preposition.empty()) link = {preposition, "which"};

  if (q.lower(verb) == ",") {  // "By which company, S has been made?"
    if (preposition.empty() || !has_noun) return std::nullopt;
    return q.sentence({thing, link, q.words(verb + 1), is_value});
  }
  if (q.is_subject(verb)) return has_noun ? std::optional(q.sentence({thing, link, q.words(verb), is_value})) : std::nullopt;
  if (!detail::is_auxiliary(q.lower(verb))) return q.sentence({thing, {"that"}, q.words(verb), is_value});

  std::size_t end = q.subject_end(verb + 1);
  if (detail::is_one_of(q.lower(verb), {"has", "have", "had"})) {  // "Which species has the S gene?" is not turned around
    bool participle = false;
    for (std::size_t i = end; i < q.size(); ++i) participle |= q.lower(i) == "been" || q.lower(i).ends_with("ed");
    if (!participle) end = 0;
  }
  const bool turned = end > 0;  // the subject stands after the verb
  const words about = turned ? q.words(verb + 1, end) : words(), rest = turned ? q.words(end) : words();
  const std::string last_word = q.lower(q.size() - 1);
  const bool ends_in_preposition = detail::is_preposition(last_word);
  const words the_verb = q.words(verb, verb + 1);

  if (detail::is_one_of(q.lower(verb), {"did", "does", "do"})) {
    if (rest.empty()) return std::nullopt;
    const std::string& plain = q.lower(end);
    const std::string inflected = q.lower(verb) == "did"    ? detail::past_of(plain)
                                  : q.lower(verb) == "does" ? detail::third_person_of(plain)
                                                            : plain;
    if (has_noun && preposition.empty() && detail::is_one_of(plain, {"live", "die", "reside"}) && !ends_in_preposition &&
        !detail::is_one_of(q.lower(verb - 1), {"date", "year", "day", "month", "age"})) {
      link = {"in", "which"};
    }
    return q.sentence({thing, link, about, {inflected}, q.words(end + 1), is_value});
  }
  if (detail::is_be(q.lower(verb)) && !has_noun && preposition.empty()) {
    if (!turned) return q.sentence({q.words(verb + 1), the_verb, value});  // "What is the name of S's father?"
    if (rest.empty()) return q.sentence({about, the_verb, value});
    if (ends_in_preposition || ((ask == "who" || asks_thing) && last_word.ends_with("ed"))) {
      return q.sentence({about, the_verb, rest, value});  // "What is S named after?"
    }
    if (ask == "when") return q.sentence({about, the_verb, rest, {detail::preposition_for_time(answer)}, value});
    if (ask == "where") return q.sentence({about, the_verb, rest, {"in"}, value});
    return q.sentence({thing, link, about, the_verb, rest, is_value});
  }
  if (turned && rest.empty()) {
    if (!preposition.empty()) return q.sentence({thing, link, about, the_verb, is_value});
    if (!detail::is_be(q.lower(verb)) || !has_noun) return std::nullopt;
    return q.sentence({thing, {"of"}, about, the_verb, value});  // "What voice type is S?"
  }
  if (turned) {
    if (has_noun && preposition.empty() && detail::is_one_of(last_word, {"located", "situated", "based", "born", "buried"})) {
      link = {"in", "which"};
    }
    return q.sentence({thing, link, about, the_verb, rest, is_value});
  }
  if (!preposition.empty()) return std::nullopt;
  return q.sentence({thing, {ask == "who" ? "who" : "that"}, q.words(verb), is_value});  // "Which species has the S gene?"
}

}  // namespace quipu::data
