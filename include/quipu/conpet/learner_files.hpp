/// @file A dynamic learner as a folder: `learner.json`, modules as PEFT folders, the selector, the memory.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/conpet/dynamic_tuner.hpp>
#include <quipu/conpet/learner_text.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/hex.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/io/atomic_file.hpp>
#include <quipu/io/atomic_folder.hpp>
#include <quipu/io/npy.hpp>
#include <quipu/pet/module_key.hpp>
#include <quipu/pet/peft_folder.hpp>

namespace quipu::conpet {

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

/// What a learner must share with its folder.
template <class Tuner>
[[nodiscard]] std::map<std::string, std::string> identity_of(const Tuner& tuner) {
  const auto& core = tuner.core();
  nlohmann::ordered_json settings = nlohmann::ordered_json::object();
  core.policy.write_peft(settings, core.config());
  return {{"base", hex_digits(core.pass->model().identity()->content->hash())},
          {"module", concat(Tuner::module_policy::peft_type, " ", settings.dump())},
          {"selector", core.selector.identity()},
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

}  // namespace detail

/// Schema of `learner.json` that this version writes, and the newest that it reads.
inline constexpr std::size_t learner_schema = 1;

/// Writes a learner. What a folder of an earlier state of the same learner holds stays as far as it is the same; `learner.json` comes last, so that a
/// folder is that of before or that of now, whenever the writer was stopped.
/// @param folder  "learner.json", "modules/NN/" for each task, "state-NN/" with memory.jsonl and closed-form selectors, "selector-NN/" of a trained one
/// @throws io_error  the folder cannot be written
template <class Model, class... Given>
void save_learner(const std::filesystem::path& folder, const dynamic_tuner<Model, Given...>& tuner) {
  namespace fs = std::filesystem;
  const auto& core = tuner.core();
  std::error_code trouble;
  fs::create_directories(folder / "modules", trouble);
  if (trouble) throw io_error(concat(folder.string(), ": cannot make the folder (", trouble.message(), ")"));
  nlohmann::ordered_json json = {{"schema", learner_schema}, {"kind", "dynamic"}, {"made_of", detail::identity_of(tuner)}, {"n_learned", tuner.n_learned()}};
  std::vector<std::string> needed;
  for (const auto& t : tuner.tasks()) {
    const std::string name = concat("modules/", numbered(t.id));
    const std::string key = hex_digits(expert_key(t.who));
    if (!holds_expert(folder / name, key)) {
      detail::save_expert(folder / name, t.who, core.config());
      io::write_text((folder / name / "key").string(), key + "\n");
    }
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
  check_learner(all, learner_schema, detail::identity_of(tuner));
  auto& core = tuner.core();
  std::vector<typename tuner_type::learned_task> tasks;
  const auto known = [&](const auto& who, const data::json_place& place, const char* field) {
    if (const std::string key = hex_digits(expert_key(who)); key != place[field].text())
      fail<format_error>(place.name(), concat("a module of key ", place[field].text()), concat(key, ": its files were changed"));
  };
  const std::size_t n_task = all.has("tasks") ? all["tasks"].size() : 0;
  for (std::size_t i = 0; i < n_task; ++i) {
    const data::json_place t = all["tasks"].at(i);
    typename tuner_type::learned_task one{t["name"].text(), t["classes"].texts(), whole_number(t["id"]), {}, real_number(t["temperature"])};
    one.who = detail::load_expert(core, folder / t["folder"].text(), one.classes.size());
    llama::bind_base(*one.who.module, core.pass->model());
    known(one.who, t, "key");
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
    selector = detail::load_expert(core, folder / all["selector"].text(), tasks.size());
    known(selector, all, "selector_key");
  }
  auto entries = parse_memory<typename tuner_type::core_type::memory_type::entry>((state / "memory.jsonl").string());
  const auto n_offered = whole_number(all["n_offered"]);
  const auto n_learned = whole_number(all["n_learned"]);
  core.memory.restore(std::move(entries), n_offered);
  tuner.restore(std::move(tasks), n_learned, std::move(moments), std::move(selector));
}

}  // namespace quipu::conpet
