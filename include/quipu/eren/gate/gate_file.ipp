// What gate_file.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/core/crc32.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/hex.hpp>
#include <quipu/core/json_text.hpp>
#include <quipu/core/mapped_file.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/eren/gate/gate_file.hpp>
#include <quipu/eren/gate/gate_model.hpp>
#include <quipu/eren/reading/prompt.hpp>
#include <quipu/io/atomic_file.hpp>
#include <quipu/llama/language_model.hpp>

namespace quipu::eren {

namespace detail {

inline nlohmann::ordered_json to_json(const statistics::logistic_model& m) {
  nlohmann::ordered_json out = {
      {"mean", m.mean}, {"deviation", m.deviation}, {"weights", m.weights}, {"bias", m.bias}};
  if (m.bound > 0) out["bound"] = m.bound;
  return out;
}

/// Reads fields with errors that name the file.
class gate_reader {
 public:
  gate_reader(const nlohmann::json& value, std::string place) : value_(value), place_(std::move(place)) {}

  [[nodiscard]] const nlohmann::json& field(const char* name) const {
    if (!value_.is_object() || !value_.contains(name))
      fail<format_error>(place_, concat("a field '", name, "'"), "none");
    return value_.at(name);
  }
  [[nodiscard]] gate_reader object(const char* name) const { return {field(name), concat(place_, ".", name)}; }
  [[nodiscard]] std::string text(const char* name) const {
    if (!field(name).is_string()) fail<format_error>(concat(place_, ".", name), "a string", field(name).type_name());
    return field(name).get<std::string>();
  }
  [[nodiscard]] double number(const char* name) const { return number(field(name), name); }
  [[nodiscard]] std::vector<double> numbers(const char* name) const {
    if (!field(name).is_array()) fail<format_error>(concat(place_, ".", name), "an array", field(name).type_name());
    std::vector<double> all;
    for (const auto& v : field(name)) all.push_back(number(v, name));
    return all;
  }
  [[nodiscard]] statistics::logistic_model logistic() const {
    statistics::logistic_model m{numbers("mean"), numbers("deviation"), numbers("weights"), number("bias")};
    if (m.mean.size() != m.weights.size() || m.deviation.size() != m.weights.size()) {
      fail<format_error>(place_, "mean, deviation and weights of one length",
                         concat(m.mean.size(), ", ", m.deviation.size(), ", ", m.weights.size()));
    }
    for (const double deviation : m.deviation) {
      if (!(deviation > 0)) fail<format_error>(concat(place_, ".deviation"), "positive numbers", deviation);
    }
    if (value_.contains("bound")) m.bound = number("bound");
    if (!(m.bound >= 0)) fail<format_error>(concat(place_, ".bound"), "0 or more", m.bound);
    return m;
  }

 private:
  [[nodiscard]] double number(const nlohmann::json& v, const char* name) const {
    if (!v.is_number() || !std::isfinite(v.get<double>()))
      fail<format_error>(concat(place_, ".", name), "a number", v.type_name());
    return v.get<double>();
  }
  const nlohmann::json& value_;
  std::string place_;
};

/// The content of a gate file.
inline nlohmann::json parsed_gate(const std::string& path) {
  const mapped_file mapped(path);
  nlohmann::json parsed = parse_json(mapped.text(), path);
  const std::string format = gate_reader(parsed, path).text("format");
  if (format != gate_file_format) fail<format_error>(concat(path, ".format"), gate_file_format, printable(format));
  return parsed;
}

}  // namespace detail

QUIPU_INLINE void save_gate(const std::string& path, const gate_model& model, const gate_keys& keys) {
  nlohmann::ordered_json out = {
      {"format", gate_file_format},
      {"keys", {{"model", keys.model}, {"tokenizer", keys.tokenizer}, {"prompt", keys.prompt}}},
      {"names", model.names},
      {"threshold", model.threshold},
      {"cheap_threshold", model.cheap_threshold},
      {"probability", {{"slope", model.probability.slope}, {"offset", model.probability.offset}}},
      {"stack", detail::to_json(model.stack)},
      {"cheap", detail::to_json(model.cheap)}};
  if (model.probe) out["probe"] = detail::to_json(*model.probe);
  io::atomic_file file(path);
  file.write(out.dump(1));
  file.commit();
}

QUIPU_INLINE gate_keys gate_keys_of(const std::string& path) {
  const nlohmann::json parsed = detail::parsed_gate(path);
  const detail::gate_reader in(parsed, path);
  const detail::gate_reader keys = in.object("keys");
  return {keys.text("model"), keys.text("tokenizer"), keys.text("prompt")};
}

QUIPU_INLINE gate_model load_gate(const std::string& path, const gate_keys& keys) {
  const nlohmann::json parsed = detail::parsed_gate(path);
  const detail::gate_reader in(parsed, path);
  const detail::gate_reader found = in.object("keys");
  const auto check = [&](const char* name, const std::string& wanted) {
    if (found.text(name) != wanted)
      fail<config_error>(concat(path, ": key of the ", name), concat("'", wanted, "'"),
                         concat(printable(found.text(name)), ": this gate was fitted on another one"));
  };
  check("model", keys.model);
  check("tokenizer", keys.tokenizer);
  check("prompt", keys.prompt);
  gate_model model;
  if (!in.field("names").is_array())
    fail<format_error>(concat(path, ".names"), "an array", in.field("names").type_name());
  for (const auto& name : in.field("names")) {
    if (!name.is_string()) fail<format_error>(concat(path, ".names"), "strings", name.type_name());
    model.names.push_back(name.get<std::string>());
  }
  model.threshold = in.number("threshold");
  model.cheap_threshold = in.number("cheap_threshold");
  model.probability = {in.object("probability").number("slope"), in.object("probability").number("offset")};
  model.stack = in.object("stack").logistic();
  model.cheap = in.object("cheap").logistic();
  if (parsed.contains("probe")) model.probe = in.object("probe").logistic();
  if (model.stack.weights.size() != model.names.size())
    fail<format_error>(concat(path, ".stack"), concat(model.names.size(), " weights"), model.stack.weights.size());
  return model;
}

}  // namespace quipu::eren
