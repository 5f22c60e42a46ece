/// @file What decides whether a note answers a question, and what it may look at.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <concepts>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/eren/gate/lexical_features.hpp>  // retrieval_evidence
#include <quipu/eren/reading/reading.hpp>
#include <quipu/notes/note_retriever.hpp>

namespace quipu::eren {

/// A question, the notes that were chosen for it, and what a reader made of them.
struct gate_evidence {
  asked_question question = {};
  /// Guarded, without final periods, best first: one, or all that were read together
  std::vector<std::string> notes = {};
  std::vector<notes::note_id> ids = {};
  double retrieval_score = 0;           ///< of the first note, as its retriever counts
  retrieval_evidence retrieval = {};    ///< comparable between retrievers, see `pair_evidence`
  std::function<double(std::string_view)> idf = {};  ///< of a word among the notes
  reading read = {};                                 ///< not `done` before the reader had its turn
};

struct gate_decision {
  bool apply = false;
  double probability = 0;       ///< that the notes answer the question, 0..1
  double score = 0;             ///< what the decision was made by, in the gate's own unit
  std::vector<double> features = {};
};

/// Role `gate`. `decide` sees a finished reading and may run more prompts on the session.
///
/// Optional members:
///
/// | member | meaning |
/// |---|---|
/// | `bool worth_reading(const gate_evidence&) const` | asked before the reader; false rejects without any model |
/// | `reading_wishes wishes() const` | what readings are to carry |
/// | `static G made_for(const Model&, const Reader&)` | the gate for a model and its reader, where an editor is given none |
/// | `basis()` | what it judges by, for people |
template <class G, class Session>
concept gate_on = std::copyable<G> && requires(const G& g, Session& s, const gate_evidence& e) {
  { g.decide(s, e) } -> std::same_as<gate_decision>;
};

/// Optional: a gate that may reject before anything is read.
template <class G>
concept screening_gate = requires(const G& g, const gate_evidence& e) {
  { g.worth_reading(e) } -> std::convertible_to<bool>;
};
/// Optional: a gate that wants more of readings than the answer.
template <class G>
concept wishing_gate = requires(const G& g) {
  { g.wishes() } -> std::same_as<reading_wishes>;
};
/// Optional: a gate that decides by features, which `measure` gives for a note that was read.
template <class G, class Session>
concept measuring_gate = requires(const G& g, Session& s, const gate_evidence& e) { g.measure(s, e); };

/// Optional: a gate that is made for a model and its reader.
template <class G, class Model, class Reader>
concept gate_made_for = requires(const Model& m, const Reader& r) {
  { G::made_for(m, r) } -> std::same_as<G>;
};

template <class G, class Session>
consteval void explain_gate() {
  if constexpr (!std::copyable<G>) {
    static_assert(std::copyable<G>, "gate: the gate must be copyable");
  } else {
    static_assert(
        gate_on<G, Session>,
        "gate: declare 'template <class Session> gate_decision decide(Session&, const gate_evidence&) const'");
  }
}

/// Applies what the reader did not abstain from: the paper's gate.
struct abstention_gate {
  template <class Session>
  [[nodiscard]] gate_decision decide(Session&, const gate_evidence& e) const {
    const bool apply = e.read.done && !e.read.abstained;
    return {apply, apply ? 1.0 : 0.0, apply ? 1.0 : 0.0};
  }
};

/// Applies whatever was read: reading in one step.
struct open_gate {
  template <class Session>
  [[nodiscard]] gate_decision decide(Session&, const gate_evidence& e) const {
    return {e.read.done, e.read.done ? 1.0 : 0.0, e.read.done ? 1.0 : 0.0};
  }
};

/// Applies readings whose answer is likelier than abstaining by at least `threshold` nats: enough for readers
/// that were trained to abstain, with an adapter for instance.
struct margin_gate {
  double threshold = 0;

  template <class Session>
  [[nodiscard]] gate_decision decide(Session&, const gate_evidence& e) const {
    const double margin = e.read.done ? e.read.log_p_answer - e.read.log_p_abstain : 0;
    const bool apply = e.read.done && !e.read.abstained && margin >= threshold;
    return {apply, e.read.done ? 1 / (1 + std::exp(-margin)) : 0, margin};
  }
};

/// Applies notes that look enough like the question: what EREN is compared with. The score is the share of
/// the question's idf that BM25 credits, or the cosine of character n-grams.
struct similarity_gate {
  enum class measure { bm25, ngram };
  measure by = measure::ngram;
  double threshold = 0.5;

  [[nodiscard]] bool worth_reading(const gate_evidence& e) const { return score(e) >= threshold; }
  template <class Session>
  [[nodiscard]] gate_decision decide(Session&, const gate_evidence& e) const {
    const bool apply = e.read.done && score(e) >= threshold;
    return {apply, apply ? 1.0 : 0.0, score(e)};
  }
  [[nodiscard]] double score(const gate_evidence& e) const {
    return by == measure::bm25 ? e.retrieval.bm25 : e.retrieval.ngram;
  }
};

}  // namespace quipu::eren
