/// @file IA3, BitFit, prompt, prefix and bottleneck adapters in `adapter_config.json`.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include <quipu/core/error.hpp>
#include <quipu/io/model_config.hpp>
#include <quipu/pet/bitfit.hpp>
#include <quipu/pet/bottleneck.hpp>
#include <quipu/pet/ia3.hpp>
#include <quipu/pet/peft_fields.hpp>
#include <quipu/pet/prefix.hpp>
#include <quipu/pet/prompt.hpp>

namespace quipu::pet {

template <>
struct peft_format<ia3> {
  static constexpr std::string_view kind = "IA3";

  [[nodiscard]] static ia3 read(peft_fields& fields, const io::model_config&) {
    fields.understand({"init_ia3_weights"});
    ia3 policy;
    policy.targets = fields.targets("target_modules", policy.targets);
    policy.feedforward = fields.targets("feedforward_modules", policy.feedforward);
    return policy;
  }
  static void write(nlohmann::ordered_json& json, const ia3& policy, const io::model_config&) {
    json["target_modules"] = peft_targets(policy.targets);
    json["feedforward_modules"] = peft_targets(policy.feedforward);
    json["fan_in_fan_out"] = false;
    json["init_ia3_weights"] = true;
  }
};

/// PEFT's BEFT adds the same biases.
template <>
struct peft_format<bitfit> {
  static constexpr std::string_view kind = "BEFT";

  [[nodiscard]] static bitfit read(peft_fields& fields, const io::model_config&) {
    fields.understand({"init_weights"});
    return {fields.targets("target_modules", optim::name_pattern::suffixes({"v_proj"}))};
  }
  static void write(nlohmann::ordered_json& json, const bitfit& policy, const io::model_config&) {
    json["target_modules"] = peft_targets(policy.targets);
    json["init_weights"] = true;
  }
};

namespace detail {

// Fields that prompt and prefix tuning have in common. @return the number of virtual tokens
[[nodiscard]] inline std::size_t read_virtual_tokens(peft_fields& fields, const io::model_config& c,
                                                     std::size_t token_dim) {
  fields.understand({"num_attention_heads", "tokenizer_kwargs", "tokenizer_name_or_path"});
  fields.expect("num_layers", c.n_layer);
  fields.expect("token_dim", token_dim);
  fields.expect("num_transformer_submodules", 1);
  return fields.size("num_virtual_tokens");
}
inline void write_virtual_tokens(nlohmann::ordered_json& json, std::size_t n_virtual, const io::model_config& c,
                                 std::size_t token_dim, std::size_t n_head) {
  json["num_virtual_tokens"] = n_virtual;
  json["num_layers"] = c.n_layer;
  json["token_dim"] = token_dim;
  json["num_attention_heads"] = n_head;
  json["num_transformer_submodules"] = 1;
}

}  // namespace detail

template <>
struct peft_format<prompt> {
  static constexpr std::string_view kind = "PROMPT_TUNING";

  [[nodiscard]] static prompt read(peft_fields& fields, const io::model_config& c) {
    fields.understand({"prompt_tuning_init", "prompt_tuning_init_text"});
    return {.n_virtual = detail::read_virtual_tokens(fields, c, c.d_model)};
  }
  static void write(nlohmann::ordered_json& json, const prompt& policy, const io::model_config& c) {
    detail::write_virtual_tokens(json, policy.n_virtual, c, c.d_model, c.n_head);
    json["prompt_tuning_init"] = "RANDOM";
  }
};

template <>
struct peft_format<prefix> {
  static constexpr std::string_view kind = "PREFIX_TUNING";

  /// A projection (`prefix_projection`) exists only in training: files hold its result.
  [[nodiscard]] static prefix read(peft_fields& fields, const io::model_config& c) {
    fields.understand({"encoder_hidden_size", "prefix_projection", "init_weights"});
    return {.n_virtual = detail::read_virtual_tokens(fields, c, c.d_kv())};
  }
  static void write(nlohmann::ordered_json& json, const prefix& policy, const io::model_config& c) {
    detail::write_virtual_tokens(json, policy.n_virtual, c, c.d_kv(), c.n_kv_head);
    json["encoder_hidden_size"] = c.d_kv();
    json["prefix_projection"] = false;
  }
};

/// A kind of our own: PEFT has no bottleneck adapters and refuses it by name.
template <class Activation>
struct peft_format<bottleneck<Activation>> {
  static constexpr std::string_view kind = "BOTTLENECK";

  [[nodiscard]] static bottleneck<Activation> read(peft_fields& fields, const io::model_config&) {
    bottleneck<Activation> policy;
    policy.size = fields.size("bottleneck_size");
    const std::string where = fields.text("placement", "");
    if (where != "houlsby" && where != "pfeiffer")
      fail<format_error>(fields.at("placement"), "houlsby or pfeiffer", printable(where));
    policy.placement = where == "houlsby" ? bottleneck_placement::houlsby : bottleneck_placement::pfeiffer;
    policy.keeps_output = fields.flag("keeps_output", true);
    fields.expect("non_linearity", Activation::name);
    if constexpr (requires { policy.activation.threshold; })
      policy.activation.threshold = fields.number("threshold", 0);
    return policy;
  }
  static void write(nlohmann::ordered_json& json, const bottleneck<Activation>& policy, const io::model_config&) {
    json["bottleneck_size"] = policy.size;
    json["placement"] = policy.placement == bottleneck_placement::houlsby ? "houlsby" : "pfeiffer";
    json["keeps_output"] = policy.keeps_output;
    json["non_linearity"] = std::string(Activation::name);
    if constexpr (requires { policy.activation.threshold; }) json["threshold"] = policy.activation.threshold;
  }
};

}  // namespace quipu::pet
