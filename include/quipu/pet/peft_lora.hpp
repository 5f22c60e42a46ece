/// @file LoRA and DoRA in PEFT's `adapter_config.json`.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include <quipu/core/error.hpp>
#include <quipu/io/model_config.hpp>
#include <quipu/pet/dora.hpp>
#include <quipu/pet/lora.hpp>
#include <quipu/pet/peft_fields.hpp>

namespace quipu::pet {

namespace detail {

[[nodiscard]] inline lora read_lora(peft_fields& fields) {
  fields.understand({"megatron_core", "qalora_group_size", "eva_config", "runtime_config"});
  // The other initialisations (PiSSA, OLoRA, CorDA, LoftQ, ...) change the base weights too.
  const std::string start = fields.initialisation("init_lora_weights");
  if (start != "true" && start != "false" && start != "gaussian" && start != "eva" && start != "orthogonal") {
    fail<format_error>(fields.at("init_lora_weights"), "one that leaves the base weights alone", printable(start));
  }
  fields.expect("bias", std::string_view("none"));
  lora policy;
  policy.rank = fields.size_or("r", policy.rank);
  policy.alpha = fields.number("lora_alpha", policy.alpha);
  policy.rs_lora = fields.flag("use_rslora");
  policy.dropout = fields.number("lora_dropout", 0);
  policy.targets = fields.targets("target_modules", policy.targets);
  policy.rank_pattern = fields.patterns("rank_pattern");
  policy.alpha_pattern = fields.patterns("alpha_pattern");
  return policy;
}

inline void write_lora(nlohmann::ordered_json& json, const lora& policy, bool use_dora) {
  json["r"] = policy.rank;
  json["lora_alpha"] = peft_number(policy.alpha);
  json["lora_dropout"] = policy.dropout;
  json["target_modules"] = peft_targets(policy.targets);
  json["rank_pattern"] = peft_patterns(policy.rank_pattern);
  json["alpha_pattern"] = peft_patterns(policy.alpha_pattern);
  json["use_rslora"] = policy.rs_lora;
  json["use_dora"] = use_dora;
  json["bias"] = "none";
  json["fan_in_fan_out"] = false;
  json["init_lora_weights"] = true;
}

}  // namespace detail

template <>
struct peft_format<lora> {
  static constexpr std::string_view kind = "LORA";

  [[nodiscard]] static lora read(peft_fields& fields, const io::model_config&) {
    if (fields.flag("use_dora")) fail<format_error>(fields.at("use_dora"), "false; pet::dora reads the others", "true");
    return detail::read_lora(fields);
  }
  static void write(nlohmann::ordered_json& json, const lora& policy, const io::model_config&) {
    detail::write_lora(json, policy, false);
  }
};

template <>
struct peft_format<dora> {
  static constexpr std::string_view kind = "LORA";

  [[nodiscard]] static dora read(peft_fields& fields, const io::model_config&) {
    if (!fields.flag("use_dora"))
      fail<format_error>(fields.at("use_dora"), "true; pet::lora reads the others", "false");
    return dora{detail::read_lora(fields)};
  }
  static void write(nlohmann::ordered_json& json, const dora& policy, const io::model_config&) {
    detail::write_lora(json, policy, true);
  }
};

}  // namespace quipu::pet
