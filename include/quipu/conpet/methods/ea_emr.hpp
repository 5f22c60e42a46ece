/// @file EA-EMR: replay, and then an affine map that brings states back to where they were.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <quipu/conpet/losses/alignment.hpp>
#include <quipu/conpet/methods/emr.hpp>
#include <quipu/conpet/methods/kept_arrays.hpp>
#include <quipu/conpet/methods/learning_method.hpp>
#include <quipu/core/eigen.hpp>
#include <quipu/core/number_text.hpp>
#include <quipu/core/thread_team.hpp>
#include <quipu/optim/updater.hpp>
#include <quipu/train/data_order.hpp>

namespace quipu::conpet {

/// Fits a to pairs by Adam, from the values that it has. @param now, anchor  (n, d)
inline void fit_alignment(alignment& a, const double_rows& now, const double_rows& anchor, double learning_rate, std::size_t n_epoch,
                          std::size_t batch, std::uint64_t seed) {
  const auto n = static_cast<std::size_t>(now.rows()), d = static_cast<std::size_t>(now.cols());
  alignment_gradients g{{}, double_rows::Zero(now.cols(), now.cols()), eigen_vector<double>::Zero(now.cols())};
  const std::vector<optim::parameter<double>> all{{"matrix", {d, d}, a.matrix.data(), g.matrix.data()},
                                                  {"offset", {d}, a.offset.data(), g.offset.data()}};
  optim::updater<optim::adamw, double> update(optim::adamw{.learning_rate = learning_rate, .weight_decay = 0}, all, thread_team(1));
  train::data_order order(seed, n, true);
  const std::size_t per_step = std::min(batch, n), n_step = n_epoch * ((n + per_step - 1) / per_step);
  for (std::size_t step = 0; step < n_step; ++step) {
    double_rows some(static_cast<Eigen::Index>(per_step), now.cols()), wanted(some.rows(), some.cols());
    for (std::size_t i = 0; i < per_step; ++i) {
      const auto at = static_cast<Eigen::Index>(order.at(step * per_step + i)), row = static_cast<Eigen::Index>(i);
      some.row(row) = now.row(at);
      wanted.row(row) = anchor.row(at);
    }
    alignment_gradients fresh;
    static_cast<void>(alignment_loss(a, some, wanted, fresh));
    g.matrix = fresh.matrix;  // of the same shape: the optimiser's pointers stay
    g.offset = fresh.offset;
    update.step();
  }
}

/// EMR, whose states are then brought back to where those of the kept texts were when they were learned; answers come from the head on aligned
/// states. Source: Wang et al. 2019, "Sentence embedding alignment for lifelong relation extraction", section 4.3; settings of ConPET's official
/// code, in whose LLaMA path the alignment is fitted but not applied.
struct ea_emr {
  using policy_role = role::learning_method;
  std::size_t usual = 5;  ///< see `memory_replay_order`
  double learning_rate = 1e-4;
  std::size_t n_epoch = 20;
  std::size_t batch_size = 32;

  struct state {
    std::optional<alignment> map{};
    std::map<std::uint64_t, std::vector<double>> anchors{};  ///< (d) aligned states by the texts' numbers in the memory

    [[nodiscard]] kept_arrays arrays() const {
      kept_arrays all;
      if (!map) return all;
      const auto d = static_cast<std::size_t>(map->offset.size());
      all["matrix"] = kept_of(std::span(map->matrix.data(), d * d), d);
      all["offset"] = kept_of(std::span(map->offset.data(), d));
      std::vector<std::uint64_t> numbers;
      std::vector<double> together;
      for (const auto& [number, anchor] : anchors) {
        numbers.push_back(number);
        together.insert(together.end(), anchor.begin(), anchor.end());
      }
      all["anchor-numbers"] = kept_of(numbers);
      all["anchors"] = kept_of(together, numbers.size());
      return all;
    }
    void restore(const kept_arrays& saved) {
      if (saved.empty()) return;
      const auto matrix = values_of<double>(saved, "matrix"), offset = values_of<double>(saved, "offset");
      const auto together = values_of<double>(saved, "anchors");
      const auto numbers = values_of<std::uint64_t>(saved, "anchor-numbers");
      const std::size_t d = offset.size();
      if (d == 0 || matrix.size() != d * d || together.size() != numbers.size() * d)
        fail<format_error>("state of ea_emr", concat("arrays for states of ", d, " numbers"), "arrays of other sizes");
      alignment a = alignment::none(d);
      std::copy(matrix.begin(), matrix.end(), a.matrix.data());
      std::copy(offset.begin(), offset.end(), a.offset.data());
      map = std::move(a);
      anchors.clear();
      for (std::size_t i = 0; i < numbers.size(); ++i) anchors[numbers[i]].assign(together.data() + i * d, together.data() + (i + 1) * d);
    }
  };

  [[nodiscard]] std::string identity() const {
    return concat("ea_emr, usual ", usual, ", alignment at ", exact_text(learning_rate), " for ", n_epoch, " epochs of ", batch_size);
  }
  template <class Task>
  void learn(state& s, Task& task) const {
    task.train({.order = memory_replay_order(task, usual)});
    task.remember();
    const std::size_t n = task.old().size(), d = task.d_model();
    if (!s.map) s.map = alignment::none(d);
    if (n == 0) return;
    const std::vector<float> states = task.states(task.old());
    const double_rows now = in_double<float>({states.data(), n, d});
    double_rows anchor = s.map->apply(now);  // of texts that the memory has only now
    const auto& entries = task.memory().entries();
    for (std::size_t i = 0; i < n; ++i) {
      if (const auto known = s.anchors.find(entries[i].number); known != s.anchors.end())
        anchor.row(static_cast<Eigen::Index>(i)) = Eigen::Map<const Eigen::RowVectorXd>(known->second.data(), static_cast<Eigen::Index>(d));
    }
    fit_alignment(*s.map, now, anchor, learning_rate, n_epoch, batch_size, task.seed_of("alignment "));
    const double_rows aligned = s.map->apply(now);
    s.anchors.clear();
    for (std::size_t i = 0; i < n; ++i) {
      const double* const row = aligned.data() + i * d;
      s.anchors[entries[i].number].assign(row, row + d);
    }
  }
  [[nodiscard]] std::optional<std::vector<float>> scores(const state& s, const pet::linear_head<float>& head, matrix_view<const float> h) const {
    if (!s.map) return std::nullopt;
    const auto p = head.parameters();
    const double_rows w = in_double<float>({p[0].value, head.n_class(), head.d_model()});
    double_rows z = s.map->apply(in_double<float>(h)) * w.transpose();  // (n, n_class)
    for (Eigen::Index c = 0; c < z.cols(); ++c) z.col(c).array() += static_cast<double>(p[1].value[c]);
    return std::vector<float>(z.data(), z.data() + z.size());
  }
};

static_assert(learning_method<ea_emr> && scores_answers<ea_emr> && has_kept_arrays<ea_emr::state>);

}  // namespace quipu::conpet
