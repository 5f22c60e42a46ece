// What prefix.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <quipu/io/model_config.hpp>
#include <quipu/pet/module.hpp>
#include <quipu/pet/peft_fields.hpp>
#include <quipu/pet/prefix.hpp>

namespace quipu::pet {

QUIPU_INLINE prefix prefix::read_peft(peft_fields& fields, const io::model_config& c) {
  fields.understand({"encoder_hidden_size", "prefix_projection", "init_weights"});
  return {.n_virtual = read_virtual_tokens(fields, c, c.d_kv())};
}

QUIPU_INLINE void prefix::write_peft(nlohmann::ordered_json& json, const io::model_config& c) const {
  write_virtual_tokens(json, n_virtual, c, c.d_kv(), c.n_kv_head);
  json["encoder_hidden_size"] = c.d_kv();
  json["prefix_projection"] = false;
}

#if defined(QUIPU_COMPILED)
template class prefix::module<float>;
#endif

}  // namespace quipu::pet
