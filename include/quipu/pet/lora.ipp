// What lora.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

#include <quipu/core/error.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/io/model_config.hpp>
#include <quipu/linear/site.hpp>
#include <quipu/optim/name_pattern.hpp>
#include <quipu/pet/lora.hpp>
#include <quipu/pet/peft_fields.hpp>
#include <quipu/pet/targets.hpp>

namespace quipu::pet {

QUIPU_INLINE bool lora::is_peft(peft_fields& fields) { return !fields.flag("use_dora"); }

QUIPU_INLINE lora lora::read_peft(peft_fields& fields, const io::model_config& c) {
  if (!is_peft(fields)) fail<format_error>(fields.at("use_dora"), "false; pet::dora reads the others", "true");
  return read_low_rank(fields, c);
}

QUIPU_INLINE lora lora::read_scales(peft_fields& fields) {
  lora policy;
  policy.rank = fields.size_or("r", policy.rank);
  policy.alpha = fields.number("lora_alpha", policy.alpha);
  policy.rs_lora = fields.flag("use_rslora");
  policy.rank_pattern = fields.patterns("rank_pattern");
  policy.alpha_pattern = fields.patterns("alpha_pattern");
  return policy;
}

QUIPU_INLINE void lora::write_peft(nlohmann::ordered_json& json, const io::model_config&) const {
  write_low_rank(json, false);
}

QUIPU_INLINE double lora::n_value(const io::model_config& c) const {
  const pattern_table ranks(rank_pattern);
  double n = 0;
  for_each_target(
      targets, c, "lora",
      [&](std::size_t, linear::projection_site, const std::string& name, std::size_t d_out, std::size_t d_in) {
        n += ranks(name, static_cast<double>(rank)) * static_cast<double>(d_out + d_in);
      });
  return n;
}

QUIPU_INLINE lora lora::read_low_rank(peft_fields& fields, const io::model_config& c) {
  // Biases, and what stands on the head or the embedding, are changes of the base: see `base_changes`.
  fields.understand({"megatron_core", "qalora_group_size", "eva_config", "runtime_config", "lora_bias",
                     "trainable_token_indices", "ensure_weight_tying"});
  // The other initialisations (PiSSA, OLoRA, CorDA, LoftQ, ...) change the base weights too.
  const std::string start = fields.initialisation("init_lora_weights");
  if (start != "true" && start != "false" && start != "gaussian" && start != "eva" && start != "orthogonal") {
    fail<format_error>(fields.at("init_lora_weights"), "one that leaves the base weights alone", printable(start));
  }
  const std::string bias = fields.text("bias", "none");
  if (bias != "none" && bias != "all" && bias != "lora_only") {
    fail<format_error>(fields.at("bias"), "none, all or lora_only", printable(bias));
  }
  lora policy = read_scales(fields);
  policy.dropout = fields.number("lora_dropout", 0);
  policy.targets = fields.layer_targets("target_modules", policy.targets, c);
  return policy;
}

QUIPU_INLINE void lora::write_low_rank(nlohmann::ordered_json& json, bool use_dora) const {
  json["r"] = rank;
  json["lora_alpha"] = peft_number(alpha);
  json["lora_dropout"] = dropout;
  json["target_modules"] = peft_targets(targets);
  json["rank_pattern"] = peft_patterns(rank_pattern);
  json["alpha_pattern"] = peft_patterns(alpha_pattern);
  json["use_rslora"] = rs_lora;
  json["use_dora"] = use_dora;
  json["bias"] = "none";
  json["fan_in_fan_out"] = false;
  json["init_lora_weights"] = true;
}

#if defined(QUIPU_COMPILED)
template class lora::module<float>;
#endif

}  // namespace quipu::pet
