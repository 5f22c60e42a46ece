/// @file The parts of a learner's folder that all kinds of learners share: modules with their heads, arrays, what a learner is made of.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/conpet/expert.hpp>
#include <quipu/conpet/learner_text.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/hex.hpp>
#include <quipu/data/json_reading.hpp>
#include <quipu/io/atomic_file.hpp>
#include <quipu/io/npy.hpp>
#include <quipu/llama/bind_base.hpp>
#include <quipu/pet/peft_folder.hpp>

namespace quipu::conpet {

/// Schema of `learner.json` that this version writes, and the newest that it reads.
inline constexpr std::size_t learner_schema = 1;

namespace detail {

template <class Values>
[[nodiscard]] xt::xarray<double> as_array(const Values& values, std::vector<std::size_t> shape) {
  xt::xarray<double> a = xt::xarray<double>::from_shape(shape);
  std::copy(values.begin(), values.end(), a.data());
  return a;
}
[[nodiscard]] inline std::vector<double> read_doubles(const std::string& path, std::size_t n) {
  const xt::xarray<double> a = io::read_npy<double>(path);
  if (a.size() != n) fail<format_error>(path, concat(n, " numbers"), a.size());
  return {a.data(), a.data() + n};
}

/// What learners of all kinds must share with their folder.
template <class Core>
[[nodiscard]] std::map<std::string, std::string> identity_of_core(const Core& core) {
  nlohmann::ordered_json settings = nlohmann::ordered_json::object();
  core.policy.write_peft(settings, core.config());
  return {{"base", hex_digits(core.pass->model().identity()->content->hash())},
          {"module", concat(Core::module_policy::peft_type, " ", settings.dump())},
          {"template", core.form.identity()},
          {"rows", core.rows.identity()},
          {"replay", replay_identity(core.memory.strategy())},
          {"seed", concat(core.options.seed)}};
}

template <class Expert, class Config>
void save_expert(const std::filesystem::path& folder, const Expert& e, const Config& c) {
  pet::save_peft(folder, *e.module, c, {.task_type = "SEQ_CLS", .modules_to_save = {head_name}}, e.head->parameters());
}
template <class Core>
[[nodiscard]] typename Core::expert_type load_expert(const Core& core, const std::filesystem::path& folder, std::size_t n_class) {
  const pet::peft_folder files(folder);
  typename Core::expert_type e{
      std::make_shared<typename Core::module_type>(files.module<typename Core::module_policy, float>(core.config())),
      std::make_shared<pet::linear_head<float>>(head_name, n_class, core.config().d_model, 0)};
  files.read<float>(e.head->parameters());
  return e;
}

/// Writes an expert where the folder does not hold it yet. @return its key
template <class Core>
std::string save_expert_once(const std::filesystem::path& folder, const typename Core::expert_type& e, const Core& core) {
  const std::string key = hex_digits(expert_key(e));
  if (!holds_expert(folder, key)) {
    save_expert(folder, e, core.config());
    io::write_text((folder / "key").string(), key + "\n");
  }
  return key;
}
/// Reads an expert whose key a field of `learner.json` says, and binds it to the model.
/// @throws format_error  values that are others than those that were saved
template <class Core>
[[nodiscard]] typename Core::expert_type load_known_expert(const Core& core, const std::filesystem::path& folder, std::size_t n_class,
                                                          const data::json_place& place, const char* field) {
  auto e = load_expert(core, folder, n_class);
  llama::bind_base(*e.module, core.pass->model());
  if (const std::string key = hex_digits(expert_key(e)); key != place[field].text())
    fail<format_error>(place.name(), concat("a module of key ", place[field].text()), concat(key, ": its files were changed"));
  return e;
}

/// @throws io_error  the folder cannot be made
inline void make_learner_folder(const std::filesystem::path& folder) {
  std::error_code trouble;
  std::filesystem::create_directories(folder / "modules", trouble);
  if (trouble) throw io_error(concat(folder.string(), ": cannot make the folder (", trouble.message(), ")"));
}

}  // namespace detail

}  // namespace quipu::conpet
