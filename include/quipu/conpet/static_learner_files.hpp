/// @file A learner with one module as a folder: `learner.json`, the module as a PEFT folder, the memory, what its method keeps.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/conpet/learner_parts.hpp>
#include <quipu/conpet/learner_text.hpp>
#include <quipu/conpet/methods/kept_arrays.hpp>
#include <quipu/conpet/static_tuner.hpp>
#include <quipu/core/error.hpp>
#include <quipu/data/json_reading.hpp>
#include <quipu/io/atomic_file.hpp>
#include <quipu/io/atomic_folder.hpp>
#include <quipu/io/npy.hpp>

namespace quipu::conpet {

namespace detail {

template <class Model, class... Given>
[[nodiscard]] std::map<std::string, std::string> identity_of(const static_tuner<Model, Given...>& tuner) {
  auto all = identity_of_core(tuner.core());
  all["method"] = tuner.core().method.identity();
  return all;
}

}  // namespace detail

/// Writes a learner. `learner.json` comes last, so that a folder is that of before or that of now, whenever the writer was stopped.
/// @param folder  "learner.json", "modules/NN/" after NN tasks, "state-NN/" with memory.jsonl and the method's arrays
/// @throws io_error  the folder cannot be written
template <class Model, class... Given>
void save_learner(const std::filesystem::path& folder, const static_tuner<Model, Given...>& tuner) {
  const auto& core = tuner.core();
  detail::make_learner_folder(folder);
  const std::string number = numbered(tuner.size()), state = concat("state-", number);
  nlohmann::ordered_json json = {{"schema", learner_schema}, {"kind", "static"}, {"made_of", detail::identity_of(tuner)}};
  json["tasks"] = nlohmann::json::array();
  for (const auto& t : tuner.tasks()) json["tasks"].push_back({{"name", t.name}, {"classes", t.classes}});
  if (tuner.size() > 0) {
    json["folder"] = concat("modules/", number);
    json["key"] = detail::save_expert_once(folder / "modules" / number, tuner.who(), core);
  }
  const kept_arrays arrays = arrays_of(tuner.kept());
  {
    io::atomic_folder files(folder / state);
    io::write_text((files.path() / "memory.jsonl").string(), memory_text(core.memory.entries()));
    for (const auto& [name, array] : arrays)
      io::write_npy((files.path() / concat("method-", name, ".npy")).string(), detail::as_array(array.values, array.shape));
    files.commit("memory.jsonl");
  }
  json["state"] = state;
  json["arrays"] = nlohmann::json::array();
  for (const auto& array : arrays) json["arrays"].push_back(array.first);
  json["n_offered"] = core.memory.n_offered();
  io::write_text((folder / "learner.json").string(), json.dump(1) + "\n");
  remove_unused(folder, state, {}, {number});
}

/// Reads what `save_learner` wrote into a learner of the same policies and settings.
/// @throws io_error      a file or folder that is not there
/// @throws format_error  a newer schema, a file that is not what it should be, a module whose values are others than those that were saved
/// @throws config_error  another base model, other policies or settings, which are named
template <class Model, class... Given>
void load_learner(const std::filesystem::path& folder, static_tuner<Model, Given...>& tuner) {
  using tuner_type = static_tuner<Model, Given...>;
  const std::string path = (folder / "learner.json").string();
  const nlohmann::json json = data::read_json_file(path);
  const data::json_place all(json, path);
  check_learner(all, "static", learner_schema, detail::identity_of(tuner));
  auto& core = tuner.core();
  std::vector<typename tuner_type::learned_task> tasks;
  std::size_t n_class = 0;
  for (std::size_t i = 0; i < all["tasks"].size(); ++i) {
    const data::json_place t = all["tasks"].at(i);
    tasks.push_back({t["name"].text(), t["classes"].texts(), n_class});
    n_class += tasks.back().classes.size();
  }
  typename tuner_type::expert_type who;
  if (!tasks.empty()) who = detail::load_known_expert(core, folder / all["folder"].text(), n_class, all, "key");
  const std::filesystem::path state = folder / all["state"].text();
  kept_arrays arrays;
  for (const std::string& name : all["arrays"].texts()) {
    const xt::xarray<double> a = io::read_npy<double>((state / concat("method-", name, ".npy")).string());
    arrays[name] = {{a.shape().begin(), a.shape().end()}, {a.data(), a.data() + a.size()}};
  }
  auto kept = method_state_of(core.method, arrays);
  auto entries = parse_memory<typename tuner_type::core_type::memory_type::entry>((state / "memory.jsonl").string());
  core.memory.restore(std::move(entries), whole_number(all["n_offered"]));
  tuner.restore(std::move(tasks), std::move(who), std::move(kept));
}

}  // namespace quipu::conpet
