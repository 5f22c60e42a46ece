/// @file Where tests find the real sentence encoder.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "support/shared_data.hpp"

namespace quipu::test {

/// The folder of all-MiniLM-L6-v2 (config.json, tokenizer.json, model.safetensors) in the user's cache; empty
/// path, with the skip noted, if it is absent.
inline std::filesystem::path sentence_encoder_path() {
  const std::string chosen = setting("QUIPU_MINILM");
  if (!chosen.empty() && std::filesystem::exists(chosen)) return chosen;
  std::string cache = setting("XDG_CACHE_HOME");
  if (cache.empty()) cache = setting("HOME") + "/.cache";
  const auto path = std::filesystem::path(cache) / "quipu" / "all-MiniLM-L6-v2";
  if (std::filesystem::exists(path / "model.safetensors")) return path;
  note_skip("no all-MiniLM-L6-v2 sentence encoder (scripts/fetch_model encoder)");
  return {};
}

}  // namespace quipu::test
