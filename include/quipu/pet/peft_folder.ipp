// What peft_folder.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include <quipu/core/error.hpp>
#include <quipu/core/mapped_file.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/io/atomic_file.hpp>
#include <quipu/io/atomic_folder.hpp>
#include <quipu/io/checkpoint.hpp>  // tensor_view
#include <quipu/io/model_config.hpp>
#include <quipu/io/safetensors.hpp>
#include <quipu/io/safetensors_writer.hpp>
#include <quipu/pet/base_changes.hpp>
#include <quipu/pet/peft_base_changes.hpp>
#include <quipu/pet/peft_fields.hpp>
#include <quipu/pet/peft_folder.hpp>

namespace quipu::pet {

QUIPU_INLINE peft_folder::peft_folder(const std::filesystem::path& folder)
    : config_path_((folder / "adapter_config.json").string()), config_(peft_fields::read(mapped_file(config_path_).text(), config_path_)),
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

QUIPU_INLINE void peft_folder::refuse_unseen(double n_value) const {
  constexpr double most_unseen = 1 << 18;  // small modules are made, so that the error names the tensor that is wrong
  double n_found = 0;
  for (const auto& [name, tensor] : tensors_.tensors()) n_found += static_cast<double>(tensor.n_element());
  if (n_value <= n_found + most_unseen) return;
  fail<format_error>(tensors_.path(),
                     concat(static_cast<std::uint64_t>(std::min(n_value, 1e18)), " values, as ", config_path_, " says"),
                     static_cast<std::uint64_t>(n_found));
}

namespace detail {

QUIPU_INLINE nlohmann::ordered_json common_peft_settings(std::string_view kind, const peft_options& options) {
  nlohmann::ordered_json json;
  json["peft_type"] = std::string(kind);
  json["task_type"] = options.task_type;
  json["base_model_name_or_path"] =
      options.base_model.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(options.base_model);
  json["inference_mode"] = true;
  json["modules_to_save"] =
      options.modules_to_save.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(options.modules_to_save);
  return json;
}

QUIPU_INLINE void write_peft_files(const std::filesystem::path& folder, const nlohmann::ordered_json& settings,
                                   const std::map<std::string, io::tensor_view, std::less<>>& tensors) {
  std::string text;
  try {
    text = settings.dump(1);
  } catch (const nlohmann::json::exception& problem) {
    fail<config_error>("save_peft: names", "UTF-8", printable(problem.what()));
  }
  io::atomic_folder both(folder);
  io::write_safetensors((both.path() / "adapter_model.safetensors").string(), tensors, {{"format", "pt"}});
  io::write_text((both.path() / "adapter_config.json").string(), text);
  both.commit("adapter_config.json");
}

}  // namespace detail

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
