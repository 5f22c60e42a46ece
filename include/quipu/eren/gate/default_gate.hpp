/// @file The gate that works out of the box: words and log-probabilities, weighed as they were fitted for the model and its
/// reader, or the similarity of n-grams where nothing was fitted.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/eren/gate/default_gate_weights.hpp>
#include <quipu/eren/gate/fitted_gate.hpp>
#include <quipu/eren/gate/gate_features.hpp>
#include <quipu/eren/gate/gate_model.hpp>
#include <quipu/llama/model_family.hpp>

namespace quipu::eren {

/// `llama::model_family` of SmolLM2-135M-Instruct, which the weights that come with the library were fitted on.
inline constexpr std::string_view frozen_gate_family = "30x576 3263f91debd38c9a";

/// Optional for readers: they come with a gate that was fitted to them.
template <class R>
concept reader_with_gate = requires(const R& r) {
  { r.fitted_gate() } -> std::convertible_to<const std::optional<gate_model>&>;
};

/// Optional for gates: nothing was fitted to the model, likeness alone decides.
template <class G>
concept gate_by_likeness = requires(const G& g) {
  { g.by_similarity() } -> std::same_as<bool>;
};

/// Weighs nothing but the similarity of the question's and the note's n-grams, against 0.6: on sets of edits that no gate was
/// fitted on it was ahead of gates fitted elsewhere.
[[nodiscard]] inline gate_model similarity_gate_model() {
  gate_model m = frozen_gate_model();
  const std::size_t n = m.names.size();
  m.stack = {std::vector<double>(n, 0.0), std::vector<double>(n, 1.0), std::vector<double>(n, 0.0), 0};
  m.stack.weights[static_cast<std::size_t>(std::find(m.names.begin(), m.names.end(), "char") - m.names.begin())] = 1;
  m.cheap = {};
  m.threshold = 0.6;
  m.cheap_threshold = -1e300;
  m.probability = {10, -6};  // a half at the threshold; a guess until it is calibrated
  return m;
}

/// Lexical features and the log-probabilities of the reading: one short prompt a note, no more.
///
/// An editor makes it for its model and reader (`made_for`): by the weights that a taught reader brings; for
/// SmolLM2-135M-Instruct with the extractive reader by those that come with the library (fitted on the development part of
/// CounterFact-Hard, see `frozen_gate_model`); for any other model, where these have no right to judge, by the similarity of
/// n-grams. `editor::calibrate` fits the threshold to a few dozen questions, `editor::fit` all weights.
class default_gate : public fitted_gate<lexical, read_log_probs> {
 public:
  default_gate() : default_gate(frozen_gate_model()) {}
  explicit default_gate(gate_model model, std::string basis = "the built-in weights, fitted on SmolLM2-135M-Instruct")
      : basis_(std::move(basis)) {
    set_model(std::move(model));
  }

  /// @throws shape_error  the gate of the reader has other features
  template <class Model, class Reader>
  [[nodiscard]] static default_gate made_for(const Model& model, const Reader& reader) {
    if constexpr (reader_with_gate<Reader>) {
      if (reader.fitted_gate()) return default_gate(*reader.fitted_gate(), "the weights that were fitted with the reader");
    }
    if (llama::model_family(model) == frozen_gate_family) return default_gate();
    return default_gate(similarity_gate_model(),
                        "the similarity of n-grams: no gate was fitted on this model (calibrate, fit or load one)");
  }
  /// What it judged by when it was made, for people.
  [[nodiscard]] const std::string& basis() const noexcept { return basis_; }
  /// Does likeness alone decide, as nothing was fitted to the model?
  [[nodiscard]] bool by_similarity() const { return model().stack.weights == similarity_gate_model().stack.weights; }

 private:
  std::string basis_;
};

}  // namespace quipu::eren
