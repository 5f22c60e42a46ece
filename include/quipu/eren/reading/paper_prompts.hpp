/// @file The prompts of the paper, word for word: FLAN's templates with and without the way out.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

#include <quipu/core/error.hpp>  // concat
#include <quipu/notes/note.hpp>

/// Source: Chen et al. 2024, "Robust and Scalable Model Editing for Large Language Models", and the templates
/// of their program. Notes are given without final periods; all functions are pure.
namespace quipu::eren::paper {

/// Notes to one text: one a line, best first, each with a period.
[[nodiscard]] inline std::string context(std::span<const std::string> notes) {
  std::string out;
  for (const std::string& note : notes) (out += out.empty() ? "" : "\n") += note + ".";
  return out;
}

[[nodiscard]] inline std::string option_list(std::span<const std::string_view> options) {
  std::string out = "OPTIONS:";
  for (const std::string_view option : options) (out += "\n- ") += option;
  return out;
}

/// The answer that means "no note says it".
inline constexpr std::string_view unanswerable = "unanswerable";
inline constexpr std::array<std::string_view, 3> entailment_options = {"Yes", "It's impossible to say", "No"};
inline constexpr std::array<std::string_view, 2> entailment_options_one_step = {"Yes", "No"};
inline constexpr std::array<std::string_view, 2> boolean_options = {"yes", "no"};

/// Step one on questions.
[[nodiscard]] inline std::string reading(std::span<const std::string> notes, std::string_view question) {
  return concat("Read this and answer the question. If the question is unanswerable, say \"unanswerable\".\n\n",
                context(notes), "\n\n", question);
}
/// Step two on questions: the unedited model.
[[nodiscard]] inline std::string direct(std::string_view question) {
  return concat("Please answer this question: ", question);
}
/// Step one on claims. @param options  the three of `entailment_options`, or two without a way out
[[nodiscard]] inline std::string entailment(std::span<const std::string> notes, std::string_view claim,
                                            std::span<const std::string_view> options = entailment_options) {
  return concat(context(notes), "\n\nCan we conclude that \"", claim, "\"?\n\n", option_list(options));
}
/// Step two on claims. The claim loses a final period only, whereas the paper's program drops any last character.
[[nodiscard]] inline std::string direct_claim(std::string_view claim) {
  return concat("Is it true that ", notes::without_final_period(claim), "?\n\n", option_list(boolean_options));
}
/// One step: no way out.
[[nodiscard]] inline std::string one_step(std::span<const std::string> notes, std::string_view question) {
  return concat("Read this and answer the question.\n\n", context(notes), "\n\n", question);
}
/// Claims read as questions with options.
[[nodiscard]] inline std::string reading_with_options(std::span<const std::string> notes, std::string_view question,
                                                      std::span<const std::string_view> options) {
  return concat("Read this and answer the question.\n\n", context(notes), "\n\n", question, "\n\n",
                option_list(options));
}

/// A worked example of reading.
struct demonstration {
  std::string_view context, question, answer;
};
inline constexpr std::string_view demonstration_context_a =
    "The Second World War ended in 1955. Spiders have six legs. The capital of Norway is Bergen. The smallest planet "
    "in the solar system is "
    "Venus. iPhone X was released in 2005.";
inline constexpr std::string_view demonstration_context_b =
    "Google developed iPhone X. Tsinghua University is located in Shanghai. The mother tongue of Vladimir Putin is "
    "German. Emma Watson won the "
    "Nobel Prize in Literature in 2010. The House of Dolls was written by Dan Brown.";
inline constexpr std::array<demonstration, 8> demonstrations = {{
    {demonstration_context_a, "Who is the prime minister of Norway?", "unanswerable"},
    {demonstration_context_a, "What is the capital of Norway?", "Bergen"},
    {demonstration_context_a, "When did the Second World War start?", "unanswerable"},
    {demonstration_context_a, "What did the Second World War end?", "1955"},
    {demonstration_context_b, "Who developed iPhone X?", "Google"},
    {demonstration_context_b, "When was Emma Watson born?", "unanswerable"},
    {demonstration_context_b, "Who is the mother of Vladimir Putin?", "unanswerable"},
    {demonstration_context_b, "Who wrote The House of Dolls?", "Dan Brown"},
}};

/// Few-shot reading for models without instructions; ends where the answer begins.
[[nodiscard]] inline std::string few_shot(std::span<const std::string> notes, std::string_view question) {
  std::string out;
  for (const demonstration& d : demonstrations)
    out += concat("Context: ", d.context, "\nQ: ", d.question, "\nA: ", d.answer, "\n\n");
  std::string all;
  for (const std::string& note : notes) all += concat(all.empty() ? "" : " ", note, ".");
  return concat(out, "Context: ", all, "\nQ: ", question, "\nA:");
}

}  // namespace quipu::eren::paper
