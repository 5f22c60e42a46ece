// What peft_fields.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/core/error.hpp>
#include <quipu/core/json_text.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/io/json_fields.hpp>
#include <quipu/io/model_config.hpp>
#include <quipu/io/tensor_names.hpp>
#include <quipu/linear/site.hpp>
#include <quipu/optim/name_pattern.hpp>
#include <quipu/pet/peft_fields.hpp>
#include <quipu/pet/targets.hpp>  // pattern_value

namespace quipu::pet {

QUIPU_INLINE std::shared_ptr<const peft_fields::document> peft_fields::read(std::string_view text,
                                                                            const std::string& place) {
  return std::make_shared<const document>(document{std::string(text), parse_json(text, place)});
}

QUIPU_INLINE peft_fields::peft_fields(std::shared_ptr<const document> from, std::string place)
    : document_(std::move(from)), fields_(document_->json, std::move(place)) {
  understand({"peft_type", "peft_version", "auto_mapping", "base_model_name_or_path", "revision", "task_type",
              "inference_mode", "modules_to_save"});
}

QUIPU_INLINE peft_fields::~peft_fields() = default;

QUIPU_INLINE std::string peft_fields::kind() const {
  std::string kind = fields_.text_or("peft_type", "");
  if (kind.empty()) fail<format_error>(fields_.at("peft_type"), "the kind of an adapter, such as LORA", "nothing");
  return kind;
}

QUIPU_INLINE std::string peft_fields::base_model() const { return fields_.text_or("base_model_name_or_path", ""); }

QUIPU_INLINE std::vector<std::string> peft_fields::modules_to_save() const { return texts("modules_to_save"); }

QUIPU_INLINE bool peft_fields::has(const char* key) {
  const nlohmann::json* field = known(key).find(key);
  return field != nullptr && !field->empty() && !(field->is_boolean() && !field->get<bool>());
}

QUIPU_INLINE void peft_fields::understand(std::initializer_list<const char*> keys) {
  understood_.insert(keys.begin(), keys.end());
}

QUIPU_INLINE bool peft_fields::flag(const char* key, bool otherwise) { return known(key).flag_or(key, otherwise); }

QUIPU_INLINE double peft_fields::number(const char* key, double otherwise) {
  return known(key).number_or(key, otherwise);
}

QUIPU_INLINE std::size_t peft_fields::size(const char* key) { return known(key).size(key); }

QUIPU_INLINE std::size_t peft_fields::size_or(const char* key, std::size_t otherwise) {
  return known(key).size_or(key, otherwise);
}

QUIPU_INLINE std::string peft_fields::text(const char* key, std::string otherwise) {
  return known(key).text_or(key, std::move(otherwise));
}

QUIPU_INLINE std::string peft_fields::initialisation(const char* key) {
  const nlohmann::json* field = known(key).find(key);
  if (field != nullptr && field->is_boolean()) return field->get<bool>() ? "true" : "false";
  return fields_.text_or(key, "true");
}

QUIPU_INLINE void peft_fields::expect(const char* key, std::string_view wanted) {
  const std::string found = text(key, std::string(wanted));
  if (found != wanted) fail<format_error>(at(key), wanted, printable(found));
}

QUIPU_INLINE void peft_fields::expect(const char* key, std::size_t wanted) {
  const std::size_t found = size_or(key, wanted);
  if (found != wanted) fail<format_error>(at(key), wanted, found);
}

QUIPU_INLINE optim::name_pattern peft_fields::targets(const char* key, optim::name_pattern otherwise) {
  const nlohmann::json* field = known(key).find(key);
  if (field == nullptr) return otherwise;
  if (!field->is_string()) return optim::name_pattern::suffixes(texts(key));
  const auto& expression = field->get_ref<const std::string&>();
  if (expression == "all-linear") return optim::name_pattern::all();
  try {
    return optim::name_pattern::regex(expression);
  } catch (const config_error& problem) {
    throw format_error(concat(at(key), ": ", problem.what()));
  }
}

QUIPU_INLINE optim::name_pattern peft_fields::layer_targets(const char* key, optim::name_pattern otherwise,
                                                            const io::model_config& c) {
  optim::name_pattern chosen = targets(key, std::move(otherwise));
  const optim::name_pattern excluded = targets("exclude_modules", optim::name_pattern::none());
  const std::optional<std::vector<std::size_t>> layers = numbers("layers_to_transform", c.n_layer);
  const bool excludes = excluded.is_regex() || !excluded.endings().empty();
  if (known("layers_pattern").find("layers_pattern") != nullptr && layers) {
    const nlohmann::json& pattern = *fields_.find("layers_pattern");
    const bool fits = pattern.is_array() ? std::find(pattern.begin(), pattern.end(), "layers") != pattern.end()
                                         : pattern == "layers" || pattern == "";
    if (!fits && !pattern.empty()) {
      fields_.refuse("layers_pattern", "\"layers\", where a LLaMA has its blocks", pattern);
    }
  }
  if (!excludes && !layers) return chosen;
  std::vector<std::string> names;
  for (std::size_t layer = 0; layer < c.n_layer; ++layer) {
    if (layers && std::find(layers->begin(), layers->end(), layer) == layers->end()) continue;
    for (const linear::projection_site site : linear::projection_sites) {
      std::string name = io::layer_name(layer, linear::name_of(site));
      if (chosen(name) && !excluded(name)) names.push_back(std::move(name));
    }
  }
  if (names.empty()) {
    fail<format_error>(at(excludes ? "exclude_modules" : "layers_to_transform"),
                       concat("some linear layers of ", key, " left"), "none");
  }
  return optim::name_pattern::suffixes(std::move(names));
}

QUIPU_INLINE std::optional<std::vector<std::size_t>> peft_fields::numbers(const char* key, std::size_t limit) {
  const nlohmann::json* field = known(key).find(key);
  if (field == nullptr) return std::nullopt;
  return numbers_of(key, field->is_array() ? *field : nlohmann::json::array({*field}), limit);
}

QUIPU_INLINE std::vector<std::size_t> peft_fields::token_indices(const char* module) {
  const char* key = "trainable_token_indices";
  const nlohmann::json* field = known(key).find(key);
  if (field != nullptr && field->is_object()) {
    for (const auto& [name, ids] : field->items()) {
      if (optim::name_pattern::ends_in(name, module)) return numbers_of(key, ids, largest_token);
    }
    return {};
  }
  return field == nullptr || module != std::string_view("embed_tokens") ? std::vector<std::size_t>()
                                                                        : numbers_of(key, *field, largest_token);
}

QUIPU_INLINE std::vector<pattern_value> peft_fields::patterns(const char* key) {
  std::vector<pattern_value> found;
  const nlohmann::json* field = known(key).find(key);
  if (field == nullptr) return found;
  if (!field->is_object()) fields_.refuse(key, "an object of numbers", *field);
  for (std::string& pattern : json_keys_in_order(document_->text, key)) {
    const nlohmann::json& value = field->at(pattern);
    if (!value.is_number())
      fail<format_error>(concat(at(key), ": ", printable(pattern)), "a number", value.type_name());
    found.push_back({std::move(pattern), value.get<double>()});
  }
  return found;
}

QUIPU_INLINE void peft_fields::refuse_others() const {
  for (const auto& [key, value] : document_->json.items()) {
    if (understood_.count(key) > 0 || value.is_null() || (value.is_boolean() && !value.get<bool>()) ||
        value.empty() || (value.is_string() && value.get_ref<const std::string&>().empty())) {
      continue;
    }
    fail<format_error>(concat(place(), ": ", printable(key)),
                       "nothing, since quipu does not know what this setting means for this kind of adapter",
                       concat(
                           printable(value.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace)).substr(0, 80),
                           " (merge the adapter with PEFT and load the result)"));
  }
}

