/// @file Features of gates that ask the model once more: likelihoods of texts, yes-or-no questions, shifts.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/eren/gate/gate_features.hpp>
#include <quipu/eren/reading/prompt.hpp>
#include <quipu/eren/reading/question_words.hpp>
#include <quipu/eren/reading/read_prompts.hpp>
#include <quipu/eren/reading/reader.hpp>

/// None of them needs a model that follows instructions, except `yes_no` and `same_fact`. Those that compare
/// texts use plain prompts, without a chat template.
namespace quipu::eren {

namespace detail {

/// A text in front of which the tokens of another one are scored.
template <class Session>
scored_continuation continuation_of(Session& session, const std::string& before, const std::string& text) {
  const auto& tokenizer = session.tokenizer();
  std::vector<token_id> head = tokenizer.encode(before, text::special::plain);
  if ((head.empty() || tokenizer.add_bos()) && tokenizer.bos() != no_token) head.insert(head.begin(), tokenizer.bos());
  return {std::move(head), continuation_ids(tokenizer, before, text)};
}

inline double sum(std::span<const double> values) { return std::accumulate(values.begin(), values.end(), 0.0); }
inline double mean(std::span<const double> values) {
  return values.empty() ? 0 : sum(values) / static_cast<double>(values.size());
}

/// log (exp a + exp b + ...)
inline double log_sum(std::span<const double> values) {
  if (values.empty()) return 0;
  const double top = *std::max_element(values.begin(), values.end());
  double total = 0;
  for (const double v : values) total += std::exp(v - top);
  return top + std::log(total);
}

/// True for tokens of `text` that do not stand in `other`, as lower-case strings.
template <class Tokenizer>
std::vector<bool> fresh_tokens(const Tokenizer& tokenizer, std::span<const token_id> ids, std::string_view other) {
  const std::string low = lower(other);
  std::vector<bool> fresh;
  for (const token_id id : ids) {
    const std::string piece = lower(text::strip_spaces(std::string_view(tokenizer.piece(id))));
    fresh.push_back(piece.empty() || low.find(piece) == std::string::npos);
  }
  if (std::none_of(fresh.begin(), fresh.end(), [](bool b) { return b; })) fresh.assign(ids.size(), true);
  return fresh;
}

inline std::vector<double> where(std::span<const double> values, const std::vector<bool>& keep) {
  std::vector<double> kept;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (keep[i]) kept.push_back(values[i]);
  }
  return kept;
}

}  // namespace detail

/// G3: how much likelier the question becomes after the note (pointwise mutual information), for the whole
/// question, for its tokens that the note does not have, and against the bare topic instead of nothing, which
/// takes the shared name's share out.
struct question_likelihood {
  static constexpr feature_stage stage = feature_stage::passes;
  [[nodiscard]] static std::vector<std::string> names() {
    return {"pmi_mean",      "pmi_sum",      "pmi_new",          "cond",    "unc", "cond_new",
            "pmi_span_mean", "pmi_span_new", "pmi_span_new_sum", "span_min"};
  }
  template <class Session>
  void operator()(Session& session, const gate_evidence& e, std::span<double> out) const {
    const std::string topic = shared_span(e.question.topic(), e.notes.front());
    const std::string asked = " " + e.question.text();
    const std::array<scored_continuation, 3> all = {
        detail::continuation_of(session, "Note: " + e.notes.front() + ".\nQuestion:", asked),
        detail::continuation_of(session, "Question:", asked),
        detail::continuation_of(session,
                                "Note: " + (topic.empty() ? std::string("Something") : topic) + ".\nQuestion:", asked)};
    const auto scores = session.score(all);
    const std::vector<bool> fresh = detail::fresh_tokens(session.tokenizer(), all[0].continuation, e.notes.front());
    const std::size_t n = std::min({scores[0].size(), scores[1].size(), scores[2].size()});
    std::vector<double> gain(n), over_topic(n);
    for (std::size_t i = 0; i < n; ++i) {
      gain[i] = scores[0][i] - scores[1][i];
      over_topic[i] = scores[0][i] - scores[2][i];
    }
    const auto fresh_gain = detail::where(gain, fresh), fresh_over = detail::where(over_topic, fresh),
               fresh_cond = detail::where(scores[0], fresh);
    const double values[] = {
        detail::mean(gain),       detail::sum(gain),
        detail::mean(fresh_gain), detail::mean(scores[0]),
        detail::mean(scores[1]),  detail::mean(fresh_cond),
        detail::mean(over_topic), detail::mean(fresh_over),
        detail::sum(fresh_over),  n == 0 ? 0 : *std::min_element(over_topic.begin(), over_topic.end())};
    std::copy(std::begin(values), std::end(values), out.begin());
  }
};

