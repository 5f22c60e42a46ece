/// @file Training hooks that add a regulariser's gradient to a step and count which neurons were active.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <quipu/core/buffer.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/matrix_view.hpp>
#include <quipu/core/thread_team.hpp>
#include <quipu/io/model_config.hpp>
#include <quipu/linear/site.hpp>
#include <quipu/llama/tape.hpp>
#include <quipu/llama/training_hooks.hpp>
#include <quipu/schedule/any_lambda.hpp>
#include <quipu/sparsity/activity_counts.hpp>
#include <quipu/sparsity/any_regulariser.hpp>
#include <quipu/train/objective.hpp>  // step_plan

namespace quipu::sparsity {

/// Hooks of a run whose loss is L + lambda(t) * sum over layers of the regulariser's penalty, t being the step counted from
/// 1. Source: Song et al. 2024, "ProSparse", algorithm 1. What is summed up is summed in the twins of the backward pass, which
/// are called once a step at either depth of the tape; shares are those of the whole step, over all of its passes.
///
/// Layers below the lowest one that trains have no backward pass, so they are neither penalised nor counted.
///
/// @tparam Regulariser  models `regulariser`
/// @tparam Lambda       models `schedule::schedule_policy`; one that is a `following_schedule` is told of every step
/// @tparam Inner        hooks that take part too, such as `llama::module_hooks`. Gates and ups are penalised as those leave
///                      them, hidden values as the kernel gives them
template <class Scalar, class Regulariser = any_regulariser, class Lambda = schedule::any_lambda,
          class Inner = llama::no_training_hooks>
class regularised_hooks : public Inner {
  static_assert((explain_regulariser<Regulariser>(), true));
  static_assert(schedule::schedule_policy<Lambda>, "regularised_hooks: lambda must be copyable and callable with a step");

 public:
  using site = linear::projection_site;
  using segments = std::span<const linear::row_segment>;
  using rows = matrix_view<Scalar>;
  using const_rows = matrix_view<const Scalar>;

  /// @param depth  that of the training pass
  /// @param inner  what the inner hooks are made of
  /// @throws config_error  a regulariser without a place, or with groups of no token
  template <class... Of>
  regularised_hooks(Regulariser regulariser, Lambda lambda, const io::model_config& c, thread_team team,
                    llama::tape_depth depth = llama::tape_depth::everything, Of&&... inner)
      : Inner(std::forward<Of>(inner)...),
        regulariser_(std::move(regulariser)),
        lambda_(std::move(lambda)),
        team_(std::move(team)),
        depth_(depth),
        penalties_(c.n_layer),
        step_(c.n_layer, c.d_ffn),
        evaluation_(c.n_layer, c.d_ffn) {
    if (!regulariser_.at(penalised::hidden) && !regulariser_.at(penalised::gate) && !regulariser_.at(penalised::up))
      fail<config_error>("regulariser", "values at one place at least", "none");
    if (regulariser_.n_together() == 0) fail<config_error>("regulariser: tokens of a group", "at least 1", 0);
  }

  [[nodiscard]] const Regulariser& regulariser() const noexcept { return regulariser_; }
  [[nodiscard]] const Lambda& lambda() const noexcept { return lambda_; }
  [[nodiscard]] Lambda& lambda() noexcept { return lambda_; }
  /// The factor of the step that runs, or of the last one.
  [[nodiscard]] double factor() const noexcept { return factor_; }
  /// The penalty of that step without the factor, summed over layers.
  [[nodiscard]] double penalty() const noexcept { return std::accumulate(penalties_.begin(), penalties_.end(), 0.0); }
  /// (n_layer) its parts.
  [[nodiscard]] std::span<const double> penalties() const noexcept { return penalties_; }
  /// Entries that were active in that step.
  [[nodiscard]] const activity_counts& activity() const noexcept { return step_; }
  /// Entries that were active since `evaluate` was called last.
  [[nodiscard]] const activity_counts& evaluated_activity() const noexcept { return evaluation_; }

  void begin_step(const train::step_plan& plan) {
    if constexpr (train::step_observer<Inner>) Inner::begin_step(plan);
    factor_ = static_cast<double>(lambda_(plan.step + 1));
    share_ = share_of(regulariser_.over, plan.n_row, step_.d_ffn());
    std::fill(penalties_.begin(), penalties_.end(), 0.0);
    step_.clear();
  }
  void train(std::uint64_t pass) {
    Inner::train(pass);
    training_ = true;
  }
  void evaluate() {
    Inner::evaluate();
    training_ = false;
    evaluation_.clear();
  }

