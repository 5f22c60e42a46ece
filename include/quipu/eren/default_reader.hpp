/// @file The reader that an editor takes by itself: one that was taught for the model, where there is one, else the extractive.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/eren/gate/default_gate.hpp>
#include <quipu/eren/gate/gate_file.hpp>
#include <quipu/eren/gate/gate_model.hpp>
#include <quipu/eren/reading/extractive_reader.hpp>
#include <quipu/eren/reading/module_adapter.hpp>
#include <quipu/eren/reading/reading_session.hpp>
#include <quipu/eren/reading/span_reader.hpp>
#include <quipu/llama/language_model.hpp>
#include <quipu/llama/model_family.hpp>
#include <quipu/pet/lora.hpp>
#include <quipu/pet/peft_folder.hpp>

namespace quipu::eren {

/// The gate's file in the folder of a taught reader, beside PEFT's two.
inline constexpr const char* reader_gate_file = "gate.json";

/// Models whose sessions take modules, as a taught reader is one.
template <class Model, class Module>
concept takes_module = requires(typename reading_session<Model>::session_type& s, const Module& module, const Model& m) {
  s.workspace();
  create_with(s, module);
  { m.config() } -> std::convertible_to<const io::model_config&>;
  bind_base(const_cast<Module&>(module), m);
};

/// Reads by a taught reader (`09_train_reader`) if one of a folder was made for the model, else by the extractive one.
///
/// @tparam Scalar  of the model
template <class Scalar = float>
class default_reader {
 public:
  using module_type = pet::lora::module<Scalar>;
  using taught_type = basic_span_reader<plain_note_prompt, module_adapter<module_type>>;
  using default_gate = eren::default_gate;
  static constexpr note_grouping grouping = note_grouping::one_by_one;
  static constexpr std::size_t n_note = 1;
  static constexpr bool reads_jointly = false;

  default_reader() = default;

  /// @param folder  of one reader, or of several, each in a folder of its own; none need be there
  /// @throws io_error, format_error  a reader that was made for the model is damaged
  /// @throws config_error            its gate was fitted with another adapter
  template <class Model>
  [[nodiscard]] static default_reader made_for(const Model& model, const std::filesystem::path& folder) {
    default_reader made;
    if constexpr (takes_module<Model, module_type>) {
      if (folder.empty()) return made;
      made.why_ = concat("no taught reader for this model in ", folder.string());
      const std::string family = llama::model_family(model);
      for (const std::filesystem::path& one : readers_of(folder)) {
        const std::string gate = (one / reader_gate_file).string();
        gate_keys keys = gate_keys_of(gate);
        if (keys.model != family) continue;
        taught_type reader({}, {}, module_adapter<module_type>(
                                       pet::peft_folder(one).template module<pet::lora, Scalar>(model.config()), model));
        keys.prompt = reader.identity();
        made.gate_ = load_gate(gate, keys);
        made.taught_ = std::move(reader);
        made.why_ = concat("the taught reader of ", one.string());
        break;
      }
    } else {
      made.why_ = "this model's sessions take no adapter";
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
  static std::vector<std::filesystem::path> readers_of(const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> all;
    std::error_code ignored;  // a folder that is not there has none
    if (std::filesystem::exists(folder / reader_gate_file, ignored)) return {folder};
    for (std::filesystem::directory_iterator entry(folder, ignored), end; entry != end; entry.increment(ignored)) {
      if (std::filesystem::exists(entry->path() / reader_gate_file, ignored)) all.push_back(entry->path());
    }
    std::sort(all.begin(), all.end());
    return all;
  }

  extractive_reader extractive_;
  std::optional<taught_type> taught_;
  std::optional<gate_model> gate_;
  std::string why_ = "no folder of taught readers was given";
};

namespace detail {

template <class Model>
struct scalar_of_sessions {
  using type = float;
};
template <llama::language_model Model>
struct scalar_of_sessions<Model> {
  using type = typename reading_session<Model>::scalar_type;
};

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

template <class Model>
using default_reader_for = default_reader<typename detail::scalar_of_sessions<Model>::type>;

}  // namespace quipu::eren
