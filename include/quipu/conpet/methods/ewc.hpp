/// @file EWC: what matters to earlier tasks stays where it was.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <quipu/conpet/losses/elastic_weights.hpp>
#include <quipu/conpet/methods/kept_arrays.hpp>
#include <quipu/conpet/methods/learning_method.hpp>
#include <quipu/conpet/methods/learning_task.hpp>
#include <quipu/core/number_text.hpp>

namespace quipu::conpet {

/// The diagonal of a task's Fisher information by `fisher_diagonal`: for each batch of its new texts and each class one backward pass.
/// @param n_batch  at most so many batches, from the first text on; 0: all
/// @return (n_value) of the parameters of the task's module and head
template <class Task>
[[nodiscard]] std::vector<double> fisher_of(Task& task, std::size_t batch_size, std::size_t n_batch) {
  const auto parameters = task.who().parameters();
  fisher_diagonal fisher(optim::n_value(std::span<const optim::parameter<float>>(parameters)));
  const std::span<const encoded_example> fresh = task.fresh();
  for (std::size_t first = 0, done = 0; first < fresh.size() && (n_batch == 0 || done < n_batch); first += batch_size, ++done) {
    const auto some = fresh.subspan(first, std::min(batch_size, fresh.size() - first));
    std::vector<double> probability(task.n_class(), 0);
    for (const auto& o : task.outputs(some)) {
      const double_rows log_p = log_softmax(in_double<float>({o.logits.data(), 1, o.logits.size()}));
      for (std::size_t c = 0; c < probability.size(); ++c)
        probability[c] += std::exp(log_p(0, static_cast<Eigen::Index>(c))) / static_cast<double>(some.size());
    }
    for (std::size_t c = 0; c < probability.size(); ++c) {
      std::vector<target_example> as_c;
      for (const encoded_example& e : some) as_c.push_back({&e, static_cast<std::int64_t>(c)});
      fisher.add<float>(probability[c], task.gradient_on(as_c));
    }
    fisher.end_batch();
  }
  return fisher.mean();
}

/// Elastic weight consolidation: strength / 2 * sum of F (theta - theta*)^2 over what was trained before, one anchor a task, or one for all (online).
/// Rows that a head grew later are free. The learner's replay goes on beside it; `replay::none` is the paper's setting.
/// Source: Kirkpatrick et al. 2017, eq. (3); online: Schwarz et al. 2018, "Progress and compress", eq. (9).
struct ewc {
  using policy_role = role::learning_method;
  double strength = 1;
  bool online = false;
  double decay = 1;             ///< of the earlier Fisher information, online
  std::size_t batch_size = 16;  ///< of the Fisher information
  std::size_t n_batch = 0;      ///< at most; 0: all of the task

  /// Anchors task by task, and tensor by tensor within each.
  struct state {
    std::vector<std::vector<weight_anchor>> anchors{};

    [[nodiscard]] kept_arrays arrays() const {
      kept_arrays all;
      for (std::size_t t = 0; t < anchors.size(); ++t) {
        std::vector<std::vector<double>> values, fisher;
        for (const weight_anchor& a : anchors[t]) {
          values.push_back(a.values);
          fisher.push_back(a.fisher);
        }
        keep_lists(all, concat("values-", t), values);
        keep_lists(all, concat("fisher-", t), fisher);
      }
      return all;
    }
    void restore(const kept_arrays& saved) {
      std::vector<std::vector<weight_anchor>> all;
      for (std::size_t t = 0; saved.count(concat("values-", t)) > 0; ++t) {
        auto values = kept_lists<double>(saved, concat("values-", t)), fisher = kept_lists<double>(saved, concat("fisher-", t));
        if (values.size() != fisher.size()) fail<format_error>("state of ewc: tensors with Fisher information", values.size(), fisher.size());
        auto& anchor = all.emplace_back();
        for (std::size_t i = 0; i < values.size(); ++i) {
          if (values[i].size() != fisher[i].size())
            fail<format_error>("state of ewc: Fisher information of a tensor", values[i].size(), fisher[i].size());
          anchor.push_back({std::move(values[i]), std::move(fisher[i])});
        }
      }
      anchors = std::move(all);
    }
  };

  [[nodiscard]] std::string identity() const {
    return concat("ewc, strength ", exact_text(strength), online ? concat(", online, decay ", exact_text(decay)) : std::string(),
                  ", Fisher batches of ", batch_size, n_batch == 0 ? std::string() : concat(", at most ", n_batch));
  }

  /// The penalty of a state on parameters. Gradients are added to.
  /// @throws config_error  anchors of other tensors
  [[nodiscard]] double penalty(const state& s, std::span<const optim::parameter<float>> parameters) const {
    double sum = 0;
    for (const auto& anchor : s.anchors) {
      if (anchor.size() != parameters.size()) fail<config_error>("ewc: tensors of an anchor", parameters.size(), anchor.size());
      for (std::size_t i = 0; i < anchor.size(); ++i) {
        const std::size_t n = anchor[i].values.size();  // heads grow at their end
        if (n > parameters[i].size()) fail<config_error>(concat("ewc: anchor of ", parameters[i].name), concat("at most ", parameters[i].size()), n);
        sum += elastic_penalty<float>(std::span<const float>(parameters[i].value, n), std::span(&anchor[i], 1), strength,
                                      std::span<float>(parameters[i].gradient, n));
      }
    }
    return sum;
  }

  /// @throws config_error  batches of nothing, a strength below 0
  template <class Task>
  void learn(state& s, Task& task) const {
    if (batch_size == 0) fail<config_error>("ewc: texts of a Fisher batch", "at least 1", 0);
    if (!(strength >= 0)) fail<config_error>("ewc: strength", "not below 0", strength);
    const auto parameters = task.who().parameters();
    step_additions additions;
    additions.gradients = [&](std::size_t) { return penalty(s, parameters); };
    task.train({.additions = std::move(additions)});
    const std::vector<double> fisher = fisher_of(task, batch_size, n_batch);
    std::vector<weight_anchor> now;
    std::size_t at = 0;
    for (const auto& p : parameters) {
      const auto first = fisher.begin() + static_cast<std::ptrdiff_t>(at);
      now.push_back({{p.value, p.value + p.size()}, {first, first + static_cast<std::ptrdiff_t>(p.size())}});
      at += p.size();
    }
    if (online && !s.anchors.empty()) {
      for (std::size_t i = 0; i < now.size(); ++i) {
        s.anchors.front()[i].fisher.resize(now[i].fisher.size(), 0);
        now[i] = merge_online(s.anchors.front()[i], std::move(now[i]), decay);
      }
      s.anchors.clear();
    }
    s.anchors.push_back(std::move(now));
  }
};

static_assert(learning_method<ewc> && has_kept_arrays<ewc::state>);

}  // namespace quipu::conpet
