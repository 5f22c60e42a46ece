/// @file PEFT's adapter folders, read and written: `adapter_config.json` and `adapter_model.safetensors`.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/core/compiled.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/mapped_file.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/core/scalar.hpp>  // bf16
#include <quipu/io/checked_size.hpp>  // show_shape
#include <quipu/io/checkpoint.hpp>    // tensor_view
#include <quipu/io/model_config.hpp>
#include <quipu/io/safetensors.hpp>
#include <quipu/io/tensor_values.hpp>
#include <quipu/optim/name_pattern.hpp>
#include <quipu/optim/parameter.hpp>
#include <quipu/pet/any_module.hpp>
#include <quipu/pet/base_changes.hpp>
#include <quipu/pet/kinds.hpp>
#include <quipu/pet/peft_fields.hpp>

namespace quipu::pet {

/// Policies of modules with virtual tokens, whose number is among the settings.
template <class P>
concept counts_virtual_tokens = requires(const P& policy) {
  { policy.n_virtual } -> std::convertible_to<std::size_t>;
};

/// Policies whose settings alone, such as a rank, say how many values a module has.
template <class P>
concept counts_values = requires(const P& policy, const io::model_config& c) {
  { policy.n_value(c) } -> std::same_as<double>;
};

/// What a module of a folder is for: the model as it is, or one that took the folder's `base_changes` already.
enum class base_state : std::uint8_t { as_it_is, changed };

/// An adapter folder that was opened for reading. Copies share the mapped tensors.
class peft_folder {
 public:
  /// @throws io_error      a file is not there
  /// @throws format_error  a file is not what its name says
  explicit peft_folder(const std::filesystem::path& folder);

  /// PEFT's `peft_type`: "LORA" (DoRA too), "IA3", "PROMPT_TUNING", "PREFIX_TUNING", "BEFT", ...
  [[nodiscard]] const std::string& kind() const noexcept { return kind_; }
  [[nodiscard]] bool uses_dora() const noexcept { return uses_dora_; }
  [[nodiscard]] const std::string& base_model() const noexcept { return base_model_; }
  /// Names of whole modules in the folder beside the adapter, such as heads.
  [[nodiscard]] const std::vector<std::string>& modules_to_save() const noexcept { return modules_to_save_; }
  [[nodiscard]] const io::safetensors_file& tensors() const noexcept { return tensors_; }

  /// Whether the folder is of a policy's kind.
  template <class Policy>
  [[nodiscard]] bool is() const {
    if (kind_ != Policy::peft_type) return false;
    if constexpr (shares_peft_type<Policy>) {
      peft_fields fields(config_, config_path_);
      return Policy::is_peft(fields);
    }
    return true;
  }

  /// The settings, for a model of config `c`.
  /// @throws format_error  another kind, settings for another architecture, or a key that may change the
  ///                       mathematics and that is not known
  template <class Policy>
  [[nodiscard]] Policy policy(const io::model_config& c) const {
    static_assert((explain_peft_policy<Policy>(), true));
    peft_fields fields(config_, config_path_);
    if (kind_ != Policy::peft_type) fail<format_error>(fields.at("peft_type"), Policy::peft_type, printable(kind_));
    Policy found = Policy::read_peft(fields, c);
    fields.refuse_others();
    return found;
  }

  /// What the adapter changes of the model besides its module; often nothing.
  /// @throws format_error  see `find_base_changes`
  [[nodiscard]] pet::base_changes base_changes(const io::model_config& c) const;

  /// The module with its values.
  /// @throws format_error  as `policy`; tensors that are missing, of other shapes, or left over; changes of the base,
  ///                       unless `base` says that they were made
  template <class Policy, class Scalar>
  [[nodiscard]] typename Policy::template module<Scalar> module(const io::model_config& c,
                                                                base_state base = base_state::as_it_is) const {
    const Policy chosen = policy<Policy>(c);
    const pet::base_changes changes = base_changes(c);
    if (base == base_state::as_it_is && !changes.empty()) {
      fail<format_error>(tensors_.path(), "an adapter that leaves the model's own tensors alone",
                         concat("one that changes ", changes.first(), " (llama::with_adapter applies both)"));
    }
    if constexpr (counts_virtual_tokens<Policy>) {  // before memory is taken for them
      const auto& rows = tensors_.at("prompt_embeddings").shape;
      if (rows.empty() || rows[0] != chosen.n_virtual) {
        fail<format_error>(concat(tensors_.path(), ": prompt_embeddings"),
                           concat(chosen.n_virtual, " rows, as num_virtual_tokens says"), io::show_shape(rows));
      }
    }
    if constexpr (counts_values<Policy>) refuse_unseen(as_format_errors([&] { return chosen.n_value(c); }));
    auto made = as_format_errors([&] { return typename Policy::template module<Scalar>(chosen, c, 0); });
    read<Scalar>(made.parameters());
    refuse_left_over<Scalar>(made.parameters(), changes);
    return made;
  }

