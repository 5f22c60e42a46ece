/// @file CRL: contrast with a bank of features, then contrast and distillation on kept texts; answers by the nearest class mean.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <quipu/conpet/losses/contrastive.hpp>
#include <quipu/conpet/methods/class_means.hpp>
#include <quipu/conpet/methods/kept_arrays.hpp>
#include <quipu/conpet/methods/learning_method.hpp>
#include <quipu/conpet/methods/learning_task.hpp>
#include <quipu/conpet/methods/projection.hpp>
#include <quipu/core/number_text.hpp>
#include <quipu/core/random.hpp>

namespace quipu::conpet {

/// Features of texts that a contrast goes against, each as it was when its text was last seen.
struct feature_bank {
  std::vector<float> rows;          ///< (n, n_out) of length 1
  std::vector<std::size_t> labels;  ///< (n)
  std::size_t n_out = 0;

  /// Some rows, different ones, with at least one of each label that is wanted. @return their numbers
  [[nodiscard]] std::vector<std::size_t> sample(std::size_t n, std::span<const std::size_t> wanted, random_stream& random) const {
    std::vector<std::size_t> all(labels.size());
    std::iota(all.begin(), all.end(), std::size_t{0});
    if (n >= all.size()) return all;
    for (std::size_t i = 0; i < n; ++i) std::swap(all[i], all[i + random.below(static_cast<std::uint32_t>(all.size() - i))]);
    std::set<std::size_t> missing(wanted.begin(), wanted.end());
    for (std::size_t i = 0; i < n; ++i) missing.erase(labels[all[i]]);
    for (std::size_t i = n; i < all.size() && !missing.empty(); ++i) {
      if (missing.erase(labels[all[i]]) > 0) std::swap(all[n++], all[i]);
    }
    all.resize(n);
    return all;
  }
};

/// Consistent representation learning: (1) supervised contrast of the new texts' projected states; (2) contrast of all kept texts, and for old classes
/// distillation of the likenesses between classes as they were before the task. The head does not train; the answer is the class whose mean state is
/// nearest. Source: Zhao et al. 2022, "Consistent representation learning for continual relation extraction", and its code.
///
/// Where a sample of the bank lacks a label of the batch, a row of it is added; the code draws again until none is missing.
struct crl {
  using policy_role = role::learning_method;
  double temperature = 0.1;
  double sharpness = 10;        ///< of the distillation
  std::size_t n_out = 64;       ///< numbers of a projected state
  std::size_t n_sample = 500;   ///< rows of the bank that a step looks at
  std::size_t n_memory_step = 0;  ///< of (2); 0: as many as of (1)

  struct state {
    contrastive_projection projection{};
    std::vector<double> prototypes{};  ///< (n_class, d)
    std::size_t n_class = 0;

    [[nodiscard]] kept_arrays arrays() const {
      if (n_class == 0) return {};
      return {{"prototypes", kept_of(prototypes, n_class)},
              {"projection", kept_of(projection.values())},
              {"projection-sizes", kept_of(std::vector<std::size_t>{projection.n_in(), projection.n_out()})}};
    }
    void restore(const kept_arrays& saved) {
      if (saved.empty()) return;
      const kept_array& p = array_of(saved, "prototypes");
      const auto sizes = values_of<std::size_t>(saved, "projection-sizes");
      if (p.shape.size() != 2 || sizes.size() != 2 || p.shape[1] != sizes[0])
        fail<format_error>("state of crl: prototypes", "as wide as the projection", "others");
      contrastive_projection read(sizes[0], sizes[1], 0);
      read.set_values(values_of<float>(saved, "projection"));
      projection = std::move(read);
      prototypes = p.values;
      n_class = p.shape[0];
    }
  };

  [[nodiscard]] std::string identity() const {
    return concat("crl, temperature ", exact_text(temperature), ", sharpness ", exact_text(sharpness), ", ", n_out, " numbers, ", n_sample,
                  " of the bank, ", n_memory_step, " steps on kept texts");
  }

  /// @throws config_error  no rows of the bank or numbers of a projected state
  template <class Task>
  void learn(state& s, Task& task) const {
    if (n_out == 0 || n_sample == 0) fail<config_error>("crl: numbers of a projected state, rows of a sample", "at least 1", 0);
    if (s.projection.empty()) s.projection = contrastive_projection(task.d_model(), n_out, task.seed_of("projection "));
    const bool is_first = task.is_first();
    train_on(s, task, task.fresh(), "contrast ", 0, task.how().n_step);
    task.remember();
    if (!is_first && !task.old().empty())
      train_on(s, task, task.old(), "memory ", task.n_old_class(), n_memory_step > 0 ? n_memory_step : task.how().n_step);
    s.prototypes = prototypes_of(task, s.prototypes);
    s.n_class = task.n_class();
  }

  [[nodiscard]] std::optional<std::vector<float>> scores(const state& s, const pet::linear_head<float>&, matrix_view<const float> h) const {
    if (s.n_class == 0) return std::nullopt;
    const double_rows states = in_double<float>(h), p = as_eigen(matrix_view<const double>(s.prototypes.data(), s.n_class, h.cols()));
    std::vector<float> out;
    for (Eigen::Index i = 0; i < states.rows(); ++i) {
      for (Eigen::Index c = 0; c < p.rows(); ++c) out.push_back(static_cast<float>(-(states.row(i) - p.row(c)).squaredNorm()));
    }
    return out;
  }