QUIPU_INLINE std::vector<std::size_t> peft_fields::numbers_of(const char* key, const nlohmann::json& list,
                                                              std::size_t limit) const {
  if (!list.is_array()) fields_.refuse(key, "a list of numbers", list);
  std::vector<std::size_t> found;
  for (const nlohmann::json& number : list) {
    if (!number.is_number_unsigned() || number.get<std::uint64_t>() >= limit) {
      fields_.refuse(key, concat("numbers below ", limit).c_str(), number);
    }
    found.push_back(number.get<std::size_t>());
  }
  return found;
}

QUIPU_INLINE const io::json_fields& peft_fields::known(const char* key) {
  understood_.insert(key);
  return fields_;
}

QUIPU_INLINE std::vector<std::string> peft_fields::texts(const char* key) const {
  std::vector<std::string> found;
  const nlohmann::json* field = fields_.find(key);
  if (field == nullptr) return found;
  if (!field->is_array()) fields_.refuse(key, "a list of names", *field);
  for (const nlohmann::json& name : *field) {
    if (!name.is_string()) fail<format_error>(at(key), "a list of names", name.type_name());
    found.push_back(name.get<std::string>());
  }
  return found;
}

QUIPU_INLINE nlohmann::ordered_json peft_targets(const optim::name_pattern& pattern) {
  if (pattern.is_regex()) return pattern.expression();
  if (!pattern.is_all()) return pattern.endings();
  auto names = nlohmann::ordered_json::array();
  for (const linear::projection_site site : linear::projection_sites) {
    const std::string_view name = linear::name_of(site);
    names.push_back(std::string(name.substr(name.find('.') + 1)));
  }
  return names;
}

QUIPU_INLINE nlohmann::ordered_json peft_number(double value) {
  if (value == std::floor(value) && std::abs(value) < 1e15) return static_cast<std::int64_t>(value);
  return value;
}

QUIPU_INLINE nlohmann::ordered_json peft_patterns(const std::vector<pattern_value>& patterns) {
  auto object = nlohmann::ordered_json::object();
  for (const pattern_value& p : patterns) object[p.pattern] = peft_number(p.value);
  return object;
}

QUIPU_INLINE std::size_t read_virtual_tokens(peft_fields& fields, const io::model_config& c, std::size_t token_dim) {
  fields.understand({"num_attention_heads", "tokenizer_kwargs", "tokenizer_name_or_path"});
  fields.expect("num_layers", c.n_layer);
  fields.expect("token_dim", token_dim);
  fields.expect("num_transformer_submodules", 1);
  return fields.size("num_virtual_tokens");
}

QUIPU_INLINE void write_virtual_tokens(nlohmann::ordered_json& json, std::size_t n_virtual, const io::model_config& c,
                                       std::size_t token_dim, std::size_t n_head) {
  json["num_virtual_tokens"] = n_virtual;
  json["num_layers"] = c.n_layer;
  json["token_dim"] = token_dim;
  json["num_attention_heads"] = n_head;
  json["num_transformer_submodules"] = 1;
}

}  // namespace quipu::pet
