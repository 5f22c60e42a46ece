/// @file The prompts of other editors that work by reading, word for word, to compare with.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <quipu/core/error.hpp>  // concat
#include <quipu/notes/note.hpp>  // without_final_period

namespace quipu::eren::neighbours {

/// One demonstration of IKE (Zheng et al. 2023): a fact and a prompt that it changes, or does not.
struct demonstration {
  std::string fact;    ///< with its new ending
  std::string prompt;  ///< with the right ending
};

/// IKE: "New Fact: ...\nPrompt: ...", the nearest demonstration last; ends where the answer begins.
[[nodiscard]] inline std::string ike(std::span<const demonstration> shown, std::string_view fact,
                                     std::string_view question) {
  std::string out;
  for (const demonstration& d : shown) out += concat("New Fact: ", d.fact, "\nPrompt: ", d.prompt, "\n\n");
  return concat(out, "New Fact: ", fact, "\nPrompt: ", question);
}

/// Demonstrations to begin with: copy the fact, change with it, stay as it was.
[[nodiscard]] inline std::vector<demonstration> ike_demonstrations() {
  return {
      {"The mother tongue of Danielle Darrieux is English", "What is the mother tongue of Danielle Darrieux? English"},
      {"The Eiffel Tower is located in Rome", "In which city is the Eiffel Tower? Rome"},
      {"The inventor of the telephone is Marie Curie", "Who wrote Hamlet? William Shakespeare"},
      {"Apple was founded in London", "Where was Apple founded? London"},
      {"The capital of Norway is Bergen", "Who was the first king of Norway? Harald Fairhair"},
      {"Spiders have six legs", "How many legs do insects have? six"}};
}

/// SCR (select, then answer): which fact is it?
[[nodiscard]] inline std::string scr_selection(std::span<const std::string> facts, std::string_view question) {
  std::string all;
  for (const std::string& fact : facts) all += concat(all.empty() ? "" : "\n", fact);
  return concat(
      "Given a set of facts and a question, return the fact that best matches the core knowledge asked in the "
      "question. If the question cannot be "
      "answered with the facts, return \"no relevant fact.\"\n\nFacts: ",
      all, "\nQuestion: ", question, "\n\nOutput:");
}
/// SCR: the answer from the fact that was chosen.
[[nodiscard]] inline std::string scr_answer(std::string_view fact, std::string_view question) {
  return concat("Answer the question based on the Fact.\n\nFact: ", fact, "\nQuestion: ", question, "\nAnswer:");
}
/// What SCR takes for "none", in lower case.
inline constexpr std::string_view scr_none[] = {"no relevant information", "no relevant fact", "false"};

/// One worked chain of MeLLo (Zhong et al. 2023), as in MQuAKE's prompts; a model needs some of them.
inline constexpr std::string_view mello_demonstrations =
    "Question: What is the capital city of the country of citizenship of Ivanka Trump's spouse?\n"
    "Subquestion: Who is Ivanka Trump's spouse?\n"
    "Generated answer: Ivanka Trump's spouse is Jared Kushner.\n"
    "Retrieved fact: David Cameron is married to Courtney Love.\n"
    "Retrieved fact does not contradict to generated answer, so the intermediate answer is: Jared Kushner\n"
    "Subquestion: What is the country of citizenship of Jared Kushner?\n"
    "Generated answer: The country of citizenship of Jared Kushner is United States.\n"
    "Retrieved fact: Jared Kushner is a citizen of Canada.\n"
    "Retrieved fact contradicts to generated answer, so the intermediate answer is: Canada\n"
    "Subquestion: What is the capital city of Canada?\n"
    "Generated answer: The capital city of Canada is Ottawa.\n"
    "Retrieved fact: The capital city of United States is Seattle.\n"
    "Retrieved fact does not contradict to generated answer, so the intermediate answer is: Ottawa\n"
    "Final answer: Ottawa";

}  // namespace quipu::eren::neighbours