  static constexpr bool adds_loss() noexcept { return true; }
  static constexpr bool reads_hidden(std::size_t) noexcept { return true; }
  [[nodiscard]] bool touches(site s, std::size_t layer) const { return penalises(s) || Inner::touches(s, layer); }

  void ffn_hidden(std::size_t layer, segments all, rows hidden) {
    if (!training_) evaluation_.add<Scalar>(team_, layer, hidden);
    Inner::ffn_hidden(layer, all, hidden);
  }
  void ffn_hidden_backward(std::size_t layer, segments all, const_rows hidden, rows dh) {
    if (Inner::reads_hidden(layer)) Inner::ffn_hidden_backward(layer, all, hidden, dh);
    step_.add<Scalar>(team_, layer, hidden);
    if (regulariser_.at(penalised::hidden)) penalise(layer, all, hidden, dh);
  }
  void projected(site s, std::size_t layer, segments all, const_rows x, rows y) {
    Inner::projected(s, layer, all, x, y);
    if (training_ && penalises(s)) keep(s, layer, y);
  }
  void projected_backward(site s, std::size_t layer, segments all, const_rows x, rows dy, rows dx) {
    if (penalises(s)) penalise(layer, all, kept(s, layer).matrix(dy.rows(), dy.cols()), dy);
    if (Inner::touches(s, layer)) Inner::projected_backward(s, layer, all, x, dy, dx);
  }

 private:
  struct group {
    std::size_t first, n_row;
  };

  [[nodiscard]] bool penalises(site s) const {
    return (s == site::gate && regulariser_.at(penalised::gate)) || (s == site::up && regulariser_.at(penalised::up));
  }

  // A second forward pass of a block comes right before its backward pass: then one layer is enough.
  [[nodiscard]] buffer<Scalar>& kept(site s, std::size_t layer) {
    auto& all = kept_[s == site::up];
    all.resize(depth_ == llama::tape_depth::everything ? penalties_.size() : 1);
    return all[all.size() == 1 ? 0 : layer];
  }
  void keep(site s, std::size_t layer, const_rows y) {
    buffer<Scalar>& to = kept(s, layer);
    to.reserve_discarding(y.rows() * y.cols());
    const rows out = to.matrix(y.rows(), y.cols());  // (n_row, d_ffn)
    for (std::size_t t = 0; t < y.rows(); ++t) std::copy_n(y.row(t), y.cols(), out.row(t));
  }

  // Groups have sums of their own, which are added in order: threads do not matter.
  void penalise(std::size_t layer, segments all, const_rows v, rows dv) {
    const std::size_t most = regulariser_.n_together();
    groups_.clear();
    for (const linear::row_segment& s : all) {
      for (std::size_t i = 0; i < s.n_row; i += most) groups_.push_back({s.first_row + i, std::min(most, s.n_row - i)});
    }
    sums_.assign(groups_.size(), 0);
    const auto factor = static_cast<Scalar>(factor_ * share_);
    const bool counts = factor != Scalar(0);
    team_.parallel_for(groups_.size(), 16, [&](std::size_t begin, std::size_t end, std::size_t) {
      for (std::size_t i = begin; i < end; ++i) {
        const group g = groups_[i];
        sums_[i] = regulariser_.add(v.middle_rows(g.first, g.n_row), factor, counts ? dv.middle_rows(g.first, g.n_row) : rows());
      }
    });
    penalties_[layer] += share_ * std::accumulate(sums_.begin(), sums_.end(), 0.0);
  }

  Regulariser regulariser_;
  Lambda lambda_;
  thread_team team_;
  llama::tape_depth depth_;
  bool training_ = false;
  double factor_ = 0, share_ = 0;
  std::vector<double> penalties_;  // (n_layer)
  activity_counts step_, evaluation_;
  std::array<std::vector<buffer<Scalar>>, 2> kept_;  // gates and ups of the layers that are to come back
  std::vector<group> groups_;
  std::vector<double> sums_;
};

}  // namespace quipu::sparsity