 private:
  // One stage. Old classes are the first `n_old`; those without a row in the bank have no part in the distillation.
  template <class Task>
  void train_on(state& s, Task& task, std::span<const encoded_example> texts, const char* name, std::size_t n_old, std::size_t n_step) const {
    const std::size_t d = task.d_model();
    feature_bank bank{{}, {}, n_out};
    {
      const std::vector<float> states = task.states(texts);
      const double_rows x = s.projection.run({states.data(), texts.size(), d}).x;
      bank.rows.assign(x.data(), x.data() + x.size());
      for (const encoded_example& e : texts) bank.labels.push_back(e.label);
    }
    std::vector<std::size_t> row_of_class(n_old, n_old);  // among the old classes of the bank
    std::vector<float> before;                            // (n_known, d) prototypes of them, of length 1
    std::size_t n_known = 0;
    for (std::size_t c = 0; c < n_old; ++c) {
      if (std::find(bank.labels.begin(), bank.labels.end(), c) == bank.labels.end()) continue;
      row_of_class[c] = n_known++;
      const Eigen::RowVectorXd p = as_eigen(matrix_view<const double>(s.prototypes.data() + c * d, 1, d)).row(0);
      for (const double v : p / std::max(p.norm(), 1e-12)) before.push_back(static_cast<float>(v));
    }
    const std::uint64_t seed = task.seed_of(name);
    std::size_t step = 0;
    step_additions additions{.cross_entropy = false};
    additions.states = [&](const target_batch& batch, matrix_view<const float> h, matrix_view<float> dh) {
      random_stream random(seed, step++);
      const std::vector<std::size_t> labels(batch.wanted.begin(), batch.wanted.end());
      const auto t = s.projection.run(h);
      const std::vector<float> x(t.x.data(), t.x.data() + t.x.size());
      std::vector<float> dx(x.size());
      std::vector<float> others;
      std::vector<std::size_t> other_labels;
      for (const std::size_t i : bank.sample(n_sample, labels, random)) {
        const float* const row = bank.rows.data() + i * n_out;
        others.insert(others.end(), row, row + n_out);
        other_labels.push_back(bank.labels[i]);
      }
      const std::size_t n = labels.size();
      double loss = contrastive_loss<float>({x.data(), n, n_out}, labels, {others.data(), other_labels.size(), n_out}, other_labels,
                                            {dx.data(), n, n_out}, temperature);
      if (n_known > 0) loss += distilled(bank, row_of_class, before, n_known, labels, x, dx);
      double_rows gradient(t.x.rows(), t.x.cols());
      std::copy(dx.begin(), dx.end(), gradient.data());
      s.projection.backward(t, gradient, dh);
      for (std::size_t i = 0; i < batch.numbers.size(); ++i)
        std::copy_n(x.data() + i * n_out, n_out, bank.rows.data() + batch.numbers[i] * n_out);
      return loss;
    };
    expert_training how = task.how();
    how.n_step = n_step;
    task.train({.name = name,
                .additions = std::move(additions),
                .examples = task.with_classes(texts),
                .how = how,
                .also = s.projection.parameters()});
  }

  [[nodiscard]] double distilled(const feature_bank& bank, const std::vector<std::size_t>& row_of_class, const std::vector<float>& before,
                                 std::size_t n_known, const std::vector<std::size_t>& labels, const std::vector<float>& x, std::vector<float>& dx) const {
    double_rows means = double_rows::Zero(static_cast<Eigen::Index>(n_known), static_cast<Eigen::Index>(n_out));
    for (std::size_t i = 0; i < bank.labels.size(); ++i) {
      const std::size_t c = bank.labels[i];
      if (c >= row_of_class.size()) continue;
      double* const mean = means.data() + row_of_class[c] * n_out;
      for (std::size_t k = 0; k < n_out; ++k) mean[k] += static_cast<double>(bank.rows[i * n_out + k]);
    }
    means.array().colwise() /= means.rowwise().norm().array().max(1e-12).eval();  // the length of a sum is that of its mean
    const std::vector<float> unit(means.data(), means.data() + means.size());
    std::vector<std::size_t> rows, own;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      if (labels[i] >= row_of_class.size()) continue;
      rows.push_back(i);
      own.push_back(row_of_class[labels[i]]);
    }
    if (rows.empty()) return 0;
    std::vector<float> old(rows.size() * n_out), gradient(rows.size() * n_out);
    for (std::size_t i = 0; i < rows.size(); ++i) std::copy_n(x.data() + rows[i] * n_out, n_out, old.data() + i * n_out);
    const double loss = similarity_distillation<float>({old.data(), rows.size(), n_out}, own, {unit.data(), n_known, n_out},
                                                       {before.data(), n_known, before.size() / n_known},
                                                       {gradient.data(), rows.size(), n_out}, sharpness);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      for (std::size_t k = 0; k < n_out; ++k) dx[rows[i] * n_out + k] += gradient[i * n_out + k];
    }
    return loss;
  }
};

static_assert(learning_method<crl> && scores_answers<crl> && has_kept_arrays<crl::state>);

}  // namespace quipu::conpet
