/// @file The state of a training run in one file, and back.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/core/compiled.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/json_text.hpp>
#include <quipu/core/number_text.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/core/tensor_type.hpp>
#include <quipu/io/checked_size.hpp>
#include <quipu/io/safetensors.hpp>
#include <quipu/io/safetensors_writer.hpp>
#include <quipu/optim/optimizer.hpp>  // state_array
#include <quipu/optim/parameter.hpp>

namespace quipu::train {

/// Everything about a run that is neither a value nor optimiser state. Data order and dropout are functions of
/// seed and step, so the step is also the state of all random numbers and the position in the data.
struct run_state {
  std::size_t step = 0;                                           ///< optimiser steps done
  std::uint64_t best_step = 0;                                    ///< step of the best validation so far
  double best_loss = 0;                                           ///< its loss; meaningless if best_step is 0
  std::map<std::string, std::string, std::less<>> settings;       ///< what a resumed run must share, by name
  std::map<std::string, nlohmann::json, std::less<>> companions;  ///< small states, by the companions' names
};

namespace detail {

inline constexpr std::string_view optimizer_prefix = "optimizer.", setting_prefix = "setting.",
                                  companion_prefix = "companion.";

template <class Value>
[[nodiscard]] Value number_in(const std::map<std::string, std::string, std::less<>>& metadata, const std::string& key,
                              const std::string& path) {
  const auto found = metadata.find(key);
  Value value{};
  if (found != metadata.end()) {
    const char* const end = found->second.data() + found->second.size();
    const auto read = std::from_chars(found->second.data(), end, value);
    bool fits = read.ec == std::errc() && read.ptr == end;
    if constexpr (std::is_floating_point_v<Value>) fits = fits && std::isfinite(value);
    if (fits) return value;
  }
  fail<format_error>(concat(path, ": ", key), "a number",
                     found == metadata.end() ? "nothing" : printable(found->second));
}

/// Whether `key` is one with this prefix that `known` does not have.
[[nodiscard]] inline bool is_other(std::string_view key, std::string_view prefix, const auto& known) {
  return key.starts_with(prefix) && known.find(key.substr(prefix.size())) == known.end();
}

/// @throws config_error  names every setting that is not the same
void compare_settings(const std::string& path, const std::map<std::string, std::string, std::less<>>& ours,
                             const std::map<std::string, std::string, std::less<>>& metadata);

inline void add_arrays(std::vector<optim::state_array>& to, std::string_view prefix,
                       std::span<const optim::state_array> arrays) {
  for (const optim::state_array& a : arrays) to.push_back({concat(prefix, a.name), a.bytes});
}

}  // namespace detail

/// Arrays of an optimiser or of a companion under their names in checkpoints.
inline void add_optimizer_arrays(std::vector<optim::state_array>& to, std::span<const optim::state_array> arrays) {
  detail::add_arrays(to, detail::optimizer_prefix, arrays);
}
inline void add_companion_arrays(std::vector<optim::state_array>& to, std::string_view name,
                                 std::span<const optim::state_array> arrays) {
  detail::add_arrays(to, concat(detail::companion_prefix, name, "."), arrays);
}

/// Writes values, state and run state as a safetensors file, atomically: a crash or a full disk
/// leaves the file of before.
/// @param state  of optimiser and companions, see `add_optimizer_arrays` and `add_companion_arrays`
/// @throws io_error  the file cannot be written
template <class Scalar>
void save_run(const std::string& path, std::span<const optim::parameter<Scalar>> parameters,
              std::span<const optim::state_array> state, const run_state& run) {
  std::map<std::string, io::tensor_view, std::less<>> tensors;
  constexpr tensor_type type = sizeof(Scalar) == 8 ? tensor_type::f64 : tensor_type::f32;
  for (const auto& p : parameters) tensors[p.name] = {type, p.shape, std::as_bytes(std::span(p.value, p.size()))};
  for (const optim::state_array& a : state) tensors[a.name] = {tensor_type::u8, {a.bytes.size()}, a.bytes};
  std::map<std::string, std::string, std::less<>> metadata;
  metadata["step"] = concat(run.step);
  metadata["best_step"] = concat(run.best_step);
  metadata["best_loss"] = exact_text(run.best_loss);  // all bits: a resumed run compares with the very same number
  for (const auto& [key, value] : run.settings) metadata[concat(detail::setting_prefix, key)] = value;
  for (const auto& [name, value] : run.companions) metadata[concat(detail::companion_prefix, name)] = value.dump();
  io::write_safetensors(path, tensors, metadata);
}

/// Reads what `save_run` wrote into values and state of the same shapes.
///
/// @param run    in: settings and names of companions of this run, out: where the saved run stood
/// @param check  called before anything has changed, with what will be in `run`; may throw
/// @throws io_error, format_error  the file cannot be read or is damaged
/// @throws config_error  it belongs to another set of parameters, optimiser, settings or companions; nothing has
///                       changed then
template <class Scalar, class Check>
void load_run(const std::string& path, std::span<const optim::parameter<Scalar>> parameters,
              std::span<const optim::state_array> state, run_state& run, Check&& check) {
  const io::safetensors_file file(path);
  const auto& metadata = file.metadata();
  constexpr tensor_type type = sizeof(Scalar) == 8 ? tensor_type::f64 : tensor_type::f32;
  const auto expect = [&](const std::string& name, tensor_type wanted, const std::vector<std::size_t>& shape) {
    const io::tensor_view* t = file.find(name);
    if (t == nullptr) fail<config_error>(path, concat("a run with '", name, "'"), "one without");
    if (t->type != wanted || t->shape != shape) {
      fail<config_error>(concat(path, ": ", name), concat(name_of(wanted), " ", io::show_shape(shape)),
                         concat(name_of(t->type), " ", io::show_shape(t->shape)));
    }
  };
  detail::compare_settings(path, run.settings, metadata);
  for (const auto& p : parameters) expect(p.name, type, p.shape);
  for (const auto& a : state) expect(a.name, tensor_type::u8, {a.bytes.size()});
  for (const auto& [key, value] : metadata) {
    if (detail::is_other(key, detail::companion_prefix, run.companions))
      fail<config_error>(concat(path, ": ", printable(key)), "no such companion, as in this run", "its state");
  }
  run_state read = run;
  read.step = detail::number_in<std::size_t>(metadata, "step", path);
  read.best_step = detail::number_in<std::uint64_t>(metadata, "best_step", path);
  read.best_loss = detail::number_in<double>(metadata, "best_loss", path);
  for (auto& [name, value] : read.companions) {
    const auto saved = metadata.find(concat(detail::companion_prefix, name));
    if (saved == metadata.end())
      fail<config_error>(path, concat("a run with the companion '", name, "'"), "one without");
    value = parse_json(saved->second, concat(path, ": ", name));
  }
  check(std::as_const(read));
  for (const auto& p : parameters) std::memcpy(p.value, file.at(p.name).bytes.data(), p.size() * sizeof(Scalar));
  for (const auto& a : state) std::memcpy(a.bytes.data(), file.at(a.name).bytes.data(), a.bytes.size());
  run = std::move(read);
}

}  // namespace quipu::train

#if !defined(QUIPU_COMPILED)
#include <quipu/train/training_checkpoint.ipp>
#endif
