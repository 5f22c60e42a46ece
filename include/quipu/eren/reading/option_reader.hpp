/// @file A reader for claims: yes, no, or no telling, by the log-probabilities of the three.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/token.hpp>
#include <quipu/eren/reading/read_prompts.hpp>
#include <quipu/eren/reading/reader.hpp>
#include <quipu/eren/reading/reading_session.hpp>

namespace quipu::eren {

/// Scores fixed options after the prompt instead of parsing a text. Options are compared by their whole
/// log-probability, each with an offset of its own that calibration may set: small models have a favourite.
///
/// @tparam Prompt    models `read_prompt`; the question is a claim
/// @tparam Adapter   hooks that are on while reading, see `no_adapter`
/// @tparam Grouping  one by one, each note is held against the claim alone, and none is read with another after that
template <read_prompt Prompt = claim_prompt, class Adapter = no_adapter,
          note_grouping Grouping = note_grouping::together>
class basic_option_reader {
 public:
  using default_gate = std::conditional_t<std::is_same_v<Adapter, no_adapter>, abstention_gate, margin_gate>;
  static constexpr note_grouping grouping = Grouping;
  static constexpr bool reads_jointly = Grouping == note_grouping::together;
  static constexpr std::size_t n_note = 1;
  /// With an adapter the margin over abstaining decides, at a threshold that may be below 0: the gate's business alone.
  static constexpr bool leaves_it_to_the_gate = !std::is_same_v<Adapter, no_adapter>;

  struct option {
    std::string text;    ///< as the model would write it
    std::string answer;  ///< as the caller reads it; empty for "no telling"
    double offset = 0;   ///< added to the log-probability, nats
  };

  [[nodiscard]] static std::vector<option> usual_options() {
    return {{"yes", "yes"}, {"no", "no"}, {"unanswerable", ""}};
  }

  basic_option_reader() : basic_option_reader(usual_options()) {}
  /// @throws config_error  fewer than two options, or an empty text
  explicit basic_option_reader(std::vector<option> options, Prompt words = {}, Adapter adapter = {})
      : options_(std::move(options)), words_(std::move(words)), adapter_(std::move(adapter)) {
    if (options_.size() < 2) fail<config_error>("option_reader: options", "at least two", options_.size());
    for (const option& o : options_) {
      if (o.text.empty()) fail<config_error>("option_reader: text of an option", "at least one letter", "none");
    }
  }
  /// The paper's three options for entailment.
  [[nodiscard]] static basic_option_reader entailment(Prompt words = {}) {
    return basic_option_reader({{"Yes", "yes"}, {"It's impossible to say", ""}, {"No", "no"}}, std::move(words));
  }

  template <class Session>
  [[nodiscard]] std::vector<reading> read(Session& session, std::span<const reading_task> tasks,
                                          const reading_wishes& wishes = {}) const {
    std::vector<reading> readings;
    const auto read_batch = [&](const auto& batch, std::span<const std::size_t> indices) {
      std::vector<std::vector<token_id>> ids;
      for (const option& o : options_) ids.push_back(continuation_ids(session.tokenizer(), ":", " " + o.text));
      std::vector<continuation_of_prompt> all;
      for (std::size_t b = 0; b < indices.size(); ++b) {
        for (const auto& tokens : ids) all.push_back({b, tokens});
      }
      const std::vector<std::vector<double>> scores = session.score_after(batch.states(), all, adapter_);
      for (std::size_t b = 0; b < indices.size(); ++b) {
        reading& r = readings[indices[b]];
        std::size_t best = 0;
        std::vector<double> sums;
        for (std::size_t o = 0; o < ids.size(); ++o) {
          double sum = options_[o].offset;
          for (const double p : scores[b * ids.size() + o]) sum += p;
          sums.push_back(sum);
          if (sum > sums[best]) best = o;
          if (options_[o].answer.empty()) r.log_p_abstain = sum;
        }
        r.answer = options_[best].answer;
        r.abstained = r.answer.empty() && !leaves_it_to_the_gate;
        const bool abstains = r.answer.empty();
        // The best real answer, even if abstaining wins: gates compare the two.
        double top = -1e300;
        for (std::size_t o = 0; o < ids.size(); ++o) {
          if (options_[o].answer.empty() || sums[o] <= top) continue;
          top = sums[o];
          r.n_token = ids[o].size();
          if (abstains) r.answer = options_[o].answer;
        }
        r.log_p_answer = top;
      }
    };
    with_prompts(words_, session, tasks, wishes, adapter_, readings, read_batch);
    return readings;
  }
  [[nodiscard]] std::string identity() const { return concat("options 1, ", words_.name(), adapter_.identity()); }
  [[nodiscard]] const Adapter& adapter() const noexcept { return adapter_; }

 private:
  std::vector<option> options_;
  Prompt words_;
  Adapter adapter_;
};

using option_reader = basic_option_reader<>;

}  // namespace quipu::eren