/// The other way round: how much likelier the note becomes after the question.
struct note_likelihood {
  static constexpr feature_stage stage = feature_stage::passes;
  [[nodiscard]] static std::vector<std::string> names() {
    return {"rev_pmi", "rev_pmi_sum", "rev_pmi_new", "rev_new", "rev", "rev_last3", "rev_min"};
  }
  template <class Session>
  void operator()(Session& session, const gate_evidence& e, std::span<double> out) const {
    const std::string note = " " + e.notes.front() + ".";
    const std::array<scored_continuation, 2> all = {
        detail::continuation_of(session, "Question: " + e.question.text() + "\nAnswer:", note),
        detail::continuation_of(session, "Answer:", note)};
    const auto scores = session.score(all);
    const std::vector<bool> fresh = detail::fresh_tokens(session.tokenizer(), all[0].continuation, e.question.text());
    const std::size_t n = std::min(scores[0].size(), scores[1].size());
    std::vector<double> gain(n);
    for (std::size_t i = 0; i < n; ++i) gain[i] = scores[0][i] - scores[1][i];
    const double values[] = {detail::mean(gain),
                             detail::sum(gain),
                             detail::mean(detail::where(gain, fresh)),
                             detail::mean(detail::where(scores[0], fresh)),
                             detail::mean(scores[0]),
                             detail::mean(std::span(gain).last(std::min<std::size_t>(3, n))),
                             n == 0 ? 0 : *std::min_element(gain.begin(), gain.end())};
    std::copy(std::begin(values), std::end(values), out.begin());
  }
};

/// G2: "do the notes state the answer?", as the log-odds of yes over no at one position. Small models are at
/// chance here; it is for larger ones.
struct yes_no {
  static constexpr feature_stage stage = feature_stage::passes;
  [[nodiscard]] static std::vector<std::string> names() { return {"yesno"}; }
  template <class Session>
  void operator()(Session& session, const gate_evidence& e, std::span<double> out) const {
    out[0] =
        log_odds(session, {{{"user", concat(detail::numbered_notes(e.notes), "\nQuestion: ", e.question.text(),
                                            "\n\nDo the notes state the answer to the question? Answer Yes or No.")}},
                           "Answer:"});
  }
  template <class Session>
  static double log_odds(Session& session, const prompt& p) {
    const auto& tokenizer = session.tokenizer();
    const std::vector<std::vector<token_id>> prompts = {session.form().encode(tokenizer, p)};
    if (!session.fits(prompts.front().size())) return 0;
    const prompt_batch<Session> batch(session, prompts, {});
    const auto& logits = batch.states().front().logits;
    const auto total = [&](std::initializer_list<const char*> words) {
      std::vector<double> values;
      for (const char* word : words) {
        const std::vector<token_id> ids = continuation_ids(tokenizer, ":", word);
        if (!ids.empty())
          values.push_back(llama::log_probability(std::span(logits.data(), logits.size()), ids.front()));
      }
      return detail::log_sum(values);
    };
    return total({" Yes", "Yes", " yes", "yes"}) - total({" No", "No", " no", "no"});
  }
};

