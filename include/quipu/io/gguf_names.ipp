// What gguf_names.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <quipu/io/gguf_names.hpp>

namespace quipu::io {

namespace detail {

/// "PREFIX<number>.PART.SUFFIX" with PART looked up from one column and written from the other.
template <class Lookup>
std::optional<std::string> translate_layer_name(std::string_view name, std::string_view from_prefix,
                                                std::string_view to_prefix, Lookup lookup) {
  if (!name.starts_with(from_prefix)) return std::nullopt;
  name.remove_prefix(from_prefix.size());
  const std::size_t digits = name.find_first_not_of("0123456789");
  if (digits == 0 || digits == std::string_view::npos || name[digits] != '.') return std::nullopt;
  const std::string_view number = name.substr(0, digits);
  if (number.size() > 1 && number.front() == '0') return std::nullopt;  // one name for one tensor
  const std::string_view rest = name.substr(digits + 1);
  const std::size_t dot = rest.rfind('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string_view suffix = rest.substr(dot);
  if (suffix != ".weight" && suffix != ".bias") return std::nullopt;
  const std::optional<std::string_view> part = lookup(rest.substr(0, dot));
  if (!part) return std::nullopt;
  std::string translated(to_prefix);
  translated.append(number).append(".").append(*part).append(suffix);
  return translated;
}

}  // namespace detail

QUIPU_INLINE std::optional<std::string> hf_name_of_gguf(std::string_view name) {
  for (const auto& [gguf, hf] : gguf_model_names) {
    if (name == gguf) return std::string(hf);
  }
  const auto lookup = [](std::string_view part) -> std::optional<std::string_view> {
    for (const auto& [gguf, hf] : gguf_layer_names) {
      if (part == gguf) return hf;
    }
    return std::nullopt;
  };
  return detail::translate_layer_name(name, "blk.", "model.layers.", lookup);
}

QUIPU_INLINE std::optional<std::string> gguf_name_of_hf(std::string_view name) {
  for (const auto& [gguf, hf] : gguf_model_names) {
    if (name == hf) return std::string(gguf);
  }
  const auto lookup = [](std::string_view part) -> std::optional<std::string_view> {
    for (const auto& [gguf, hf] : gguf_layer_names) {
      if (part == hf) return gguf;
    }
    return std::nullopt;
  };
  return detail::translate_layer_name(name, "model.layers.", "blk.", lookup);
}

}  // namespace quipu::io
