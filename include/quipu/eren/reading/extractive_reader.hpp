/// @file The default reader: the model may answer only with the notes' own words.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <quipu/eren/reading/answer_trie.hpp>
#include <quipu/eren/reading/prompt.hpp>
#include <quipu/eren/reading/question_words.hpp>
#include <quipu/eren/reading/read_prompts.hpp>
#include <quipu/eren/reading/reader.hpp>
#include <quipu/llama/score.hpp>
#include <quipu/notes/unicode_words.hpp>

namespace quipu::eren {

/// The name that a chosen word belongs to: with the words beside it that are written like names (with a
/// capital or digits) and that could have been chosen too. "York" in "was born in New York." gives "New
/// York". Words that are no names stay alone.
[[nodiscard]] inline std::string whole_name(std::string_view note, std::string_view chosen,
                                            std::span<const std::string> candidates) {
  constexpr std::string_view blank = " \t\n", closing = ".,;:!?\"')", opening = "\"'(";
  struct written {
    std::string word;
    bool name = false, ends = false, begins = false;
  };
  std::vector<written> words;
  for (std::size_t at = 0; (at = note.find_first_not_of(blank, at)) != std::string_view::npos;) {
    const std::size_t end = std::min(note.find_first_of(blank, at), note.size());
    const std::string_view raw = note.substr(at, end - at);
    at = end;
    const std::vector<std::string> bare = note_words(raw);
    if (bare.empty()) {
      words.push_back({{}, false, true, true});
      continue;
    }
    written w{bare.front()};
    const char32_t first = text::decode_utf8(w.word, 0).code_point;
    const bool like_a_name = notes::to_lower(first) != first || (first >= U'0' && first <= U'9');
    w.name = like_a_name && std::find(candidates.begin(), candidates.end(), w.word) != candidates.end();
    w.ends = closing.find(raw.back()) != std::string_view::npos;
    w.begins = opening.find(raw.front()) != std::string_view::npos;
    words.push_back(std::move(w));
  }
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i].word != chosen) continue;
    if (!words[i].name) break;
    std::size_t first = i, last = i;
    while (first > 0 && words[first - 1].name && !words[first - 1].ends && !words[first].begins) --first;
    while (last + 1 < words.size() && words[last + 1].name && !words[last].ends && !words[last + 1].begins) ++last;
    std::string out;
    for (std::size_t w = first; w <= last; ++w) (out += out.empty() ? "" : " ") += words[w].word;
    return out;
  }
  return std::string(chosen);
}

/// Reads one note at a time (or several that belong together) and lets the model choose among the words of
/// the notes that are no stop words and not in the question, by greedy decoding over the trie of their
/// tokens. It cannot make anything up, and the log-probability of what it chose is the best single sign of
/// relevance that a small model gives.
///
/// @tparam Prompt   models `read_prompt`
/// @tparam Adapter  hooks that are on while reading, see `no_adapter`
template <read_prompt Prompt = notes_prompt, class Adapter = no_adapter>
class basic_extractive_reader {
 public:
  using default_gate = std::conditional_t<std::is_same_v<Adapter, no_adapter>, eren::default_gate, margin_gate>;
  static constexpr note_grouping grouping = note_grouping::one_by_one;
  static constexpr std::size_t n_note = 1;

  struct options_type {
    std::string abstention = "unanswerable";  ///< the word for "no answer"
    /// Score all of that word and not its first token alone: what readers that were trained to say it need, whose
    /// answers may begin with that token too. The gates of the others were fitted on the first token.
    bool whole_abstention = !std::is_same_v<Adapter, no_adapter>;
    bool whole_names = true;                  ///< see `whole_name`; the scores stay those of the chosen word
  };

  basic_extractive_reader() = default;
  explicit basic_extractive_reader(options_type options, Prompt words = {}, Adapter adapter = {})
      : options_(std::move(options)), words_(std::move(words)), adapter_(std::move(adapter)) {}

  template <class Session>
  [[nodiscard]] std::vector<reading> read(Session& session, std::span<const reading_task> tasks,
                                          const reading_wishes& wishes = {}) const {
    // The best note stands last, next to the question: models that read from left to right prefer it there.
    std::vector<reading_task> turned(tasks.begin(), tasks.end());
    for (reading_task& t : turned) std::reverse(t.notes.begin(), t.notes.end());
    std::vector<reading> readings;
    const auto read_batch = [&](const auto& batch, std::span<const std::size_t> indices) {
      std::vector<answer_choice> choices;
      std::vector<std::vector<std::string>> texts;
      const std::string_view before = ":";  // what the prompt ends with, as far as tokens care
      for (const std::size_t i : indices) {
        texts.push_back(candidates_of(tasks[i]));
        choices.emplace_back();
        for (const std::string& word : texts.back())
          choices.back().candidates.push_back(continuation_ids(session.tokenizer(), before, " " + word));
      }
      const std::vector<token_id> abstain = continuation_ids(session.tokenizer(), before, " " + options_.abstention);
      std::vector<double> log_p_abstain;
      if (options_.whole_abstention) log_p_abstain = session.score_after_each(batch.states(), abstain, adapter_);
      const std::vector<chosen_answer> chosen = choose_answers(session, batch.states(), choices, adapter_);
      for (std::size_t b = 0; b < indices.size(); ++b) {
        reading& r = readings[indices[b]];
        const auto& state = batch.states()[b];
        r.log_p_answer = chosen[b].log_p;
        r.n_token = chosen[b].n_token;
        r.log_p_abstain =
            options_.whole_abstention
                ? log_p_abstain[b]
                : llama::log_probability(std::span(state.logits.data(), state.logits.size()), abstain.front());
        r.answer = texts[b][chosen[b].candidate];
        if (options_.whole_names) complete_name(r.answer, tasks[indices[b]], texts[b]);
        r.abstained = r.answer == options_.abstention;
      }
    };
    with_prompts(words_, session, turned, wishes, adapter_, readings, read_batch);
    return readings;
  }
  [[nodiscard]] std::string identity() const {
    return concat("extractive 1, ", words_.name(), options_.whole_abstention ? ", whole abstention" : "",
                  adapter_.identity());
  }
  [[nodiscard]] const Adapter& adapter() const noexcept { return adapter_; }

 private:
  /// What the notes may answer, each once.
  [[nodiscard]] std::vector<std::string> candidates_of(const reading_task& task) const {
    std::vector<std::string> all;
    for (const std::string& note : task.notes) {
      for (std::string& word : answer_candidates_beside(note, task.question.stems())) {
        if (std::find(all.begin(), all.end(), word) == all.end()) all.push_back(std::move(word));
      }
    }
    if (all.empty()) all.push_back(options_.abstention);  // a note of nothing but punctuation
    return all;
  }
  /// Makes the answer the whole name that it is part of in the first note that has one.
  static void complete_name(std::string& answer, const reading_task& task, std::span<const std::string> candidates) {
    for (const std::string& note : task.notes) {
      std::string name = whole_name(note, answer, candidates);
      if (name.size() <= answer.size()) continue;
      answer = std::move(name);
      return;
    }
  }

  options_type options_;
  Prompt words_;
  Adapter adapter_;
};

using extractive_reader = basic_extractive_reader<>;

}  // namespace quipu::eren
