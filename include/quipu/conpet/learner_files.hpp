/// @file A dynamic learner as a folder: `learner.json`, modules as PEFT folders, the selector, the memory.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/conpet/dynamic_tuner.hpp>
#include <quipu/conpet/learner_parts.hpp>
#include <quipu/conpet/learner_text.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/hex.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/io/atomic_file.hpp>
#include <quipu/io/atomic_folder.hpp>
#include <quipu/io/npy.hpp>

namespace quipu::conpet {

namespace detail {

/// What a learner must share with its folder.
template <class Tuner>
[[nodiscard]] std::map<std::string, std::string> identity_of(const Tuner& tuner) {
  auto all = identity_of_core(tuner.core());
  all["selector"] = tuner.core().selector.identity();
  return all;
}

}  // namespace detail

/// Writes a learner. What a folder of an earlier state of the same learner holds stays as far as it is the same; `learner.json` comes last, so that a
/// folder is that of before or that of now, whenever the writer was stopped.
/// @param folder  "learner.json", "modules/NN/" for each task, "state-NN/" with memory.jsonl and closed-form selectors, "selector-NN/" of a trained one
/// @throws io_error  the folder cannot be written
template <class Model, class... Given>
void save_learner(const std::filesystem::path& folder, const dynamic_tuner<Model, Given...>& tuner) {
  const auto& core = tuner.core();
  detail::make_learner_folder(folder);
  nlohmann::ordered_json json = {{"schema", learner_schema}, {"kind", "dynamic"}, {"made_of", detail::identity_of(tuner)}, {"n_learned", tuner.n_learned()}};
  std::vector<std::string> needed;
  for (const auto& t : tuner.tasks()) {
    const std::string name = concat("modules/", numbered(t.id));
    const std::string key = detail::save_expert_once(folder / name, t.who, core);
    needed.push_back(numbered(t.id));
    json["tasks"].push_back({{"name", t.name}, {"folder", name}, {"classes", t.classes}, {"id", t.id}, {"temperature", t.temperature}, {"key", key}});
  }
  // Every state has a name of its own, so that learner.json names the old files or the new ones.
  const std::string state = concat("state-", numbered(tuner.n_learned()), "-", numbered(tuner.size()));
  {
    io::atomic_folder files(folder / state);
    io::write_text((files.path() / "memory.jsonl").string(), memory_text(core.memory.entries()));
    if (!tuner.selection().empty()) {
      const auto& m = tuner.selection().moments();
      io::write_npy((files.path() / "counts.npy").string(), detail::as_array(m.counts(), {m.n_class()}));
      io::write_npy((files.path() / "sums.npy").string(), detail::as_array(m.sums(), {m.n_class(), m.n_feature()}));
      io::write_npy((files.path() / "squares.npy").string(), detail::as_array(m.squares(), {m.n_feature(), m.n_feature()}));
    }
    files.commit("memory.jsonl");
  }
  json["state"] = state;
  json["n_offered"] = core.memory.n_offered();
  if (!tuner.selection().empty()) json["n_feature"] = tuner.selection().moments().n_feature(), json["n_spread"] = tuner.selection().moments().n_spread();
  if (is_kind(core.selector, selector_kind::trained) && tuner.size() > 1) {
    const std::string name = concat("selector-", numbered(tuner.n_learned()));
    detail::save_expert(folder / name, tuner.trained_selector_expert(), core.config());
    json["selector"] = name;
    json["selector_key"] = hex_digits(expert_key(tuner.trained_selector_expert()));
  }
  io::write_text((folder / "learner.json").string(), json.dump(1) + "\n");
  remove_unused(folder, state, json.value("selector", std::string()), needed);
}

/// Reads what `save_learner` wrote into a learner of the same policies and settings.
/// @throws io_error      a file or folder that is not there
/// @throws format_error  a newer schema, a file that is not what it should be, a module whose values are others than those that were saved
/// @throws config_error  another base model, other policies or settings, which are named
template <class Model, class... Given>
void load_learner(const std::filesystem::path& folder, dynamic_tuner<Model, Given...>& tuner) {
  using tuner_type = dynamic_tuner<Model, Given...>;
  const std::string path = (folder / "learner.json").string();
  const nlohmann::json json = data::read_json_file(path);
  const data::json_place all(json, path);
  check_learner(all, "dynamic", learner_schema, detail::identity_of(tuner));
  auto& core = tuner.core();
  std::vector<typename tuner_type::learned_task> tasks;
  const std::size_t n_task = all.has("tasks") ? all["tasks"].size() : 0;
  for (std::size_t i = 0; i < n_task; ++i) {
    const data::json_place t = all["tasks"].at(i);
    typename tuner_type::learned_task one{t["name"].text(), t["classes"].texts(), whole_number(t["id"]), {}, real_number(t["temperature"])};
    one.who = detail::load_known_expert(core, folder / t["folder"].text(), one.classes.size(), t, "key");
    tasks.push_back(std::move(one));
  }
  const std::filesystem::path state = folder / all["state"].text();
  moment_selection moments;
  if constexpr (may_be<typename tuner_type::selector_policy>(selector_kind::closed_form)) {
    if (all.has("n_feature")) {
      const std::size_t d = whole_number(all["n_feature"]);
      std::size_t n = 0;
      for (const auto& t : tasks) n += t.classes.size();
      statistics::class_moments m(d);
      const auto counts = detail::read_doubles((state / "counts.npy").string(), n);
      m.restore({counts.begin(), counts.end()}, detail::read_doubles((state / "sums.npy").string(), n * d),
                detail::read_doubles((state / "squares.npy").string(), d * d), whole_number(all["n_spread"]));
      moments = moment_selection::of(core.selector, std::move(m));
    }
  }
  typename tuner_type::expert_type selector;
  if (is_kind(core.selector, selector_kind::trained) && tasks.size() > 1) {
    selector = detail::load_known_expert(core, folder / all["selector"].text(), tasks.size(), all, "selector_key");
  }
  auto entries = parse_memory<typename tuner_type::core_type::memory_type::entry>((state / "memory.jsonl").string());
  const auto n_offered = whole_number(all["n_offered"]);
  const auto n_learned = whole_number(all["n_learned"]);
  core.memory.restore(std::move(entries), n_offered);
  tuner.restore(std::move(tasks), n_learned, std::move(moments), std::move(selector));
}

}  // namespace quipu::conpet
