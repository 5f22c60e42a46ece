// What dora.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <quipu/core/error.hpp>
#include <quipu/io/model_config.hpp>
#include <quipu/pet/dora.hpp>
#include <quipu/pet/lora.hpp>
#include <quipu/pet/peft_fields.hpp>

namespace quipu::pet {

QUIPU_INLINE dora dora::read_peft(peft_fields& fields, const io::model_config& c) {
  if (!is_peft(fields)) fail<format_error>(fields.at("use_dora"), "true; pet::lora reads the others", "false");
  return dora{read_low_rank(fields, c)};
}

QUIPU_INLINE void dora::write_peft(nlohmann::ordered_json& json, const io::model_config&) const {
  write_low_rank(json, true);
}

#if defined(QUIPU_COMPILED)
template class dora::module<float>;
#endif

}  // namespace quipu::pet
