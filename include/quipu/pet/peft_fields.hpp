/// @file Reading PEFT's `adapter_config.json`: what is known, what does not matter, what must be refused.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/core/compiled.hpp>
#include <quipu/io/json_fields.hpp>
#include <quipu/io/model_config.hpp>
#include <quipu/optim/name_pattern.hpp>
#include <quipu/pet/targets.hpp>  // pattern_value

namespace quipu::pet {

/// The fields of one `adapter_config.json`. Every key that is read counts as understood; `refuse_others` then
/// throws for keys that are switched on and were not read, since they may change the mathematics.
class peft_fields {
 public:
  /// A file's text and what it says, read once for any number of `peft_fields`.
  struct document {
    std::string text;
    nlohmann::json json;
  };
  /// @throws format_error  not JSON with every key once
  [[nodiscard]] static std::shared_ptr<const document> read(std::string_view text, const std::string& place);

  /// @throws format_error  the document is no object
  peft_fields(std::shared_ptr<const document> from, std::string place);
  /// @throws format_error  as `read`
  peft_fields(std::string_view text, const std::string& place) : peft_fields(read(text, place), place) {}
  peft_fields(const peft_fields&) = delete;
  peft_fields& operator=(const peft_fields&) = delete;
  ~peft_fields();

  /// "LORA", "IA3", ...
  [[nodiscard]] std::string kind() const;
  [[nodiscard]] const std::string& place() const noexcept { return fields_.place(); }
  [[nodiscard]] std::string at(const char* key) const { return fields_.at(key); }
  [[nodiscard]] std::string base_model() const;
  [[nodiscard]] std::vector<std::string> modules_to_save() const;

  /// Whether a key is there and not null, false or empty.
  [[nodiscard]] bool has(const char* key);
  /// Keys that have no effect on a trained module, such as how it was initialised.
  void understand(std::initializer_list<const char*> keys);

  [[nodiscard]] bool flag(const char* key, bool otherwise = false);
  [[nodiscard]] double number(const char* key, double otherwise);
  [[nodiscard]] std::size_t size(const char* key);
  [[nodiscard]] std::size_t size_or(const char* key, std::size_t otherwise);
  [[nodiscard]] std::string text(const char* key, std::string otherwise);

  /// A key that is a flag or a word, as a word.
  [[nodiscard]] std::string initialisation(const char* key);
  /// A key that must have one value if it is there at all.
  void expect(const char* key, std::string_view wanted);
  void expect(const char* key, std::size_t wanted);

  /// Module names: a list of endings, or one regular expression. `otherwise` if it is null or absent.
  [[nodiscard]] optim::name_pattern targets(const char* key, optim::name_pattern otherwise);

  /// The linear layers that `targets` chooses, without those of `exclude_modules` and of the layers that
  /// `layers_to_transform` leaves out. Source: PEFT 0.21, tuners_utils.py, check_target_module_exists.
  /// @throws format_error  as `targets`; a layer that the model does not have, or no linear layer is left
  [[nodiscard]] optim::name_pattern layer_targets(const char* key, optim::name_pattern otherwise,
                                                  const io::model_config& c);

  /// A number or a list of numbers below `limit`, if the key is there.
  [[nodiscard]] std::optional<std::vector<std::size_t>> numbers(const char* key, std::size_t limit);

  /// Ids of `trainable_token_indices` for a module: a list is for the embedding, an object says of which module.
  [[nodiscard]] std::vector<std::size_t> token_indices(const char* module);

  /// {"pattern": number, ...} in the order of the file.
  [[nodiscard]] std::vector<pattern_value> patterns(const char* key);

  /// @throws format_error  a key that is switched on (not null, false or empty) and that nobody asked for
  void refuse_others() const;

 private:
  static constexpr std::size_t largest_token = std::size_t{1} << 31;

  [[nodiscard]] std::vector<std::size_t> numbers_of(const char* key, const nlohmann::json& list,
                                                    std::size_t limit) const;

  const io::json_fields& known(const char* key);
  [[nodiscard]] std::vector<std::string> texts(const char* key) const;

  std::shared_ptr<const document> document_;
  io::json_fields fields_;
  std::set<std::string, std::less<>> understood_;
};

/// A pattern as PEFT writes it.
[[nodiscard]] nlohmann::ordered_json peft_targets(const optim::name_pattern& pattern);
/// A number without a fraction if it has none: PEFT's ranks are integers.
[[nodiscard]] nlohmann::ordered_json peft_number(double value);
[[nodiscard]] nlohmann::ordered_json peft_patterns(const std::vector<pattern_value>& patterns);

/// Fields that prompt and prefix tuning have in common. @return the number of virtual tokens
[[nodiscard]] std::size_t read_virtual_tokens(peft_fields& fields, const io::model_config& c, std::size_t token_dim);
void write_virtual_tokens(nlohmann::ordered_json& json, std::size_t n_virtual, const io::model_config& c,
                          std::size_t token_dim, std::size_t n_head);

}  // namespace quipu::pet

#if !defined(QUIPU_COMPILED)
#include <quipu/pet/peft_fields.ipp>
#endif
