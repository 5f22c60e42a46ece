// What prompt.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <quipu/io/model_config.hpp>
#include <quipu/pet/module.hpp>
#include <quipu/pet/peft_fields.hpp>
#include <quipu/pet/prompt.hpp>

namespace quipu::pet {

QUIPU_INLINE prompt prompt::read_peft(peft_fields& fields, const io::model_config& c) {
  fields.understand({"prompt_tuning_init", "prompt_tuning_init_text"});
  return {.n_virtual = read_virtual_tokens(fields, c, c.d_model)};
}

QUIPU_INLINE void prompt::write_peft(nlohmann::ordered_json& json, const io::model_config& c) const {
  write_virtual_tokens(json, n_virtual, c, c.d_model, c.n_head);
  json["prompt_tuning_init"] = "RANDOM";
}

#if defined(QUIPU_COMPILED)
template class prompt::module<float>;
#endif

}  // namespace quipu::pet
