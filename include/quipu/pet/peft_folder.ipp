// What peft_folder.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include <quipu/core/mapped_file.hpp>
#include <quipu/io/model_config.hpp>
#include <quipu/io/safetensors.hpp>
#include <quipu/pet/base_changes.hpp>
#include <quipu/pet/peft_base_changes.hpp>
#include <quipu/pet/peft_fields.hpp>
#include <quipu/pet/peft_folder.hpp>

namespace quipu::pet {

QUIPU_INLINE peft_folder::peft_folder(const std::filesystem::path& folder)
    : config_path_((folder / "adapter_config.json").string()), config_(read_text(config_path_)),
      tensors_((folder / "adapter_model.safetensors").string()) {
  peft_fields fields(config_, config_path_);
  kind_ = fields.kind();
  uses_dora_ = fields.flag("use_dora");
  base_model_ = fields.base_model();
  modules_to_save_ = fields.modules_to_save();
}

QUIPU_INLINE pet::base_changes peft_folder::base_changes(const io::model_config& c) const {
  peft_fields fields(config_, config_path_);
  return find_base_changes(fields, tensors_, c);
}

QUIPU_INLINE std::string peft_folder::read_text(const std::string& path) {
  return std::string(mapped_file(path).text());
}

#if defined(QUIPU_COMPILED)
template lora::module<float> peft_folder::module<lora, float>(const io::model_config&, base_state) const;
template dora::module<float> peft_folder::module<dora, float>(const io::model_config&, base_state) const;
template ia3::module<float> peft_folder::module<ia3, float>(const io::model_config&, base_state) const;
template bitfit::module<float> peft_folder::module<bitfit, float>(const io::model_config&, base_state) const;
template prompt::module<float> peft_folder::module<prompt, float>(const io::model_config&, base_state) const;
template prefix::module<float> peft_folder::module<prefix, float>(const io::model_config&, base_state) const;
template bottleneck<activation::silu>::module<float> peft_folder::module<bottleneck<activation::silu>, float>(
    const io::model_config&, base_state) const;
template bottleneck<activation::relu>::module<float> peft_folder::module<bottleneck<activation::relu>, float>(
    const io::model_config&, base_state) const;
template any_module<float> load_any_peft<float>(const std::filesystem::path&, const io::model_config&, base_state);
#endif

}  // namespace quipu::pet