/// G6 as a question to the model: are note and question about the same fact?
struct same_fact {
  static constexpr feature_stage stage = feature_stage::passes;
  [[nodiscard]] static std::vector<std::string> names() { return {"same_fact"}; }
  template <class Session>
  void operator()(Session& session, const gate_evidence& e, std::span<double> out) const {
    out[0] = yes_no::log_odds(session, {{{"user", concat("Are these about the same fact? Answer Yes or No.\nA: ",
                                                         e.notes.front(), ".\nB: ", e.question.text())}},
                                        "Answer:"});
  }
};

/// G5: what the note changes. How likely the chosen answer is without a note and without a question, the
/// gain, and the divergence KL(read || direct) of the first answer token if readings carry logits.
struct answer_shift {
  static constexpr feature_stage stage = feature_stage::passes;
  [[nodiscard]] static std::vector<std::string> names() { return {"type_pmi", "type_lp", "ans_shift", "first_kl"}; }
  [[nodiscard]] static reading_wishes wishes() { return {.hidden_depth = {}, .first_logits = true}; }
  template <class Session>
  void operator()(Session& session, const gate_evidence& e, std::span<double> out) const {
    const std::string answer = " " + e.read.answer;
    const std::array<scored_continuation, 2> all = {
        detail::continuation_of(session, "Question: " + e.question.text() + "\nAnswer:", answer),
        detail::continuation_of(session, "Question: Tell me.\nAnswer:", answer)};
    const auto scores = session.score(all);
    const double asked = detail::sum(scores[0]), unasked = detail::sum(scores[1]);
    out[0] = asked - unasked;
    out[1] = asked;
    out[2] = e.read.log_p_answer - asked;
    out[3] = 0;
    if (e.read.first_logits.empty()) return;
    const prompt direct{{{"system", "Answer with a few words only."}, {"user", e.question.text()}}, "Answer:"};
    const std::vector<std::vector<token_id>> prompts = {session.form().encode(session.tokenizer(), direct)};
    const prompt_batch<Session> batch(session, prompts, {});
    out[3] = divergence(e.read.first_logits, batch.states().front().logits);
  }

 private:
  template <class Scalar>
  static double divergence(const std::vector<float>& p_logits, const std::vector<Scalar>& q_logits) {
    std::vector<double> p(p_logits.begin(), p_logits.end()), q(q_logits.begin(), q_logits.end());
    const double p_total = detail::log_sum(p), q_total = detail::log_sum(q);
    double total = 0;
    for (std::size_t i = 0; i < std::min(p.size(), q.size()); ++i)
      total += std::exp(p[i] - p_total) * ((p[i] - p_total) - (q[i] - q_total));
    return total;
  }
};

/// G1 without its bias: the margin of the same answer over abstaining after notes that have nothing to do
/// with the question, taken off the margin after the real note.
struct neutral_margin {
  static constexpr feature_stage stage = feature_stage::passes;
  /// Statements about other things; some notes of the notebook are best.
  std::vector<std::string> neutral = {"Water boils at one hundred degrees"};
  std::string abstention = "unanswerable";

  [[nodiscard]] static std::vector<std::string> names() { return {"margin", "margin_over_neutral"}; }
  template <class Session>
  void operator()(Session& session, const gate_evidence& e, std::span<double> out) const {
    const auto& tokenizer = session.tokenizer();
    const std::vector<token_id> ids = session.form().encode(tokenizer, notes_prompt()(neutral, e.question.text()));
    const std::vector<token_id> answer = continuation_ids(tokenizer, ":", " " + e.read.answer),
                                abstain = continuation_ids(tokenizer, ":", " " + abstention);
    const std::array<scored_continuation, 2> all = {scored_continuation{ids, answer},
                                                    scored_continuation{ids, {abstain.front()}}};
    const auto scores = session.score(all);
    out[0] = e.read.log_p_answer - e.read.log_p_abstain;
    out[1] = out[0] - (detail::sum(scores[0]) - detail::sum(scores[1]));
  }
};

}  // namespace quipu::eren
