/// @file A reader that copies its answer from the notes: any span, as long as it has to be.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <quipu/eren/reading/note_spans.hpp>
#include <quipu/eren/reading/read_prompts.hpp>
#include <quipu/eren/reading/reader.hpp>
#include <quipu/eren/reading/span_writer.hpp>

namespace quipu::eren {

/// Reads one note at a time, or several that belong together, and lets the model write, bound to the notes' spans (see
/// `write_spans`): names, numbers, dates and lists come out whole, and nothing is made up. For models that were taught to
/// end their answer and to say the word for "no answer" (`train_reader`); others do better with `extractive_reader`.
///
/// @tparam Prompt   models `read_prompt`
/// @tparam Adapter  hooks that are on while reading, see `no_adapter`
template <read_prompt Prompt = plain_note_prompt, class Adapter = no_adapter>
class basic_span_reader {
 public:
  using default_gate = margin_gate;
  static constexpr note_grouping grouping = note_grouping::one_by_one;
  static constexpr std::size_t n_note = 1;
  static constexpr bool reads_jointly = false, chains = true;

  struct options_type {
    std::string abstention = "unanswerable";  ///< the word for "no answer"
    span_options spans = {};
  };

  basic_span_reader() = default;
  explicit basic_span_reader(options_type options, Prompt words = {}, Adapter adapter = {})
      : options_(std::move(options)), words_(std::move(words)), adapter_(std::move(adapter)) {}

  template <class Session>
  [[nodiscard]] std::vector<reading> read(Session& session, std::span<const reading_task> tasks,
                                          const reading_wishes& wishes = {}) const {
    std::vector<reading> readings;
    const auto read_batch = [&](const auto& batch, std::span<const std::size_t> indices) {
      const std::vector<token_id> abstain = continuation_ids(session.tokenizer(), ":", " " + options_.abstention);
      const std::vector<double> log_p_abstain = session.score_after_each(batch.states(), abstain, adapter_);
      std::vector<note_spans> spans;
      for (const std::size_t i : indices) spans.emplace_back(tasks[i].notes);
      std::vector<written_span> written =
          write_spans(session, batch.states(), std::span<const note_spans>(spans), options_.spans, adapter_);
      for (std::size_t b = 0; b < indices.size(); ++b) {
        reading& r = readings[indices[b]];
        r.log_p_answer = written[b].log_p;
        r.log_p_abstain = log_p_abstain[b];
        r.n_token = written[b].n_token;
        r.abstained = written[b].text.empty();
        r.answer = std::move(written[b].text);
      }
    };
    with_prompts(words_, session, tasks, wishes, adapter_, readings, read_batch);
    return readings;
  }
  [[nodiscard]] std::string identity() const { return concat("spans 1, ", words_.name(), adapter_.identity()); }
  [[nodiscard]] const Adapter& adapter() const noexcept { return adapter_; }

 private:
  options_type options_;
  Prompt words_;
  Adapter adapter_;
};

}  // namespace quipu::eren
