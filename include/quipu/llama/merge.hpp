/// @file Modules merged into the weights, and taken out again exactly.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/thread_team.hpp>
#include <quipu/io/tensor_names.hpp>
#include <quipu/linear/backward.hpp>
#include <quipu/linear/workspace.hpp>
#include <quipu/llama/hooks.hpp>  // projection_site
#include <quipu/llama/trainable.hpp>
#include <quipu/optim/parameter.hpp>
#include <quipu/pet/module.hpp>

namespace quipu::llama {

/// Modules that are a change of the linear layers' weights: LoRA, DoRA, IA3, BitFit if there are biases.
template <class M>
concept mergeable_module = pet::pet_module<M> && pet::changes_weights<M>;

/// A trainable model with a module in its weights. Made by `merge`; `unmerge` gives the model back with the
/// weights' old bytes. What is trained in between in the merged tensors is lost then.
template <class Policies>
class merged_model {
 public:
  using trainable_type = trainable_model<Policies>;
  using scalar_type = typename trainable_type::scalar_type;

  merged_model(merged_model&&) noexcept = default;
  merged_model& operator=(merged_model&&) noexcept = default;

  [[nodiscard]] const typename trainable_type::model_type& model() const noexcept { return trainable_.model(); }
  [[nodiscard]] const trainable_type& trainable() const noexcept { return trainable_; }

  /// @throws config_error  it was unmerged before
  trainable_type unmerge() && {
    if (!trainable_.is_merged() || originals_.empty()) {
      fail<config_error>("unmerge", "a model with a module merged into it", "one without");
    }
    restore();
    return trainable_;
  }

  template <class Other, class Module>
  friend merged_model<Other> merge(trainable_model<Other> m, const Module& module, const thread_team& team);

 private:
  explicit merged_model(trainable_type m) : trainable_(std::move(m)) {}

  struct original {
    scalar_type* place;
    std::vector<scalar_type> values;
  };

  void keep(const optim::parameter<scalar_type>& p) { originals_.push_back({p.value, {p.value, p.value + p.size()}}); }
  void restore() noexcept {
    for (const original& o : originals_) std::copy(o.values.begin(), o.values.end(), o.place);
    originals_.clear();
    trainable_.mark_merged(false);
  }

  trainable_type trainable_;
  std::vector<original> originals_;
};

/// Changes the weights of `m`, which its copies share, so that they do what the module did beside them.
///
/// @param m  from `thaw`: weights in blocks cannot take a module, widened ones can
/// @throws config_error   something is merged already, or the module cannot be merged into this model
/// @throws numeric_error  a merged weight is not finite; the weights are as before then
template <class Policies, class Module>
[[nodiscard]] merged_model<Policies> merge(trainable_model<Policies> m, const Module& module,
                                           const thread_team& team = thread_team()) {
  using scalar = typename trainable_model<Policies>::scalar_type;
  static_assert(mergeable_module<Module>,
                "merge: the module is no change of weights (prompt, prefix and bottleneck are not)");
  static_assert(std::is_same_v<scalar, typename Module::scalar_type>, "merge: model and module need the same scalar");
  if (!module.fits(m.model().config()))
    fail<config_error>("merge", "a module made for this model", "one of other sizes");
  if (m.is_merged()) fail<config_error>("merge", "a model without a merged module (unmerge it first)", "one with");
  merged_model<Policies> merged(std::move(m));
  merged.trainable_.mark_merged(true);
  linear::workspace ws(team);
  linear::multiplier<scalar> multiply(ws);
  const auto parameters = merged.trainable_.parameters();
  try {
    for (std::size_t layer = 0; layer < merged.model().config().n_layer; ++layer) {
      for (const projection_site site : linear::projection_sites) {
        if (!module.touches(site, layer) && !(site == projection_site::down && module.touches_hidden(layer))) continue;
        const std::string name = io::layer_name(layer, linear::name_of(site));
        const auto* weight = optim::find<scalar>(parameters, name + ".weight");
        const auto* bias = optim::find<scalar>(parameters, name + ".bias");
        merged.keep(*weight);
        if (bias != nullptr) merged.keep(*bias);
        module.merge_into(multiply, layer, site, {weight->value, weight->rows(), weight->cols()},
                          bias == nullptr ? nullptr : bias->value);
        if (!std::all_of(weight->value, weight->value + weight->size(), [](scalar x) { return std::isfinite(x); })) {
          fail<numeric_error>(concat("merge: ", weight->name), "finite numbers", "others");
        }
      }
    }
  } catch (...) {
    merged.restore();
    throw;
  }
  return merged;
}

/// Refuses models whose weights are const, by name.
template <class Policies, class Module>
void merge(const basic_model<Policies>&, const Module&) {
  static_assert(sizeof(Module) == 0,
                "merge: the weights of a loaded model are const, quantised ones cannot take a module; "
                "merge(thaw<float>(model), module)");
}

}  // namespace quipu::llama
