/// @file DER++: kept texts keep their logits, and their labels count too.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <quipu/conpet/losses/cross_entropy.hpp>
#include <quipu/conpet/losses/distillation.hpp>
#include <quipu/conpet/methods/kept_arrays.hpp>
#include <quipu/conpet/methods/learning_method.hpp>
#include <quipu/conpet/methods/learning_task.hpp>
#include <quipu/core/number_text.hpp>
#include <quipu/replay/replay_order.hpp>

namespace quipu::conpet {

/// The order of DER++: as the learner's own, but every second replayed text of a batch is drawn for its logits. A source has the new texts, the old ones
/// for their labels, and the old ones once more for their logits. Models `train::batch_order`.
class dark_replay_order {
 public:
  dark_replay_order(replay::replay_order own, std::size_t n_new, std::size_t n_old) : own_(std::move(own)), n_new_(n_new), n_old_(n_old) {}

  [[nodiscard]] std::string identity() const { return concat("every second for its logits, ", own_.identity()); }
  void fill(const train::order_place& place, std::span<train::ordered_example> examples) {
    train::order_place own = place;
    own.n_example = n_new_ + n_old_;
    own_.fill(own, examples);
    std::size_t n_drawn = 0;
    for (train::ordered_example& e : examples) {
      if (e.example >= n_new_ && n_drawn++ % 2 == 0) e.example += n_old_;
    }
  }

 private:
  replay::replay_order own_;
  std::size_t n_new_, n_old_;
};

/// Dark experience replay: beside the cross-entropy of the new texts of a batch, alpha times the squared distance of replayed texts' logits to those
/// that they had when their task was learned, over the classes that there were, and beta times the cross-entropy of other replayed ones. The logits are
/// those after the task; in the paper they are taken while it is learned. Source: Buzzega et al. 2020, "Dark experience", eq. (6).
struct der_plus_plus {
  using policy_role = role::learning_method;
  double alpha = 0.1;
  double beta = 0.5;

  struct state {
    std::map<std::uint64_t, std::vector<float>> logits{};  ///< by the texts' numbers in the memory

    [[nodiscard]] kept_arrays arrays() const {
      kept_arrays all;
      std::vector<std::uint64_t> numbers;
      std::vector<std::vector<float>> lists;
      for (const auto& [number, z] : logits) {
        numbers.push_back(number);
        lists.push_back(z);
      }
      all["numbers"] = kept_of(numbers);
      keep_lists(all, "logits", lists);
      return all;
    }
    void restore(const kept_arrays& saved) {
      const auto numbers = values_of<std::uint64_t>(saved, "numbers");
      auto lists = kept_lists<float>(saved, "logits");
      if (numbers.size() != lists.size()) fail<format_error>("state of der_plus_plus: logits", numbers.size(), lists.size());
      logits.clear();
      for (std::size_t i = 0; i < numbers.size(); ++i) logits[numbers[i]] = std::move(lists[i]);
    }
  };

  [[nodiscard]] std::string identity() const { return concat("der_plus_plus, alpha ", exact_text(alpha), ", beta ", exact_text(beta)); }

  /// Both losses of a batch's replayed texts, whose gradients are added to dz.
  /// @param kept   logits of those that are drawn for them, null for the others
  /// @param label  of those that are drawn for their labels; the others' are `llama::ignored_label`
  [[nodiscard]] double loss(std::span<const std::vector<float>* const> kept, std::span<const std::int64_t> label, matrix_view<const float> z,
                            matrix_view<float> dz) const {
    std::set<std::size_t> widths;
    std::size_t n_kept = 0;
    for (const auto* k : kept) {
      if (k == nullptr) continue;
      widths.insert(k->size());
      n_kept += k->size();
    }
    double sum = 0;
    for (const std::size_t width : widths) {  // texts of one task have logits of one length
      const auto of_width = [&](std::size_t i) { return kept[i] != nullptr && kept[i]->size() == width; };
      const auto values = [&](std::size_t i) { return std::pair(z.row(i), kept[i]->data()); };
      sum += on_rows(of_width, z, dz, width, [&](std::span<const std::size_t> rows, matrix_view<const float> now, matrix_view<float> gradient) {
        std::vector<float> stored;
        for (const std::size_t i : rows) stored.insert(stored.end(), values(i).second, values(i).second + width);
        const double share = static_cast<double>(stored.size()) / static_cast<double>(n_kept);
        return dark_experience_loss<float>(now, {stored.data(), rows.size(), width}, gradient, alpha * share);
      });
    }
    const auto labelled = [&](std::size_t i) { return kept[i] == nullptr && label[i] != llama::ignored_label; };
    return sum + on_rows(labelled, z, dz, z.cols(), [&](std::span<const std::size_t> rows, matrix_view<const float> now, matrix_view<float> gradient) {
             std::vector<std::size_t> own;
             for (const std::size_t i : rows) own.push_back(static_cast<std::size_t>(label[i]));
             std::vector<float> d(rows.size() * z.cols());
             const double loss = cross_entropy<float>(now, own, {}, {d.data(), rows.size(), z.cols()});
             for (std::size_t i = 0; i < d.size(); ++i) gradient.data()[i] += static_cast<float>(beta) * d[i];
             return beta * loss;
           });
  }

