// What peft_base_changes.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/core/tensor_type.hpp>
#include <quipu/io/checked_size.hpp>  // show_shape
#include <quipu/io/checkpoint.hpp>    // tensor_view
#include <quipu/io/model_config.hpp>
#include <quipu/io/safetensors.hpp>
#include <quipu/io/tensor_names.hpp>
#include <quipu/optim/name_pattern.hpp>
#include <quipu/pet/base_changes.hpp>
#include <quipu/pet/lora.hpp>
#include <quipu/pet/peft_base_changes.hpp>
#include <quipu/pet/peft_fields.hpp>
#include <quipu/pet/targets.hpp>

namespace quipu::pet {

namespace detail {

/// Walks over the tensors of an adapter once. Source of the names: PEFT 0.21, utils/save_and_load.py and
/// tuners/{lora,trainable_tokens}.
class base_change_finder {
 public:
  base_change_finder(const io::safetensors_file& file, const io::model_config& c) : file_(file) {
    io::model_config whole = c;  // with every tensor that a LLaMA can have
    whole.tied_embeddings = false;
    whole.attention_bias = whole.mlp_bias = true;
    for (const io::expected_tensor& t : io::tensors_outside_layers(whole)) shapes_[t.name] = t.shape;
    for (std::size_t layer = 0; layer < c.n_layer; ++layer) {
      for (const io::expected_tensor& t : io::tensors_of_layer(whole, layer)) shapes_[t.name] = t.shape;
    }
  }

  [[nodiscard]] base_changes run(peft_fields& fields) {
    const bool is_lora = fields.kind() == lora::peft_type;
    found_.ties_weights = fields.flag("ensure_weight_tying");
    for (const auto& [stored, values] : file_.tensors()) {
      std::string name = stored;
      if (!name.starts_with(prefix)) continue;
      name.erase(0, prefix.size());
      for (const std::string_view wrapper : {".modules_to_save.default.", ".modules_to_save."}) {
        if (const auto at = name.find(wrapper); at != std::string::npos) name.replace(at, wrapper.size(), ".");
      }
      if (const auto at = name.find(".base_layer."); at != std::string::npos) name.replace(at, 12, ".");
      if (shapes_.contains(name)) {
        take(stored, values, shapes_.at(name));
        found_.replaced.push_back({name, values});
      } else if (name.ends_with(token_rows)) {
        take_rows(stored, values, name.substr(0, name.size() - token_rows.size()) + ".weight", fields);
      } else if (is_lora && name.ends_with(bias) && is_linear(name.substr(0, name.size() - bias.size()))) {
        const std::string module = name.substr(0, name.size() - bias.size());
        take(stored, values, {shapes_.at(module + ".weight")[0]});
        found_.biases.push_back({module + ".bias", values, scale_of(module, fields)});
      } else if (is_lora && (name == "lm_head.lora_A.weight" || name == "model.embed_tokens.lora_embedding_A")) {
        take_low_rank(stored, values, name.starts_with("lm_head"), fields);
      }
    }
    refuse_missing(fields, is_lora);
    found_.memory = std::make_shared<const io::safetensors_file>(file_);
    return std::move(found_);
  }

 private:
  static constexpr std::string_view prefix = "base_model.model.";
  static constexpr std::string_view token_rows = ".token_adapter.trainable_tokens_delta";
  static constexpr std::string_view bias = ".lora_B.bias";

  // What the settings promise must be in the file.
  void refuse_missing(peft_fields& fields, bool is_lora) {
    const auto refuse = [&](const char* key, std::string_view what) {
      fail<format_error>(fields.at(key), concat("tensors of ", what, " in ", file_.path()), "none");
    };
    std::set<std::string_view> in_model, in_file;  // what a module of a tensor may be called
    for (const auto& [name, shape] : shapes_) add_endings(name, in_model);
    for (const base_changes::whole& w : found_.replaced) add_endings(w.name, in_file);
    for (const std::string& module : fields.modules_to_save()) {
      if (in_model.contains(module) && !in_file.contains(module)) refuse("modules_to_save", printable(module));
    }
    if (!is_lora) return;
    if (found_.rows.empty() && fields.has("trainable_token_indices")) {
      refuse("trainable_token_indices", "trained tokens");
    }
    std::size_t n_linear = 0;
    for (const auto& [stored, values] : file_.tensors()) n_linear += stored.ends_with(".lora_B.weight") ? 1 : 0;
    for (const base_changes::low_rank& on : found_.added) n_linear -= on.transposed ? 0 : 1;
    if (fields.flag("lora_bias") && found_.biases.size() != n_linear) refuse("lora_bias", "a bias of every target");
    const optim::name_pattern targets = fields.targets("target_modules", optim::name_pattern::none());
    for (const std::string_view tensor : {io::head_name, io::embedding_name}) {
      const std::string_view module = tensor.substr(0, tensor.rfind('.'));
      const bool wanted =
          std::any_of(targets.endings().begin(), targets.endings().end(),
                      [&](const std::string& ending) { return optim::name_pattern::ends_in(module, ending); });
      const bool found = std::any_of(found_.added.begin(), found_.added.end(),
                                     [&](const base_changes::low_rank& on) { return on.name == tensor; });
      if (wanted && !found) refuse("target_modules", module);
    }
  }

