// What bitfit.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <quipu/pet/bitfit.hpp>
#include <quipu/pet/peft_fields.hpp>

namespace quipu::pet {

QUIPU_INLINE bitfit bitfit::read_peft(peft_fields& fields, const io::model_config& c) {
  fields.understand({"init_weights"});
  return {fields.layer_targets("target_modules", optim::name_pattern::suffixes({"v_proj"}), c)};
}

QUIPU_INLINE void bitfit::write_peft(nlohmann::ordered_json& json, const io::model_config&) const {
  json["target_modules"] = peft_targets(targets);
  json["init_weights"] = true;
}

#if defined(QUIPU_COMPILED)
template class bitfit::module<float>;
#endif

}  // namespace quipu::pet