  /// @throws config_error  batches without new texts; without a text that is kept of earlier tasks
  template <class Task>
  void learn(state& s, Task& task) const {
    if (task.is_first()) {
      task.train();
    } else {
      learn_beside(s, task);
    }
    task.remember();
    // Of texts that are new in the memory, and none of those that it dropped.
    std::map<std::uint64_t, std::vector<float>> next;
    std::vector<encoded_example> unknown;
    std::vector<std::uint64_t> numbers;
    const auto& entries = task.memory().entries();
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (const auto known = s.logits.find(entries[i].number); known != s.logits.end()) {
        next.insert(*known);
      } else {
        unknown.push_back(task.old()[i]);
        numbers.push_back(entries[i].number);
      }
    }
    const auto outputs = task.outputs(unknown);
    for (std::size_t i = 0; i < numbers.size(); ++i) next[numbers[i]] = outputs[i].logits;
    s.logits = std::move(next);
  }

 private:
  // Rows that a test lets pass, together; what f adds to their gradient goes back to where they came from.
  template <class Test, class F>
  static double on_rows(Test&& test, matrix_view<const float> z, matrix_view<float> dz, std::size_t width, F&& f) {
    std::vector<std::size_t> rows;
    for (std::size_t i = 0; i < z.rows(); ++i) {
      if (test(i)) rows.push_back(i);
    }
    if (rows.empty()) return 0;
    std::vector<float> now(rows.size() * width), gradient(rows.size() * width);
    for (std::size_t i = 0; i < rows.size(); ++i) std::copy_n(z.row(rows[i]), width, now.data() + i * width);
    const double loss = f(std::span<const std::size_t>(rows), matrix_view<const float>(now.data(), rows.size(), width),
                          matrix_view<float>(gradient.data(), rows.size(), width));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      for (std::size_t c = 0; c < width; ++c) dz(rows[i], c) += gradient[i * width + c];
    }
    return loss;
  }

  template <class Task>
  void learn_beside(const state& s, Task& task) const {
    const std::size_t n_new = task.fresh().size(), n_old = task.old().size();
    if (n_old == 0) fail<config_error>("der_plus_plus", "a replay strategy that keeps texts", task.memory().strategy().name);
    const auto budget = task.core().budget();
    if (budget.n_new(task.how().batch_size) == 0) fail<config_error>("der_plus_plus: new texts of a batch", "at least 1", 0);
    // Replayed texts' cross-entropy has a weight of its own, so the trainer's leaves them out.
    auto examples = task.with_classes(task.fresh());
    for (int twice = 0; twice < 2; ++twice) {
      for (const encoded_example& e : task.old()) examples.push_back({&e, llama::ignored_label});
    }
    step_additions additions;
    additions.logits = [&, n_new, n_old](const target_batch& batch, matrix_view<const float> z, matrix_view<float> dz) {
      std::vector<const std::vector<float>*> kept;
      std::vector<std::int64_t> label;
      for (const std::size_t number : batch.numbers) {
        const bool is_old = number >= n_new, for_logits = number >= n_new + n_old;
        kept.push_back(for_logits ? &s.logits.at(task.memory().entries()[number - n_new - n_old].number) : nullptr);
        label.push_back(is_old && !for_logits ? static_cast<std::int64_t>(task.old()[number - n_new].label) : llama::ignored_label);
      }
      return loss(kept, label, z, dz);
    };
    task.train({.additions = std::move(additions),
                .examples = std::move(examples),
                .order = dark_replay_order(task.core().order(task.memory(), n_new), n_new, n_old)});
  }
};

static_assert(learning_method<der_plus_plus> && has_kept_arrays<der_plus_plus::state>);

}  // namespace quipu::conpet