  // Of the module that has the tensor `name`: its full name, and what follows each dot in it.
  static void add_endings(std::string_view name, std::set<std::string_view>& to) {
    for (std::string_view rest = name.substr(0, name.rfind('.'));;) {
      to.insert(rest);
      const std::size_t dot = rest.find('.');
      if (dot == std::string_view::npos) return;
      rest.remove_prefix(dot + 1);
    }
  }

  [[nodiscard]] bool is_linear(const std::string& module) const {
    return module.starts_with("model.layers.") && shapes_.contains(module + ".bias");
  }

  void take(const std::string& stored, const io::tensor_view& values, const std::vector<std::size_t>& shape) {
    const std::string place = concat(file_.path(), ": ", printable(stored));
    if (values.shape != shape) {
      const bool resized = values.shape.size() == 2 && shape.size() == 2 && values.shape[1] == shape[1];
      fail<format_error>(place, concat("shape ", io::show_shape(shape)),
                         concat(io::show_shape(values.shape),
                                resized ? " (if tokens were added to the vocabulary, merge the adapter with PEFT and "
                                          "load the result)"
                                        : ""));
    }
    if (!is_weight_type(values.type)) fail<format_error>(place, "F64, F32, F16 or BF16", name_of(values.type));
    found_.tensors.insert(stored);
  }

  void take_rows(const std::string& stored, const io::tensor_view& values, const std::string& name,
                 peft_fields& fields) {
    if (name != io::embedding_name && name != io::head_name) {
      fail<format_error>(concat(file_.path(), ": ", printable(stored)), "trained tokens of embed_tokens or lm_head",
                         "of another module");
    }
    std::vector<std::size_t> tokens = fields.token_indices(name == io::head_name ? "lm_head" : "embed_tokens");
    const std::vector<std::size_t>& shape = shapes_.at(name);
    for (const std::size_t token : tokens) {
      if (token >= shape[0]) {
        fail<format_error>(fields.at("trainable_token_indices"), concat("ids below ", shape[0]), token);
      }
    }
    take(stored, values, {tokens.size(), shape[1]});
    found_.rows.push_back({name, std::move(tokens), values});
  }

  void take_low_rank(const std::string& stored, const io::tensor_view& a, bool is_head, peft_fields& fields) {
    std::string other = stored;
    other[other.rfind("_A") + 1] = 'B';
    const std::string name(is_head ? io::head_name : io::embedding_name);
    const std::vector<std::size_t>& shape = shapes_.at(name);
    const std::size_t rank = a.shape.empty() ? 0 : a.shape[0];
    const io::tensor_view& b = file_.at(other);
    take(stored, a, {rank, is_head ? shape[1] : shape[0]});
    take(other, b, {is_head ? shape[0] : shape[1], rank});
    const std::string module = name.substr(0, name.rfind('.'));
    found_.added.push_back({name, a, b, scale_of(module, fields), !is_head});
    if (static_cast<double>(rank) != rank_of(module, fields)) {
      fail<format_error>(concat(file_.path(), ": ", printable(stored)),
                         concat(rank_of(module, fields), " rows, the rank"), rank);
    }
  }

  [[nodiscard]] const lora& settings(peft_fields& fields) {
    if (!settings_) {
      if (!lora::is_peft(fields)) {
        fail<format_error>(fields.at("use_dora"), "false, for an adapter with biases or on lm_head or embed_tokens",
                           "true");
      }
      settings_ = lora::read_scales(fields);
      ranks_.emplace(settings_->rank_pattern);
      alphas_.emplace(settings_->alpha_pattern);
    }
    return *settings_;
  }
  [[nodiscard]] double rank_of(const std::string& module, peft_fields& fields) {
    const lora& s = settings(fields);
    return (*ranks_)(module, static_cast<double>(s.rank));
  }
  [[nodiscard]] double scale_of(const std::string& module, peft_fields& fields) {
    const lora& s = settings(fields);
    const double rank = rank_of(module, fields);
    return (*alphas_)(module, s.alpha) / (s.rs_lora ? std::sqrt(rank) : rank);
  }

  const io::safetensors_file& file_;
  std::map<std::string, std::vector<std::size_t>, std::less<>> shapes_;  // of the model's tensors, by name
  std::optional<lora> settings_;
  std::optional<pattern_table> ranks_, alphas_;  // of the settings
  base_changes found_;
};

}  // namespace detail

QUIPU_INLINE base_changes find_base_changes(peft_fields& fields, const io::safetensors_file& file,
                                            const io::model_config& c) {
  return detail::base_change_finder(file, c).run(fields);
}

}  // namespace quipu::pet
