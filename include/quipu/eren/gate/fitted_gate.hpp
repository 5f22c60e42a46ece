/// @file Gates of features: each asks what it needs, a logistic regression weighs them, a threshold decides.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/eren/gate/gate.hpp>
#include <quipu/eren/gate/gate_features.hpp>
#include <quipu/eren/gate/gate_model.hpp>
#include <quipu/eren/gate/gate_samples.hpp>
#include <quipu/statistics/calibration.hpp>

namespace quipu::eren {

/// A gate of any features, in any order, those that need no model first. Before it is fitted (or given a
/// model) it refuses to decide.
///
/// @tparam Features  models `gate_feature`
template <class... Features>
class fitted_gate {
  static_assert(sizeof...(Features) > 0, "fitted_gate: name at least one feature");

 public:
  fitted_gate() = default;
  explicit fitted_gate(Features... features)
    requires(sizeof...(Features) > 0)
      : features_(std::move(features)...) {}
  /// @throws shape_error  the model has other features
  explicit fitted_gate(gate_model model, Features... features) : features_(std::move(features)...) {
    set_model(std::move(model));
  }

  static constexpr std::size_t n_probe = (std::size_t{0} + ... + std::size_t{std::is_same_v<Features, probe>});
  static_assert(n_probe <= 1, "fitted_gate: one probe at most");

  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> all;
    each([&](const auto& f) {
      for (std::string& name : f.names()) all.push_back(std::move(name));
    });
    return all;
  }
  /// Leading features that need no model.
  [[nodiscard]] std::size_t n_cheap() const {
    std::size_t n = 0;
    bool leading = true;
    each([&](const auto& f) {
      leading = leading && std::remove_cvref_t<decltype(f)>::stage == feature_stage::text;
      if (leading) n += f.names().size();
    });
    return n;
  }
  [[nodiscard]] std::optional<std::size_t> probe_at() const {
    std::size_t n = 0;
    std::optional<std::size_t> found;
    each([&](const auto& f) {
      if constexpr (std::is_same_v<std::remove_cvref_t<decltype(f)>, probe>) found = n;
      n += f.names().size();
    });
    return found;
  }
  [[nodiscard]] const std::tuple<Features...>& features() const noexcept { return features_; }

  [[nodiscard]] bool is_fitted() const noexcept { return !model_.names.empty(); }
  [[nodiscard]] const gate_model& model() const noexcept { return model_; }
  /// @throws shape_error  the model has other features
  void set_model(gate_model model) {
    const std::vector<std::string> own = names();
    if (model.names != own)
      fail<shape_error>("fitted_gate: features of the model", concat(own.size(), " from ", own.front()),
                        concat(model.names.size(), model.names.empty() ? "" : " from " + model.names.front()));
    if (model.stack.weights.size() != own.size())
      fail<shape_error>("fitted_gate: weights", own.size(), model.stack.weights.size());
    if (n_probe > 0 && !model.probe) throw shape_error("fitted_gate: expected a model with a probe, found none");
    model_ = std::move(model);
  }

  /// What readings must carry for these features.
  [[nodiscard]] reading_wishes wishes() const {
    reading_wishes all;
    each([&](const auto& f) {
      if constexpr (wishing_feature<std::remove_cvref_t<decltype(f)>>) {
        const reading_wishes w = f.wishes();
        if (w.hidden_depth) all.hidden_depth = w.hidden_depth;
        all.first_logits = all.first_logits || w.first_logits;
      }
    });
    return all;
  }

  /// The features of a finished reading; that of a probe is its score, or 0 before it is fitted.
  template <class Session>
  [[nodiscard]] std::vector<double> measure(Session& session, const gate_evidence& e) const {
    std::vector<double> all;
    each([&](const auto& f) {
      const std::size_t before = all.size();
      all.resize(before + f.names().size());
      f(session, e, std::span(all).subspan(before));
    });
    if (n_probe > 0 && model_.probe) {
      const std::vector<double> state(e.read.hidden.begin(), e.read.hidden.end());
      all[*probe_at()] = model_.probe->score(state);
    }
    return all;
  }

