/// @file Questions for notes, written by the model itself: what gates and readers learn from when nobody has labelled any.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/core/progress.hpp>
#include <quipu/core/random.hpp>
#include <quipu/core/token.hpp>
#include <quipu/eren/reading/extractive_reader.hpp>  // whole_name
#include <quipu/eren/reading/prompt.hpp>
#include <quipu/eren/reading/question_words.hpp>
#include <quipu/llama/sampler.hpp>
#include <quipu/llama/sequence_input.hpp>
#include <quipu/text/stream_decoder.hpp>

namespace quipu::eren {

/// A question that a model wrote for a note, whose answer stands in the note.
struct made_question {
  std::size_t note = 0;  ///< number of the note
  std::string question, answer;
};

/// Statements with a question for one of their words: what the model continues.
inline constexpr std::string_view question_demonstrations =
    "Statement: The author of Emma is Jane Austen.\nAnswer: Jane Austen\nQuestion: Who wrote Emma?\n\n"
    "Statement: Mount Kenya lies in Africa.\nAnswer: Africa\nQuestion: On which continent can you find Mount Kenya?\n\n"
    "Statement: Marie Curie was a chemist.\nAnswer: chemist\nQuestion: What did Marie Curie do for a living?\n\n"
    "Statement: Toyota builds the Corolla.\nAnswer: Toyota\nQuestion: Which company makes the Corolla?\n\n"
    "Statement: The first language of Frida Kahlo was Spanish.\nAnswer: Spanish\nQuestion: What language did Frida "
    "Kahlo grow up with?\n\n"
    "Statement: Johann Sebastian Bach died in Leipzig.\nAnswer: Leipzig\nQuestion: Where did Johann Sebastian Bach "
    "pass away?\n\n"
    "Statement: Nokia's head office is in Espoo.\nAnswer: Espoo\nQuestion: In what city is Nokia based?\n\n"
    "Statement: Glenn Gould played the piano.\nAnswer: piano\nQuestion: What instrument did Glenn Gould play?\n\n";

struct question_making_options {
  std::size_t n_sample = 4;      ///< drawn for each answer of a note, repeats dropped
  double temperature = 0.5;
  std::size_t max_tokens = 24;
  std::size_t batch = 8;         ///< notes together
  std::uint64_t seed = 0;
  std::string demonstrations = std::string(question_demonstrations);
  progress_callback progress{};  ///< false stops; what is done is given back
};

namespace detail {

/// What of a note may be asked for: its last and its first name or content word.
std::vector<std::string> asked_words(std::string_view note);

/// A question that can be used: one sentence that ends as it should, names what the note is about, and does not give
/// the answer away.
std::optional<std::string> usable_question(std::string_view written, std::string_view note,
                                                  std::string_view answer);

}  // namespace detail

/// Lets the model write questions for notes: for each note some for its last and some for its first name or content
/// word, drawn after a few demonstrations. Unusable ones are dropped (no question mark, nothing in common with the
/// note, the answer given away); a model of 135M parameters leaves about half.
///
/// @param session  see `reading_session`
/// @param notes    guarded, without final periods
/// @return in the order of the notes
template <class Session>
[[nodiscard]] std::vector<made_question> make_questions(Session& session, std::span<const std::string> notes,
                                                        const question_making_options& options = {}) {
  using scalar = typename Session::scalar_type;
  static const prompt_form plain;
  const auto& tokenizer = session.tokenizer();
  auto& raw = session.session();
  const std::size_t width = std::max<std::size_t>(1, options.batch);
  std::vector<made_question> made;
  for (std::size_t first = 0; first < notes.size(); first += width) {
    if (!report_progress(options.progress, {"asking", first, notes.size()})) return made;
    std::vector<made_question> tasks;
    std::vector<std::vector<token_id>> prompts;
    for (std::size_t i = first; i < std::min(notes.size(), first + width); ++i) {
      for (std::string& answer : detail::asked_words(notes[i])) {
        const prompt p{
            {{"user", concat(options.demonstrations, "Statement: ", notes[i], ".\nAnswer: ", answer, "\nQuestion:")}},
            {}};
        std::vector<token_id> ids = plain.encode(tokenizer, p);
        if (!session.fits(ids.size(), options.max_tokens)) continue;
        prompts.push_back(std::move(ids));
        tasks.push_back({i, {}, std::move(answer)});
      }
    }
    const auto states = session.read(prompts);

    // Each draw is a sequence of its own; all go on together until the last one has its question mark.
    struct draft {
      std::size_t task;
      llama::sequence_id sequence;
      llama::sampler next;
      text::stream_decoder<std::remove_cvref_t<decltype(tokenizer)>> decoder;
      std::string text;
      token_id token = no_token;
    };
    std::vector<draft> drafts;
    const auto erase_drafts = [&] {
      for (const draft& d : drafts) raw.erase(d.sequence);
    };
    std::vector<bool> open;
    const auto take = [&](draft& d, std::span<const scalar> logits) {
      d.token = d.next(logits, std::span<const token_id>());
      if (tokenizer.is_end(d.token)) return false;
      d.text += d.decoder.push(d.token);
      return d.text.find('?') == std::string::npos &&
             d.text.find('\n', d.text.find_first_not_of(" \n")) == std::string::npos;
    };
    for (std::size_t t = 0; t < tasks.size(); ++t) {
      for (std::size_t n = 0; n < options.n_sample; ++n) {
        const std::uint64_t seed =
            options.seed + (static_cast<std::uint64_t>(first + t) * options.n_sample + n) * 0x9e3779b97f4a7c15u;
        drafts.push_back({t,
                          raw.fork(states[t].sequence, states[t].n_token),
                          llama::sampler::draw(seed, {llama::top_k{40}, llama::temperature{options.temperature}}),
                          text::stream_decoder(tokenizer),
                          {}});
        open.push_back(take(drafts.back(), states[t].logits));
      }
    }
    for (std::size_t n = 1; n < options.max_tokens; ++n) {
      std::vector<llama::sequence_input<scalar>> inputs;
      std::vector<std::size_t> owner;
      for (std::size_t d = 0; d < drafts.size(); ++d) {
        if (!open[d]) continue;
        inputs.push_back({drafts[d].sequence, {&drafts[d].token, 1}, {}, llama::logits_of::last_row});
        owner.push_back(d);
      }
      if (inputs.empty()) break;
      // The draw sets the token that the running pass reads: kept until the pass is over.
      std::vector<std::vector<scalar>> rows(inputs.size());
      session.run(inputs, [&](std::size_t i, std::size_t, std::span<const scalar> logits) {
        rows[i].assign(logits.begin(), logits.end());
      });
      for (std::size_t i = 0; i < rows.size(); ++i)
        open[owner[i]] = take(drafts[owner[i]], std::span<const scalar>(rows[i]));
    }
    for (draft& d : drafts) {
      const made_question& task = tasks[d.task];
      auto question = detail::usable_question(d.text, notes[task.note], task.answer);
      const auto same = [&](const made_question& m) { return m.note == task.note && m.question == *question; };
      if (question && std::none_of(made.begin(), made.end(), same))
        made.push_back({task.note, std::move(*question), task.answer});
    }
    erase_drafts();
    for (std::size_t t = 0; t < tasks.size(); ++t) session.release(states[t], prompts[t]);
  }
  static_cast<void>(report_progress(options.progress, {"asking", notes.size(), notes.size()}));
  return made;
}

}  // namespace quipu::eren

#if !defined(QUIPU_COMPILED)
#include <quipu/eren/study/question_maker.ipp>
#endif
