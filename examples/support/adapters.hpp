/// @file The adapters that a program's command line names.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <charconv>
#include <filesystem>
#include <string>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/llama/adapted_model.hpp>

namespace terminal {

inline constexpr const char* adapter_help =
    "PEFT folder to put on the model, several times if wanted; FOLDER:0.5 is half as strong";

/// A model with adapters, each "FOLDER" or "FOLDER:SCALE", in their order; without any it is the model as it was.
template <class Policies>
[[nodiscard]] quipu::llama::adapted_model<Policies> with_adapters(const quipu::llama::basic_model<Policies>& m,
                                                                  const std::vector<std::string>& adapters) {
  quipu::llama::adapted_model<Policies> adapted(m);
  for (const std::string& adapter : adapters) {
    std::string folder = adapter;
    double scale = 1;
    const std::size_t colon = adapter.rfind(':');
    if (colon != std::string::npos && !std::filesystem::exists(adapter)) {
      const char* const end = adapter.data() + adapter.size();
      const auto read = std::from_chars(adapter.data() + colon + 1, end, scale);
      if (read.ec != std::errc() || read.ptr != end || !(scale > -1e6 && scale < 1e6)) {
        quipu::fail<quipu::config_error>("--adapter", "a folder, or a folder, a colon and a number", adapter);
      }
      folder.resize(colon);
    }
    adapted = quipu::llama::with_adapter(adapted, folder, scale);
  }
  return adapted;
}

}  // namespace terminal
