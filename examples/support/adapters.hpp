/// @file The adapters that a program's command line names.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <charconv>
#include <cstddef>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/llama/adapted_model.hpp>

namespace terminal {

inline constexpr const char* adapter_help =
    "PEFT folder to put on the model, several times if wanted; FOLDER:0.5 is half as strong";

struct adapter_choice {
  std::string folder;
  double scale = 1;
};

/// "FOLDER" or "FOLDER:SCALE".
[[nodiscard]] inline adapter_choice read_adapter(const std::string& text) {
  adapter_choice read{text};
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || std::filesystem::exists(text)) return read;
  const char* const end = text.data() + text.size();
  const auto [stop, trouble] = std::from_chars(text.data() + colon + 1, end, read.scale);
  if (trouble != std::errc() || stop != end || !(read.scale > -1e6 && read.scale < 1e6)) {
    quipu::fail<quipu::config_error>("--adapter", "a folder, or a folder, a colon and a number", text);
  }
  read.folder.resize(colon);
  return read;
}

/// A model with adapters in their order; without any it is the model as it was.
template <class Policies>
[[nodiscard]] quipu::llama::adapted_model<Policies> with_adapters(const quipu::llama::basic_model<Policies>& m,
                                                                  const std::vector<std::string>& adapters) {
  quipu::llama::adapted_model<Policies> adapted(m);
  for (const std::string& text : adapters) {
    const adapter_choice adapter = read_adapter(text);
    adapted = quipu::llama::with_adapter(adapted, adapter.folder, adapter.scale);
  }
  return adapted;
}

}  // namespace terminal
