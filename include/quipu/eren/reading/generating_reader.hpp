/// @file Readers that write their answer freely: the paper's two steps, and one step without a way out.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <quipu/eren/reading/abstention.hpp>
#include <quipu/eren/reading/greedy_writer.hpp>
#include <quipu/eren/reading/read_prompts.hpp>
#include <quipu/eren/reading/reader.hpp>
#include <quipu/llama/score.hpp>

namespace quipu::eren {

/// Reads all notes of a question together and generates, greedily, up to a line's end. Good for models that
/// were trained to abstain (FLAN-T5 was); a 135M chat model never does, see `extractive_reader`.
///
/// @tparam Prompt   models `read_prompt`
/// @tparam Gate     the gate that goes with it
/// @tparam Adapter  hooks that are on while reading and writing, see `no_adapter`
template <read_prompt Prompt, class Gate = abstention_gate, std::size_t NNote = 5, class Adapter = no_adapter>
class basic_generating_reader {
 public:
  using default_gate = Gate;
  static constexpr note_grouping grouping = note_grouping::together;
  static constexpr std::size_t n_note = NNote;

  struct options_type {
    std::size_t max_tokens = 24;
    abstention_detector abstained = {};
    std::string abstention = "unanswerable";
    std::vector<std::string> stop = {"\n", "[INST]", "Question:"};
    /// Score all of that word and not its first token alone, for gates that compare it with the answer
    bool whole_abstention = false;
    /// If another gate has decided already: in place of an abstention the best text that begins otherwise
    bool must_answer = false;
  };

  basic_generating_reader() = default;
  explicit basic_generating_reader(options_type options, Prompt words = {}, Adapter adapter = {})
      : options_(std::move(options)), words_(std::move(words)), adapter_(std::move(adapter)) {}

  template <class Session>
  [[nodiscard]] std::vector<reading> read(Session& session, std::span<const reading_task> tasks,
                                          const reading_wishes& wishes = {}) const {
    std::vector<reading> readings;
    const auto read_batch = [&](const auto& batch, std::span<const std::size_t> indices) {
      const std::vector<token_id> abstain = continuation_ids(session.tokenizer(), ":", " " + options_.abstention);
      std::vector<double> log_p_abstain;
      if (options_.whole_abstention) log_p_abstain = session.score_after_each(batch.states(), abstain, adapter_);
      for (std::size_t b = 0; b < indices.size(); ++b) {
        reading& r = readings[indices[b]];
        const auto& state = batch.states()[b];
        const auto logits = std::span(state.logits.data(), state.logits.size());
        r.log_p_abstain =
            options_.whole_abstention ? log_p_abstain[b] : llama::log_probability(logits, abstain.front());
        written_text text =
            write_greedily(session, state.sequence, logits, {options_.max_tokens, options_.stop}, adapter_);
        if (options_.must_answer && options_.abstained(text.text)) {
          session.session().truncate(state.sequence, adapter_.n_virtual() + state.n_token);
          text = write_greedily(session, state.sequence, logits, {options_.max_tokens, options_.stop, text.first},
                                adapter_);
        }
        r.log_p_answer = text.log_p;
        r.n_token = text.n_token;
        r.abstained = options_.abstained(text.text);
        r.answer = tidy_answer(text.text);
      }
    };
    with_prompts(words_, session, tasks, wishes, adapter_, readings, read_batch);
    return readings;
  }
  [[nodiscard]] std::string identity() const {
    return concat("generating 1, ", words_.name(), options_.whole_abstention ? ", whole abstention" : "",
                  options_.must_answer ? ", must answer" : "", adapter_.identity());
  }

 private:
  options_type options_;
  Prompt words_;
  Adapter adapter_;
};

/// The paper's reader: one prompt with all notes and a way out ("unanswerable"); the second step, without
/// notes, is the editor's fallback.
using two_step_reader = basic_generating_reader<paper_reading_prompt>;
/// The same two steps worded for chat models.
using two_step_chat_reader = basic_generating_reader<notes_prompt>;
/// Without a way out: whatever notes are found are believed.
using one_step_reader = basic_generating_reader<paper_one_step_prompt, open_gate>;
using one_step_chat_reader = basic_generating_reader<one_step_notes_prompt, open_gate>;

}  // namespace quipu::eren