  /// Fills parameters from the tensors of their names.
  /// @throws format_error  a tensor that is not there or has another shape or no numbers
  template <class Scalar>
  void read(std::span<const optim::parameter<Scalar>> parameters) const {
    for (const optim::parameter<Scalar>& p : parameters) {
      const io::tensor_view& stored = tensors_.at(p.name);
      const std::string place = concat(tensors_.path(), ": ", p.name);
      if (stored.shape != p.shape)
        fail<format_error>(place, concat("shape ", io::show_shape(p.shape)), io::show_shape(stored.shape));
      if (!is_weight_type(stored.type)) fail<format_error>(place, "F64, F32, F16 or BF16", name_of(stored.type));
      const auto values = io::values_of<Scalar>(stored);
      std::copy(values.begin(), values.end(), p.value);
    }
  }

 private:

  // Settings that make no sense come from the file here.
  template <class Make>
  [[nodiscard]] auto as_format_errors(Make&& make) const {
    try {
      return make();
    } catch (const config_error& problem) {
      throw format_error(concat(config_path_, ": ", problem.what()));
    }
  }

  // Memory for a module is taken only if the file has about as many values: a rank is a few bytes.
  void refuse_unseen(double n_value) const;

  // Tensors of modules_to_save and changes of the base may stand beside those of the adapter, nothing else.
  template <class Scalar>
  void refuse_left_over(std::span<const optim::parameter<Scalar>> parameters, const pet::base_changes& changes) const {
    const optim::name_pattern saved = optim::name_pattern::suffixes(modules_to_save_);
    std::set<std::string_view> read;
    for (const optim::parameter<Scalar>& p : parameters) read.insert(p.name);
    for (const auto& entry : tensors_.tensors()) {
      const std::string& name = entry.first;
      const std::string_view owner = std::string_view(name).substr(0, std::min(name.rfind('.'), name.size()));
      if (!saved(owner) && !changes.tensors.contains(name) && !read.contains(name)) {
        fail<format_error>(tensors_.path(), "tensors of this adapter on this model alone", printable(name));
      }
    }
  }