  /// @throws config_error  not fitted
  [[nodiscard]] bool worth_reading(const gate_evidence& e) const {
    check_fitted();
    const std::size_t n = n_cheap();
    if (n == 0 || model_.cheap.weights.size() != n) return true;
    std::vector<double> values;
    bool leading = true;
    no_session none;
    each([&](const auto& f) {
      using feature = std::remove_cvref_t<decltype(f)>;
      if constexpr (feature::stage == feature_stage::text) {
        if (!leading) return;
        const std::size_t before = values.size();
        values.resize(before + f.names().size());
        f(none, e, std::span(values).subspan(before));
      } else {
        leading = false;
      }
    });
    return model_.cheap.score(values) >= model_.cheap_threshold;
  }
  /// @throws config_error  not fitted
  template <class Session>
  [[nodiscard]] gate_decision decide(Session& session, const gate_evidence& e) const {
    check_fitted();
    if (!e.read.done) return {};
    gate_decision d;
    d.features = measure(session, e);
    d.score = model_.stack.score(d.features);
    d.probability = model_.probability(d.score);
    d.apply = !e.read.abstained && d.score >= model_.threshold;
    return d;
  }

  /// Fits everything again, see `fit_gate`; a program that calls it includes <quipu/eren/gate/gate_fit.hpp>.
  template <class Options = gate_fit_options>
  void fit(std::span<const gate_sample> samples, const Options& options = {}) {
    model_ = fit_gate(samples, names(), n_cheap(), probe_at(), options).model;  // found by its last argument
  }
  /// Keeps the weights and chooses the threshold, and the probability, again on samples that the weights were
  /// not fitted on.
  /// @throws config_error  not fitted, too few negatives for the damage rate, one class only
  void calibrate(std::span<const gate_sample> samples, const gate_fit_options& options = {}) {
    check_fitted();
    std::vector<double> scores, negatives;
    std::vector<std::uint8_t> labels;
    for (const gate_sample& s : samples) {
      scores.push_back(model_.stack.score(s.features));
      labels.push_back(s.positive ? 1 : 0);
      if (!s.positive) negatives.push_back(scores.back());
    }
    gate_model next = model_;
    if (options.damage) {
      next.threshold = std::nextafter(statistics::conformal_threshold(negatives, *options.damage), 1e308);
    } else {
      next.threshold = statistics::best_threshold(scores, [&](double t) {
        if (options.quality) return options.quality(t, scores);
        double hit[2] = {0, 0}, all[2] = {1e-9, 1e-9};
        for (std::size_t i = 0; i < scores.size(); ++i) {
          ++all[labels[i]];
          hit[labels[i]] += (scores[i] >= t) == (labels[i] == 1) ? 1 : 0;
        }
        const double kept = hit[1] / all[1], rejected = hit[0] / all[0];
        return kept + rejected > 0 ? 2 * kept * rejected / (kept + rejected) : 0.0;
      });
    }
    const bool both = !negatives.empty() && negatives.size() < scores.size();
    if (both) next.probability = statistics::fit_platt(scores, labels);
    // What the samples show to be an answer is not rejected unread.
    if (const std::size_t n = n_cheap(); n > 0 && next.cheap.weights.size() == n) {
      for (const gate_sample& s : samples) {
        if (s.positive)
          next.cheap_threshold = std::min(next.cheap_threshold, next.cheap.score(std::span(s.features).first(n)));
      }
    }
    model_ = std::move(next);
  }

 private:
  struct no_session {};

  template <class Call>
  void each(Call&& call) const {
    std::apply([&](const auto&... f) { (call(f), ...); }, features_);
  }
  void check_fitted() const {
    if (!is_fitted())
      throw config_error("fitted_gate: expected a fitted gate, found one without weights (fit it, or load a model)");
  }

  std::tuple<Features...> features_;
  gate_model model_;
};

}  // namespace quipu::eren
