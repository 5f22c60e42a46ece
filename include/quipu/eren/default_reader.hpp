/// @file The reader that an editor takes by itself: one that was taught for the model, where there is one, else the extractive.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <quipu/core/compiled.hpp>
#include <quipu/core/error.hpp>  // concat
#include <quipu/eren/gate/default_gate.hpp>
#include <quipu/eren/gate/gate_model.hpp>
#include <quipu/eren/reading/adapter_of_module.hpp>
#include <quipu/eren/reading/extractive_reader.hpp>
#include <quipu/eren/reading/read_prompts.hpp>
#include <quipu/eren/reading/reader.hpp>
#include <quipu/eren/reading/reading_session.hpp>
#include <quipu/eren/reading/span_reader.hpp>
#include <quipu/io/model_config.hpp>
#include <quipu/llama/model_family.hpp>
#include <quipu/pet/lora.hpp>

namespace quipu::eren {

/// The gate's file in the folder of a taught reader, beside PEFT's two.
inline constexpr const char* reader_gate_file = "gate.json";

/// Models in f32 whose sessions take modules, as a taught reader is one.
template <class Model, class Module>
concept takes_module = requires(typename reading_session<Model>::session_type& s, const Module& module, const Model& m) {
  requires std::same_as<typename reading_session<Model>::scalar_type, typename Module::scalar_type>;
  s.workspace();
  create_with(s, module);
  { m.config() } -> std::convertible_to<const io::model_config&>;
  bind_base(const_cast<Module&>(module), m);
};

namespace detail {

/// A taught reader in its folder.
struct reader_folder {
  std::filesystem::path path;
  pet::lora::module<float> module;
};

/// The first reader, by name, whose gate names the family.
/// @param folder  of one reader, or of several
/// @throws io_error, format_error  a gate file, or the module of that reader, is damaged
std::optional<reader_folder> find_reader(const std::filesystem::path& folder, const std::string& family,
                                         const io::model_config& c);
/// The gate in a reader's folder.
/// @throws io_error, format_error, config_error  as `load_gate`, the tokenizer's key aside: the family has it
gate_model load_reader_gate(const std::filesystem::path& folder, const std::string& family, const std::string& identity);

}  // namespace detail

/// Reads by a taught reader (`09_train_reader`) if one of a folder was made for the model, else by the extractive one.
class default_reader {
 public:
  using module_type = pet::lora::module<float>;
  using taught_type = basic_span_reader<plain_note_prompt, module_adapter<module_type>>;
  using default_gate = eren::default_gate;
  static constexpr note_grouping grouping = note_grouping::one_by_one;
  static constexpr std::size_t n_note = 1;
  static constexpr bool reads_jointly = false;

  default_reader() = default;

  /// @param folder  of one reader, or of several, each in a folder of its own; none need be there
  /// @throws io_error, format_error  a gate file, or the reader that was made for the model, is damaged
  /// @throws config_error            its gate was fitted with another adapter
  template <class Model>
  [[nodiscard]] static default_reader made_for(const Model& model, const std::filesystem::path& folder) {
    default_reader made;
    if constexpr (takes_module<Model, module_type>) {
      if (folder.empty()) return made;
      const std::string family = llama::model_family(model);
      auto found = detail::find_reader(folder, family, model.config());
      if (!found) {
        made.why_ = concat("no taught reader for this model in ", folder.string());
        return made;
      }
      made.taught_.emplace(taught_type({}, {}, module_adapter<module_type>(std::move(found->module), model)));
      made.gate_ = detail::load_reader_gate(found->path, family, made.taught_->identity());
      made.why_ = concat("the taught reader of ", found->path.string());
    } else {
      made.why_ = "this model's sessions take no adapter in f32";
    }
    return made;
  }

  template <class Session>
  [[nodiscard]] std::vector<reading> read(Session& session, std::span<const reading_task> tasks,
                                          const reading_wishes& wishes = {}) const {
    if constexpr (takes_module<typename Session::model_type, module_type>) {
      if (taught_) return taught_->read(session, tasks, wishes);
    }
    return extractive_.read(session, tasks, wishes);
  }
  [[nodiscard]] std::string identity() const { return taught_ ? taught_->identity() : extractive_.identity(); }
  [[nodiscard]] bool is_taught() const noexcept { return taught_.has_value(); }
  /// Was it taught questions in two steps? (`chaining_reader`)
  [[nodiscard]] bool chains() const noexcept { return is_taught(); }
  /// What reads, and why, for people.
  [[nodiscard]] std::string basis() const { return taught_ ? why_ : concat("the extractive reader (", why_, ")"); }
  [[nodiscard]] const std::optional<gate_model>& fitted_gate() const noexcept { return gate_; }

 private:
  extractive_reader extractive_;
  std::optional<taught_type> taught_;
  std::optional<gate_model> gate_;
  std::string why_ = "no folder of taught readers was given";
};

namespace detail {

// What an editor makes of a reader and a gate that it was not given.
template <class Reader, class Model>
[[nodiscard]] Reader reader_for(const Model& model, const std::string& folder) {
  if constexpr (reader_made_for<Reader, Model>) return Reader::made_for(model, folder);
  else return Reader();
}
template <class Gate, class Model, class Reader>
[[nodiscard]] Gate gate_for(const Model& model, const Reader& reader) {
  if constexpr (gate_made_for<Gate, Model, Reader>) return Gate::made_for(model, reader);
  else return Gate();
}

}  // namespace detail

}  // namespace quipu::eren

#if !defined(QUIPU_COMPILED)
#include <quipu/eren/default_reader.ipp>
#endif
