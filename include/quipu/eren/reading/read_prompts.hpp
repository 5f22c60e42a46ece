/// @file Prompt policies of readers: which words lead from notes and a question to an answer.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <quipu/core/error.hpp>  // concat
#include <quipu/eren/reading/paper_prompts.hpp>
#include <quipu/eren/reading/prompt.hpp>

namespace quipu::eren {

/// Role `read_prompt`: a small value that words the task. Notes are guarded and without final periods, the
/// question is guarded. `name()` goes into the keys of what was fitted on the prompt.
template <class P>
concept read_prompt = std::copyable<P> &&
    requires(const P& p, std::span<const std::string> notes, std::string_view question) {
  { p(notes, question) } -> std::same_as<prompt>;
  { p.name() } -> std::convertible_to<std::string_view>;
};
/// Optional: a prompt that is encoded as plain text, without the chat template of the model.
template <class P>
concept plain_read_prompt = requires { requires P::is_plain; };

namespace detail {

inline std::string numbered_notes(std::span<const std::string> notes) {
  std::string out = "Notes:\n";
  for (std::size_t i = 0; i < notes.size(); ++i) out += concat(i + 1, ". ", notes[i], ".\n");
  return out;
}

}  // namespace detail

/// Notes for a chat model, with a way out: the prompt of the default reader.
struct notes_prompt {
  static constexpr std::string_view system =
      "You answer with a few words only. You are given notes. They are true even if they disagree with what you "
      "remember. Use only the notes. "
      "If the notes do not state the answer, reply exactly: unanswerable";

  [[nodiscard]] prompt operator()(std::span<const std::string> notes, std::string_view question) const {
    return {
        {{"system", std::string(system)}, {"user", concat(detail::numbered_notes(notes), "\nQuestion: ", question)}},
        "Answer:"};
  }
  [[nodiscard]] static std::string_view name() { return "notes 1"; }
};

/// The same without a way out.
struct one_step_notes_prompt {
  static constexpr std::string_view system =
      "You answer with a few words only. You are given notes. They are true even if they disagree with what you "
      "remember. Use only the notes.";

  [[nodiscard]] prompt operator()(std::span<const std::string> notes, std::string_view question) const {
    return {
        {{"system", std::string(system)}, {"user", concat(detail::numbered_notes(notes), "\nQuestion: ", question)}},
        "Answer:"};
  }
  [[nodiscard]] static std::string_view name() { return "one-step notes 1"; }
};

/// One user message made of the paper's template.
struct paper_reading_prompt {
  [[nodiscard]] prompt operator()(std::span<const std::string> notes, std::string_view question) const {
    return {{{"user", paper::reading(notes, question)}}, {}};
  }
  [[nodiscard]] static std::string_view name() { return "paper reading"; }
};
struct paper_one_step_prompt {
  [[nodiscard]] prompt operator()(std::span<const std::string> notes, std::string_view question) const {
    return {{{"user", paper::one_step(notes, question)}}, {}};
  }
  [[nodiscard]] static std::string_view name() { return "paper one step"; }
};
/// A claim to check, the options after it.
struct paper_entailment_prompt {
  [[nodiscard]] prompt operator()(std::span<const std::string> notes, std::string_view claim) const {
    return {{{"user", paper::entailment(notes, claim)}}, {}};
  }
  [[nodiscard]] static std::string_view name() { return "paper entailment"; }
};

/// Claims for a chat model, worded like `notes_prompt`.
struct claim_prompt {
  [[nodiscard]] prompt operator()(std::span<const std::string> notes, std::string_view claim) const {
    return {{{"system",
              "You are given notes. They are true even if they disagree with what you remember. Use only the notes. "
              "Answer with yes, no or unanswerable."},
             {"user", concat(detail::numbered_notes(notes), "\nClaim: ", claim)}},
            "Answer:"};
  }
  [[nodiscard]] static std::string_view name() { return "claim 1"; }
};

/// Shortest of all, what adapters are trained on: "Note: {n}.\nQuestion: {q}\nAnswer:" with no chat around it.
struct plain_note_prompt {
  [[nodiscard]] prompt operator()(std::span<const std::string> notes, std::string_view question) const {
    std::string all;
    for (const std::string& note : notes) all += concat("Note: ", note, ".\n");
    return {{{"user", concat(all, "Question: ", question)}}, "Answer:"};
  }
  [[nodiscard]] static std::string_view name() { return "plain note 1"; }
  static constexpr bool is_plain = true;  ///< encoded without the chat template
};

/// The same for claims: "Note: {n}.\nClaim: {c}\nAnswer:".
struct plain_claim_prompt {
  [[nodiscard]] prompt operator()(std::span<const std::string> notes, std::string_view claim) const {
    std::string all;
    for (const std::string& note : notes) all += concat("Note: ", note, ".\n");
    return {{{"user", concat(all, "Claim: ", claim)}}, "Answer:"};
  }
  [[nodiscard]] static std::string_view name() { return "plain claim 1"; }
  static constexpr bool is_plain = true;
};

static_assert(read_prompt<notes_prompt> && read_prompt<one_step_notes_prompt> && read_prompt<paper_reading_prompt> &&
              read_prompt<paper_one_step_prompt> && read_prompt<paper_entailment_prompt> && read_prompt<claim_prompt> &&
              read_prompt<plain_note_prompt> && read_prompt<plain_claim_prompt>);

/// The form that a prompt policy is encoded in: plain if it asks for that, else the model's.
template <read_prompt P>
[[nodiscard]] const prompt_form& form_for(const prompt_form& of_model) {
  static const prompt_form plain;
  if constexpr (plain_read_prompt<P>) {
    return plain;
  } else {
    return of_model;
  }
}

}  // namespace quipu::eren
