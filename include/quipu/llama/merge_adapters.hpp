/// @file Adapters of PEFT folders merged into a checkpoint, tensor by tensor.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <quipu/activation/as_stated.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/core/progress.hpp>
#include <quipu/core/tensor_type.hpp>
#include <quipu/core/thread_team.hpp>
#include <quipu/io/checkpoint.hpp>
#include <quipu/io/checkpoint_content.hpp>
#include <quipu/io/tensor_names.hpp>
#include <quipu/io/tensor_values.hpp>
#include <quipu/linear/backward.hpp>  // multiplier
#include <quipu/linear/site.hpp>
#include <quipu/linear/workspace.hpp>
#include <quipu/llama/load.hpp>
#include <quipu/llama/with_base_changes.hpp>
#include <quipu/pet/any_module.hpp>
#include <quipu/pet/peft_folder.hpp>

namespace quipu::llama {

struct adapter_choice {
  std::string folder;
  double scale = 1;  ///< strength; 1 as it was trained
};

struct merge_options {
  /// Of the tensors that change; empty gives them the type that they had, and F32 to those that were in blocks.
  std::optional<tensor_type> type{};
  thread_team team = thread_team(1);
  progress_callback progress{};  ///< called after every layer; returning false stops with `cancelled`
};

namespace detail {

/// The module of a folder, if it can be merged.
[[nodiscard]] inline pet::any_module<float> mergeable_module_of(const pet::peft_folder& opened,
                                                                const adapter_choice& choice, const config& c) {
  std::optional<pet::any_module<float>> made;
  pet::visit_peft<float>(
      opened, c,
      [&](auto module) {
        if constexpr (pet::changes_weights<decltype(module)>) {
          made.emplace(std::move(module));
        } else {
          fail<config_error>(concat(choice.folder, ": adapter to merge"),
                             "a change of weights (LoRA, DoRA, IA3, BitFit)", printable(opened.kind()));
        }
      },
      pet::base_state::changed);
  if (!made->fits(c)) fail<config_error>(choice.folder, "an adapter made for this model", "one of other sizes");
  made->scale_by(choice.scale);
  return std::move(*made);
}

}  // namespace detail

/// The checkpoint with the adapters in its weights, one after the other: what each changes of the model's own tensors
/// (`with_base_changes`), and its module. Tensors that no adapter touches keep their bytes; the others are in plain
/// numbers one at a time.
///
/// @throws io_error, format_error  see `pet::peft_folder`
/// @throws config_error            a module that is no change of weights, by its name, or one for another model; a
///                                 scale that the kind has not
/// @throws numeric_error           a merged weight is not finite
[[nodiscard]] inline io::checkpoint merge_adapters(io::checkpoint source, std::span<const adapter_choice> adapters,
                                                   const merge_options& options = {}) {
  std::map<std::string, tensor_type, std::less<>> types;
  for (const auto& [name, tensor] : source.tensors) types[name] = tensor.type;
  text::vocabulary vocabulary = source.vocabulary;
  auto base = from_checkpoint<ffn::dense<activation::as_stated>, activations::f32>(std::move(source), {options.team});
  std::vector<pet::peft_folder> folders;
  for (const adapter_choice& choice : adapters) {
    folders.emplace_back(choice.folder);
    base = with_base_changes(base, folders.back().base_changes(base.config()), choice.scale);
  }
  std::vector<pet::any_module<float>> modules;
  for (std::size_t i = 0; i < adapters.size(); ++i) {
    modules.push_back(detail::mergeable_module_of(folders[i], adapters[i], base.config()));
  }

  const std::shared_ptr<const io::checkpoint_content> content = base.identity()->content;
  io::checkpoint merged = content->source();
  merged.vocabulary = std::move(vocabulary);
  merged.owned.push_back(content);  // keeps the bytes alive
  const auto stored_type = [&](const std::string& name) {
    if (options.type && merged.at(name).shape.size() > 1) return *options.type;
    const auto known = types.find(name);  // a head that was the embedding is new
    const tensor_type before = known != types.end() ? known->second : types.at(std::string(io::embedding_name));
    return is_quantised(before) ? tensor_type::f32 : before;
  };
  const auto store = [&](const std::string& name, const io::tensor_view& values) {
    const tensor_type type = stored_type(name);
    auto bytes = std::make_shared<const std::vector<std::byte>>(io::stored_as(values, type));
    merged.tensors[name] = {type, values.shape, *bytes};
    merged.owned.push_back(std::move(bytes));
  };
  for (const auto& [name, tensor] : std::map(merged.tensors)) {
    const auto known = types.find(name);
    const bool replaced = known == types.end() || known->second != tensor.type;
    if (replaced && tensor.type != stored_type(name)) store(name, tensor);
  }

  linear::workspace ws(options.team);
  linear::multiplier<float> multiply(ws);
  const std::size_t n_layer = merged.config.n_layer;
  for (std::size_t layer = 0; layer < n_layer; ++layer) {
    for (const linear::projection_site site : linear::projection_sites) {
      const auto changes = [&](const auto& m) {
        return m.touches(site, layer) || (site == linear::projection_site::down && m.touches_hidden(layer));
      };
      if (std::none_of(modules.begin(), modules.end(), changes)) continue;
      const std::string name = io::layer_name(layer, linear::name_of(site));
      const io::tensor_view weight = merged.at(name + ".weight");
      std::vector<float> w = io::values_of<float>(weight), b;
      const io::tensor_view* bias = merged.find(name + ".bias");
      if (bias != nullptr) b = io::values_of<float>(*bias);
      const std::vector<float> w_before = w, b_before = b;
      for (const auto& m : modules) {
        if (changes(m)) {
          m.merge_into(multiply, layer, site, {w.data(), weight.shape[0], weight.shape[1]},
                       b.empty() ? nullptr : b.data());
        }
      }
      const auto keep = [&](const std::string& part, const std::vector<std::size_t>& shape,
                            const std::vector<float>& now) {
        if (!std::all_of(now.begin(), now.end(), [](float x) { return std::isfinite(x); })) {
          fail<numeric_error>(concat("merge: ", part), "finite numbers", "others");
        }
        store(part, {tensor_type::f32, shape, std::as_bytes(std::span(now))});
      };
      if (w != w_before) keep(name + ".weight", weight.shape, w);
      if (b != b_before) keep(name + ".bias", std::vector<std::size_t>(bias->shape), b);
    }
    if (!report_progress(options.progress, {"merging", layer + 1, n_layer})) {
      throw cancelled("merging was cancelled");
    }
  }
  return merged;
}

}  // namespace quipu::llama
