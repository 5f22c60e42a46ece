/// @file Which task's module a text looks made for, by the directions that the modules read most: nothing is trained or kept.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <quipu/conpet/cached_rows.hpp>
#include <quipu/conpet/losses/orthogonal_lora.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/matrix_view.hpp>
#include <quipu/linear/site.hpp>
#include <quipu/llama/module_hooks.hpp>
#include <quipu/llama/row_pool.hpp>
#include <quipu/pet/module.hpp>

namespace quipu::conpet {

/// Modules of low rank: `at(layer, site)` gives factors A and B, or an empty target.
template <class Module>
concept has_low_rank_targets = requires(const Module& m) {
  { m.at(std::size_t{}, linear::projection_site::q).a } -> std::convertible_to<const float*>;
  { m.at(std::size_t{}, linear::projection_site::q).b } -> std::convertible_to<const float*>;
};

/// For each adapted site the input that a module changes most, of length 1.
class arrow_prototypes {
 public:
  template <has_low_rank_targets Module>
  arrow_prototypes(const Module& module, std::size_t n_layer) : at_(n_layer * linear::projection_sites.size()) {
    for (std::size_t l = 0; l < n_layer; ++l) {
      for (const linear::projection_site site : linear::projection_sites) {
        const auto& t = module.at(l, site);
        if (t.empty()) continue;
        const eigen_vector<double> v = arrow_prototype<float>({t.a, t.rank, t.d_in}, {t.b, t.d_out, t.rank});
        at_[index(l, site)].assign(v.data(), v.data() + v.size());
      }
    }
  }
  /// Empty where the module does nothing.
  [[nodiscard]] std::span<const float> at(std::size_t layer, linear::projection_site site) const { return at_.at(index(layer, site)); }

 private:
  [[nodiscard]] static std::size_t index(std::size_t layer, linear::projection_site site) noexcept {
    return layer * linear::projection_sites.size() + static_cast<std::size_t>(site);
  }
  std::vector<std::vector<float>> at_;
};

/// A module that changes nothing and adds up how much the chosen rows of a batch are like the prototypes.
class arrow_probe : public pet::no_module {
 public:
  using scalar_type = float;

  /// @param tasks     of the modules in question; must outlive the probe
  /// @param segments  of the batch, and the rows of each that count
  arrow_probe(std::span<const arrow_prototypes> tasks, std::vector<linear::row_segment> segments, std::vector<llama::row_range> ranges)
      : tasks_(tasks), segments_(std::move(segments)), ranges_(std::move(ranges)), sums_(segments_.size() * tasks.size()), counts_(sums_.size()) {}

  [[nodiscard]] static std::span<const optim::parameter<float>> parameters() noexcept { return {}; }
  static void add_to_key(pet::key_hash&) noexcept {}
  [[nodiscard]] bool touches(linear::projection_site site, std::size_t layer) const {
    for (const arrow_prototypes& t : tasks_) {
      if (!t.at(layer, site).empty()) return true;
    }
    return false;
  }
  void projected(const pet::module_call<float>& call, linear::projection_site site, matrix_view<const float> x, matrix_view<float>) {
    for (std::size_t i = 0; i < segments_.size(); ++i) {
      for (std::size_t r = segments_[i].first_row + ranges_[i].first; r < segments_[i].first_row + ranges_[i].last; ++r) {
        const std::span<const float> row(x.row(r), x.cols());
        const double length = std::sqrt(dot(row, row));
        if (!(length > 0)) continue;
        for (std::size_t t = 0; t < tasks_.size(); ++t) {
          const auto v = tasks_[t].at(call.layer, site);
          if (v.empty()) continue;
          sums_[i * tasks_.size() + t] += std::abs(dot(row, v)) / length;
          ++counts_[i * tasks_.size() + t];
        }
      }
    }
  }
  /// Mean of |x . v| / |x| over a text's rows and a module's sites.
  [[nodiscard]] double likeness(std::size_t text, std::size_t task) const {
    const std::size_t at = text * tasks_.size() + task;
    return counts_[at] == 0 ? 0 : sums_[at] / static_cast<double>(counts_[at]);
  }

 private:
  [[nodiscard]] static double dot(std::span<const float> a, std::span<const float> b) noexcept {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
    return sum;
  }

  std::span<const arrow_prototypes> tasks_;
  std::vector<linear::row_segment> segments_;
  std::vector<llama::row_range> ranges_;
  std::vector<double> sums_;
  std::vector<std::size_t> counts_;
};

/// Likeness of texts to modules, by the inputs of the model as it is.
/// Source: Ostapenko et al. 2024, "Towards modular LLMs by building and reusing LoRAs", section 4.1 (Arrow). There each token chooses in each layer; here
/// the mean over a text's chosen rows and all adapted sites chooses for the whole text, with each input brought to length 1.
/// @return for each text one number for each module, 0 .. 1
template <class Pass>
[[nodiscard]] std::vector<std::vector<double>> arrow_likeness(Pass& pass, cached_block_inputs<Pass>& inputs, std::span<const encoded_example> texts,
                                                              std::span<const arrow_prototypes> tasks) {
  std::vector<std::vector<double>> all;
  for (std::size_t first = 0; first < texts.size();) {
    const std::size_t n = examples_within(first, texts.size(), rows_of_pass, [&](std::size_t i) -> const auto& { return texts[i]; });
    llama::training_batch batch;
    std::vector<const encoded_example*> some;
    std::vector<llama::row_range> ranges;
    for (std::size_t i = first; i < first + n; ++i) {
      batch.add(texts[i].tokens, {});
      some.push_back(&texts[i]);
      ranges.push_back(texts[i].rows);
    }
    llama::check_ranges(batch.segments(), ranges);
    arrow_probe probe(tasks, {batch.segments().begin(), batch.segments().end()}, std::move(ranges));
    llama::module_hooks hooks(probe, pass.workspace());
    static_cast<void>(pass.rows_before(batch, pass.model().config().n_layer, hooks, inputs.start(some)));
    for (std::size_t i = 0; i < n; ++i) {
      auto& own = all.emplace_back();
      for (std::size_t t = 0; t < tasks.size(); ++t) own.push_back(probe.likeness(i, t));
    }
    first += n;
  }
  return all;
}

}  // namespace quipu::conpet