  std::string config_path_;
  std::shared_ptr<const peft_fields::document> config_;
  io::safetensors_file tensors_;
  std::string kind_, base_model_;
  bool uses_dora_ = false;
  std::vector<std::string> modules_to_save_;
};

/// Reads the module of a folder in one step.
template <class Policy, class Scalar>
[[nodiscard]] typename Policy::template module<Scalar> load_peft(const std::filesystem::path& folder,
                                                                 const io::model_config& c,
                                                                 base_state base = base_state::as_it_is) {
  return peft_folder(folder).module<Policy, Scalar>(c, base);
}

/// Reads a folder of one of a list's kinds, and calls f(module) with the module.
/// @throws format_error  as `peft_folder::module`, or a kind that is not in the list
template <class Scalar, class Kinds = kinds, class F>
void visit_peft(const peft_folder& folder, const io::model_config& c, F&& f, base_state base = base_state::as_it_is) {
  std::vector<std::string_view> known;
  const bool found = Kinds::any_of([&]<class Policy>() {
    if (std::find(known.begin(), known.end(), Policy::peft_type) == known.end()) known.push_back(Policy::peft_type);
    if (!folder.is<Policy>()) return false;
    f(folder.module<Policy, Scalar>(c, base));
    return true;
  });
  if (found) return;
  std::string names;
  for (std::size_t i = 0; i < known.size(); ++i)
    names += concat(i == 0 ? "" : i + 1 == known.size() ? " or " : ", ", known[i]);
  fail<format_error>(folder.tensors().path(), concat("an adapter of kind ", names), printable(folder.kind()));
}

/// The module of a folder, of whatever kind it is.
/// @throws format_error  as `visit_peft`
template <class Scalar, class Kinds = kinds>
[[nodiscard]] any_module<Scalar, Kinds> load_any_peft(const std::filesystem::path& folder, const io::model_config& c,
                                                      base_state base = base_state::as_it_is) {
  std::optional<any_module<Scalar, Kinds>> made;
  visit_peft<Scalar, Kinds>(peft_folder(folder), c, [&](auto module) { made.emplace(std::move(module)); }, base);
  return std::move(*made);
}

struct peft_options {
  std::string base_model{};                    ///< name or path of the model, for PEFT; may be empty
  std::string task_type = "CAUSAL_LM";
  std::vector<std::string> modules_to_save{};  ///< modules that `extra` belongs to, such as "score"
  bool bf16 = false;                           ///< values rounded to bf16: half the size, what inference needs
};

namespace detail {

/// The settings that every kind has.
[[nodiscard]] nlohmann::ordered_json common_peft_settings(std::string_view kind, const peft_options& options);

/// Writes the files of `save_peft`.
void write_peft_files(const std::filesystem::path& folder, const nlohmann::ordered_json& settings,
                      const std::map<std::string, io::tensor_view, std::less<>>& tensors);

}  // namespace detail

/// Writes a module as a folder that PEFT opens, tensors and settings as one (`io::atomic_folder`).
///
/// @param c      of the model under it
/// @param extra  parameters beside the adapter, such as a head's
/// @throws io_error  the folder cannot be written
template <class Module>
void save_peft(const std::filesystem::path& folder, const Module& module, const io::model_config& c,
               const peft_options& options = {},
               std::type_identity_t<std::span<const optim::parameter<typename Module::scalar_type>>> extra = {}) {
  using scalar = typename Module::scalar_type;
  using policy = typename Module::policy_type;
  static_assert((explain_peft_policy<policy>(), true));
  nlohmann::ordered_json json = detail::common_peft_settings(policy::peft_type, options);
  module.policy().write_peft(json, c);
  std::map<std::string, io::tensor_view, std::less<>> tensors;
  std::list<std::vector<bf16>> rounded;
  const auto add = [&](std::span<const optim::parameter<scalar>> parameters) {
    for (const optim::parameter<scalar>& p : parameters) {
      if (options.bf16) {
        std::vector<bf16>& values = rounded.emplace_back();
        for (std::size_t i = 0; i < p.size(); ++i) values.emplace_back(static_cast<float>(p.value[i]));
        tensors[p.name] = {tensor_type::bf16, p.shape, std::as_bytes(std::span<const bf16>(values))};
        continue;
      }
      tensors[p.name] = {sizeof(scalar) == 8 ? tensor_type::f64 : tensor_type::f32, p.shape,
                         std::as_bytes(std::span<const scalar>(p.value, p.size()))};
    }
  };
  add(module.parameters());
  add(extra);
  detail::write_peft_files(folder, json, tensors);
}

#if defined(QUIPU_COMPILED)
extern template lora::module<float> peft_folder::module<lora, float>(const io::model_config&, base_state) const;
extern template dora::module<float> peft_folder::module<dora, float>(const io::model_config&, base_state) const;
extern template ia3::module<float> peft_folder::module<ia3, float>(const io::model_config&, base_state) const;
extern template bitfit::module<float> peft_folder::module<bitfit, float>(const io::model_config&, base_state) const;
extern template prompt::module<float> peft_folder::module<prompt, float>(const io::model_config&, base_state) const;
extern template prefix::module<float> peft_folder::module<prefix, float>(const io::model_config&, base_state) const;
extern template bottleneck<activation::silu>::module<float> peft_folder::module<bottleneck<activation::silu>, float>(
    const io::model_config&, base_state) const;
extern template bottleneck<activation::relu>::module<float> peft_folder::module<bottleneck<activation::relu>, float>(
    const io::model_config&, base_state) const;
extern template any_module<float> load_any_peft<float>(const std::filesystem::path&, const io::model_config&,
                                                        base_state);
#endif

}  // namespace quipu::pet

#if !defined(QUIPU_COMPILED)
#include <quipu/pet/peft_folder.ipp>
#endif
