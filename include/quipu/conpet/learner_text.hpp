/// @file The parts of a learner's folder that know no model: checks of `learner.json`, lines of `memory.jsonl`, what is no longer needed.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/conpet/expert.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/json_text.hpp>
#include <quipu/core/mapped_file.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/data/json_reading.hpp>
#include <quipu/data/task_stream.hpp>
#include <quipu/pet/module_key.hpp>
#include <quipu/replay/replay_strategy.hpp>

namespace quipu::conpet {

/// Two digits at least, so that names sort as numbers do.
[[nodiscard]] inline std::string numbered(std::size_t n) { return n < 10 ? concat("0", n) : concat(n); }

/// @throws format_error  another kind of value
[[nodiscard]] inline std::size_t whole_number(const data::json_place& place) {
  if (!place.value().is_number_unsigned()) fail<format_error>(place.name(), "a whole number", place.value().type_name());
  return place.value().get<std::size_t>();
}
[[nodiscard]] inline double real_number(const data::json_place& place) {
  if (!place.value().is_number()) fail<format_error>(place.name(), "a number", place.value().type_name());
  return place.value().get<double>();
}

/// A strategy's name, or what it says of itself where it is chosen at run time.
template <class Strategy>
[[nodiscard]] std::string replay_identity(const Strategy& strategy) {
  if constexpr (replay::settled_strategy<Strategy>) {
    return strategy.identity();
  } else {
    return std::string(Strategy::name);
  }
}

/// Of a module's values and its head's.
template <class Expert>
[[nodiscard]] std::uint64_t expert_key(const Expert& e) {
  pet::key_hash hash;
  hash.add_value(pet::module_key(*e.module));
  for (const auto& p : e.head->parameters()) hash.add(std::as_bytes(std::span(p.value, p.size())));
  return hash.value();
}
/// Whether a folder holds an expert of a key already.
[[nodiscard]] inline bool holds_expert(const std::filesystem::path& folder, const std::string& key) {
  std::error_code trouble;
  if (!std::filesystem::exists(folder / "key", trouble) || !std::filesystem::exists(folder / "adapter_config.json", trouble)) return false;
  return mapped_file((folder / "key").string(), file_access::read).text() == key + "\n";
}

/// @throws format_error  a newer schema, a learner of another kind
/// @throws config_error  what it was made of is not what this one is made of
inline void check_learner(const data::json_place& all, const char* kind, std::size_t newest, const std::map<std::string, std::string>& made_of) {
  if (const std::size_t schema = whole_number(all["schema"]); schema > newest)
    fail<format_error>(all["schema"].name(), concat("at most ", newest, ", which this version reads"), schema);
  if (const std::string found = all["kind"].text(); found != kind) fail<format_error>(all["kind"].name(), kind, printable(found));
  const data::json_place saved = all["made_of"];
  for (const auto& [name, value] : made_of) {
    const data::json_place own = saved[name.c_str()];
    if (own.text() != value) fail<config_error>(own.name(), printable(value), printable(own.text()));
  }
}

/// A line of JSON for each text that is kept.
template <class Entries>
[[nodiscard]] std::string memory_text(const Entries& entries) {
  std::string out;
  for (const auto& e : entries) {
    nlohmann::ordered_json line = {{"text", e.example.text.text}, {"task", e.example.task}, {"class", e.example.text.label},
                                   {"task_id", e.task},           {"label", e.label},       {"number", e.number},
                                   {"bytes", e.n_byte},           {"loss", e.loss}};
    const auto add = [&](const char* name, const std::optional<data::mention>& m) {
      if (m) line[name] = {m->name, m->begin, m->end};
    };
    add("head", e.example.text.head);
    add("tail", e.example.text.tail);
    if (!e.features.empty()) line["features"] = e.features;
    out += line.dump() + "\n";
  }
  return out;
}
/// @throws io_error, format_error
template <class Entry>
[[nodiscard]] std::vector<Entry> parse_memory(const std::string& path) {
  const mapped_file file(path, file_access::read);
  std::vector<Entry> all;
  const std::string_view text = file.text();
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string place = concat(path, ", line ", all.size() + 1);
    const nlohmann::json json = parse_json(text.substr(at, end - at), place);
    const data::json_place line(json, place);
    Entry e{};
    e.example.text.text = line["text"].text();
    e.example.text.label = whole_number(line["class"]);
    e.example.task = line["task"].text();
    e.task = whole_number(line["task_id"]);
    e.label = whole_number(line["label"]);
    e.number = whole_number(line["number"]);
    e.n_byte = whole_number(line["bytes"]);
    e.loss = real_number(line["loss"]);
    const auto mention = [&](const char* name) -> std::optional<data::mention> {
      if (!line.has(name)) return std::nullopt;
      const data::json_place m = line[name];
      return data::mention{m.at(0).text(), whole_number(m.at(1)), whole_number(m.at(2))};
    };
    e.example.text.head = mention("head");
    e.example.text.tail = mention("tail");
    if (line.has("features")) {
      const data::json_place f = line["features"];
      for (std::size_t i = 0; i < f.size(); ++i) e.features.push_back(static_cast<float>(real_number(f.at(i))));
    }
    all.push_back(std::move(e));
    at = end + 1;
  }
  return all;
}

/// Removes states, selectors and modules that `learner.json` names no longer. What cannot be removed stays, without harm.
inline void remove_unused(const std::filesystem::path& folder, const std::string& state, const std::string& selector,
                          const std::vector<std::string>& modules) {
  std::error_code ignored;
  for (const auto& e : std::filesystem::directory_iterator(folder, ignored)) {
    const std::string name = e.path().filename().string();
    const bool ours = name.starts_with("state-") || name.starts_with("selector-");
    if (ours && name != state && name != selector) std::filesystem::remove_all(e.path(), ignored);
  }
  for (const auto& e : std::filesystem::directory_iterator(folder / "modules", ignored)) {
    const std::string name = e.path().filename().string();
    if (std::find(modules.begin(), modules.end(), name) == modules.end()) std::filesystem::remove_all(e.path(), ignored);
  }
}

}  // namespace quipu::conpet
