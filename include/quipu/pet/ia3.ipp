// What ia3.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <quipu/pet/ia3.hpp>
#include <quipu/pet/peft_fields.hpp>

namespace quipu::pet {

QUIPU_INLINE ia3 ia3::read_peft(peft_fields& fields, const io::model_config& c) {
  fields.understand({"init_ia3_weights"});
  ia3 policy;
  policy.targets = fields.layer_targets("target_modules", policy.targets, c);
  policy.feedforward = fields.targets("feedforward_modules", policy.feedforward);
  return policy;
}

QUIPU_INLINE void ia3::write_peft(nlohmann::ordered_json& json, const io::model_config&) const {
  json["target_modules"] = peft_targets(targets);
  json["feedforward_modules"] = peft_targets(feedforward);
  json["fan_in_fan_out"] = false;
  json["init_ia3_weights"] = true;
}

#if defined(QUIPU_COMPILED)
template class ia3::module<float>;
#endif

}  // namespace quipu::pet
