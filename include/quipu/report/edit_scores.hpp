/// @file The scores of model editing: success, preservation, quality and what they are made of.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <map>

#include <quipu/report/metrics.hpp>

namespace quipu::report {

/// What happened to one question.
struct edit_outcome {
  bool right = false;      ///< in scope and portability: the answer is an accepted one
  bool applied = false;    ///< a note was used
  bool unchanged = false;  ///< the answer is the unedited model's
  bool own_note = false;   ///< the note used is the one that belongs to the question
};

/// When an unrelated question counts as preserved.
enum class preservation_rule : std::uint8_t {
  abstained,               ///< no note was used; nothing else counts
  abstained_or_unchanged,  ///< or the answer is the unedited model's all the same
};

/// Sums outcomes by group. All averages are over questions (micro), not over edits.
class edit_scores {
 public:
  explicit edit_scores(preservation_rule rule = preservation_rule::abstained) : rule_(rule) {}

  /// A question in scope. `own_question` is the edit's own wording rather than another one of it.
  void in_scope(const edit_outcome& outcome, bool own_question, bool answer_flips = true) {
    success_.count(outcome.right);
    (own_question ? reliability_ : generalisation_).count(outcome.right);
    if (answer_flips) flipping_.count(outcome.right);
    missed_.count(!outcome.applied);
    if (outcome.applied) attribution_.count(outcome.own_note);
  }
  void unrelated(const std::string& group, const edit_outcome& outcome) {
    const bool kept = !outcome.applied || (rule_ == preservation_rule::abstained_or_unchanged && outcome.unchanged);
    preserved_[group].count(kept);
    overridden_.count(outcome.applied);
  }
  void portability(const std::string& group, const edit_outcome& outcome) { portable_[group].count(outcome.right); }

  edit_scores& operator+=(const edit_scores& other) {
    success_ += other.success_;
    reliability_ += other.reliability_;
    generalisation_ += other.generalisation_;
    flipping_ += other.flipping_;
    missed_ += other.missed_;
    attribution_ += other.attribution_;
    overridden_ += other.overridden_;
    for (const auto& [group, t] : other.preserved_) preserved_[group] += t;
    for (const auto& [group, t] : other.portable_) portable_[group] += t;
    return *this;
  }

  /// ES: share of the questions in scope that are answered as the edits demand.
  [[nodiscard]] const tally& success() const noexcept { return success_; }
  [[nodiscard]] const tally& reliability() const noexcept { return reliability_; }
  [[nodiscard]] const tally& generalisation() const noexcept { return generalisation_; }
  /// Success on the edits that turn the answer.
  [[nodiscard]] const tally& flipping() const noexcept { return flipping_; }
  /// Questions in scope for which no note was used.
  [[nodiscard]] const tally& missed() const noexcept { return missed_; }
  /// Share of the notes used in scope that were the right ones.
  [[nodiscard]] const tally& attribution() const noexcept { return attribution_; }
  /// Unrelated questions for which a note was used: the damage.
  [[nodiscard]] const tally& overridden() const noexcept { return overridden_; }
  /// BP by group.
  [[nodiscard]] const std::map<std::string, tally>& preserved() const noexcept { return preserved_; }
  [[nodiscard]] const std::map<std::string, tally>& portable() const noexcept { return portable_; }

  [[nodiscard]] std::optional<double> preservation(const std::string& group) const {
    const auto found = preserved_.find(group);
    return found == preserved_.end() ? std::nullopt : found->second.rate();
  }
  /// BP over all groups, each weighted with what `weights` says (for example its size in the full set,
  /// if only a sample of it was asked) or else with the number of its questions.
  [[nodiscard]] std::optional<double> preservation(const std::map<std::string, double>& weights = {}) const {
    double sum = 0, total = 0;
    for (const auto& [group, t] : preserved_) {
      const auto rate = t.rate();
      if (!rate) continue;
      const auto chosen = weights.find(group);
      const double weight = chosen == weights.end() ? static_cast<double>(t.trials) : chosen->second;
      sum += weight * *rate;
      total += weight;
    }
    if (total <= 0) return std::nullopt;
    return sum / total;
  }
  /// EQ: harmonic mean of success and preservation, of one group or of all.
  [[nodiscard]] std::optional<double> quality(const std::string& group) const {
    return harmonic_mean(success_.rate(), preservation(group));
  }
  [[nodiscard]] std::optional<double> quality(const std::map<std::string, double>& weights = {}) const {
    return harmonic_mean(success_.rate(), preservation(weights));
  }

 private:
  preservation_rule rule_;
  tally success_, reliability_, generalisation_, flipping_, missed_, attribution_, overridden_;
  std::map<std::string, tally> preserved_, portable_;
};

}  // namespace quipu::report
