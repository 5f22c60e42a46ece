/// @file Features of gates that cost nothing beyond the reading: words, and the reader's log-probabilities.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <quipu/eren/gate/gate.hpp>
#include <quipu/eren/gate/lexical_features.hpp>

namespace quipu::eren {

/// What has to be there before a feature can be worked out.
enum class feature_stage : std::uint8_t {
  text,     ///< the question and the note
  reading,  ///< the reader's result
  passes,   ///< more prompts
};

/// Role `gate_feature`: a few numbers about a question and a note.
///
/// | member | meaning |
/// |---|---|
/// | `stage` | when it can be asked |
/// | `names()` | one for each number |
/// | `operator()(session, evidence, out)` | fills `out`, as long as `names()` |
/// | `wishes()` | optional: what readings are to carry |
template <class F, class Session>
concept gate_feature_on = std::copyable<F> &&
    requires(const F& f, Session& s, const gate_evidence& e, std::span<double> out) {
  { F::stage } -> std::convertible_to<feature_stage>;
  { f.names() } -> std::convertible_to<std::vector<std::string>>;
  f(s, e, out);
};
/// Optional: a feature that needs more of readings than the answer.
template <class F>
concept wishing_feature = requires(const F& f) {
  { f.wishes() } -> std::same_as<reading_wishes>;
};

/// The 29 features of `lexical_features` (G6 in its form without a model is among them).
struct lexical {
  static constexpr feature_stage stage = feature_stage::text;
  [[nodiscard]] static std::vector<std::string> names() {
    return {lexical_feature_names.begin(), lexical_feature_names.end()};
  }
  template <class Session>
  void operator()(Session&, const gate_evidence& e, std::span<double> out) const {
    const lexical_vector f = lexical_features(e.question, e.notes.front(), e.retrieval, e.idf);
    std::copy(f.begin(), f.end(), out.begin());
  }
};

/// G1 and G4: how likely the chosen answer is, how likely abstaining is, their difference, and the answer's
/// log-probability a token.
struct read_log_probs {
  static constexpr feature_stage stage = feature_stage::reading;
  [[nodiscard]] static std::vector<std::string> names() { return {"ans_v", "ans_u", "ans_v-u", "ans_v/n"}; }
  template <class Session>
  void operator()(Session&, const gate_evidence& e, std::span<double> out) const {
    out[0] = e.read.log_p_answer;
    out[1] = e.read.log_p_abstain;
    out[2] = out[0] - out[1];
    out[3] = out[0] / static_cast<double>(std::max<std::size_t>(1, e.read.n_token));
  }
};

/// How much likelier the answer is than abstaining, in nats: what `margin_gate` looks at, for readers that were trained
/// to abstain.
struct answer_margin {
  static constexpr feature_stage stage = feature_stage::reading;
  [[nodiscard]] static std::vector<std::string> names() { return {"margin"}; }
  template <class Session>
  void operator()(Session&, const gate_evidence& e, std::span<double> out) const {
    out[0] = e.read.log_p_answer - e.read.log_p_abstain;
  }
};

/// G7: a linear probe of the hidden state of the prompt's last token. Its weights are fitted by
/// `fitted_gate`, before those of the other features; here is only what it needs.
struct probe {
  static constexpr feature_stage stage = feature_stage::reading;
  std::size_t depth = 20;  ///< blocks passed; two thirds of the model works best

  [[nodiscard]] static std::vector<std::string> names() { return {"probe"}; }
  [[nodiscard]] reading_wishes wishes() const { return {.hidden_depth = depth}; }
  /// Replaced by the fitted probe's score.
  template <class Session>
  void operator()(Session&, const gate_evidence&, std::span<double> out) const {
    out[0] = 0;
  }
};

}  // namespace quipu::eren
