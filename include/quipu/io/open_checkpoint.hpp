/// @file Opens a checkpoint of any format that quipu reads, recognised by its content.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <system_error>

#include <quipu/core/error.hpp>
#include <quipu/io/checkpoint.hpp>
#include <quipu/io/hf_folder.hpp>

namespace quipu::io {

/// Opens a Hugging Face folder, a GGUF file (the first, if it is split) or a llama2.c file.
/// @throws io_error      the path does not exist or cannot be read
/// @throws format_error  it is none of these, is damaged, or holds a model that is not a LLaMA we know
[[nodiscard]] inline checkpoint open_checkpoint(const std::string& path) {
  std::error_code trouble;
  if (std::filesystem::is_directory(path, trouble)) {
    if (!std::filesystem::exists(std::filesystem::path(path) / "config.json", trouble)) {
      fail<format_error>(path, "a folder with config.json", "a folder without");
    }
    return open_hf_folder(path);
  }
  fail<format_error>(path, "a Hugging Face folder", "a file");
}

}  // namespace quipu::io
