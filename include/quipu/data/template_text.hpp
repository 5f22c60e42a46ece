/// @file Sentences and questions from frames: drawn fillers, and facts in words.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/core/random.hpp>
#include <quipu/data/template_file.hpp>

namespace quipu::data {

/// A text and the generators it came through without anything added: what it is.
struct drawn_text {
  std::string text;
  std::vector<std::string> kinds;
};

[[nodiscard]] bool shares(const drawn_text& text, const std::set<std::string>& kinds);

struct template_fact {
  const template_language* language = nullptr;
  const template_relation* relation = nullptr;
  drawn_text subject, value;
  bool denied = false;  ///< or doubted, or asked
};

/// How a later sentence of a note names its subject.
enum class naming : std::uint8_t { full, first_word, possessive };

/// What stands for a frame's slots.
struct slot_texts {
  std::string subject, possessive, value = {}, alias = {};
};
[[nodiscard]] slot_texts slots_for(const template_language& language, const std::string& subject);

/// What may stand for the subject in later sentences; null if it is no person.
[[nodiscard]] const template_person* person_of(const template_language& language, const drawn_text& subject);

/// Everything that is drawn, from one stream of random numbers.
class template_text {
 public:
  explicit template_text(std::uint64_t seed) : random_(seed) {}

  /// @pre n > 0
  [[nodiscard]] std::uint32_t below(std::uint32_t n) { return random_.below(n); }
  [[nodiscard]] bool chance(std::uint32_t percent) { return random_.below(100) < percent; }
  /// @pre not empty
  template <class List>
  [[nodiscard]] const auto& any_of(const List& list) {
    return list[random_.below(static_cast<std::uint32_t>(list.size()))];
  }

  [[nodiscard]] drawn_text draw(const template_language& language, const std::string& generator);
  [[nodiscard]] std::string fill(const template_language& language, const std::string& frame, const slot_texts& slots);
  /// A sentence of the fact, with the value as it is; empty if no frame has it so.
  /// @param by  not `possessive` if nothing stands for the subject
  [[nodiscard]] std::string sentence(const template_fact& fact, naming by = naming::full);
  /// @param hop  the subject is a phrase; empty if the language has no question for one
  [[nodiscard]] std::string question(const template_language& language, const template_relation& relation,
                                     const std::string& subject, bool hop = false);

 private:
  [[nodiscard]] std::string number_in(const number_range& range);
  [[nodiscard]] char character_for(char sign);
  /// The relation's phrase in one of the forms that the language has for it.
  [[nodiscard]] std::string phrase(const template_language& language, const template_relation& relation);

  random_stream random_;
};

}  // namespace quipu::data

#if !defined(QUIPU_COMPILED)
#include <quipu/data/template_text.ipp>
#endif
