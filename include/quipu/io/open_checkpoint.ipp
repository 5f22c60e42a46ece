// What open_checkpoint.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <system_error>

#include <quipu/core/error.hpp>
#include <quipu/core/mapped_file.hpp>
#include <quipu/io/checkpoint.hpp>
#include <quipu/io/gguf.hpp>
#include <quipu/io/hf_folder.hpp>
#include <quipu/io/llama2c.hpp>
#include <quipu/io/llama2c_header.hpp>
#include <quipu/io/open_checkpoint.hpp>
#include <quipu/io/unaligned.hpp>

namespace quipu::io {

namespace detail {

/// Why a file that is no checkpoint is none, as far as its first bytes tell.
[[nodiscard]] inline std::string describe_stranger(std::span<const std::byte> bytes) {
  if (bytes.empty()) return "an empty file";
  if (bytes.size() < llama2c_v0_header_bytes) return concat("a file of ", bytes.size(), " bytes");
  const auto magic = load_unaligned<std::uint32_t>(bytes.data());
  if (magic == 0x04034b50) return "a ZIP archive (PyTorch's .bin and .pt are such)";
  if (magic == 0x67676a74 || magic == 0x67676d66 || magic == 0x67676d6c) {
    return "a GGML file from before GGUF";
  }
  if (load_unaligned<std::uint8_t>(bytes.data() + 8) == '{') {
    return "a safetensors file (open the folder that has its config.json)";
  }
  return "something else (a llama2.c file without version has exactly the size that its header announces)";
}

}  // namespace detail

QUIPU_INLINE checkpoint open_checkpoint(const std::string& path, file_access how) {
  namespace fs = std::filesystem;
  std::error_code trouble;
  if (fs::is_directory(path, trouble)) {
    if (!fs::exists(fs::path(path) / "config.json", trouble)) {
      fail<format_error>(path, "a folder with config.json", "a folder without");
    }
    return open_hf_folder(path, how);
  }
  const mapped_file file(path);
  const std::span<const std::byte> bytes = file.bytes();
  if (bytes.size() >= 4 && load_unaligned<std::uint32_t>(bytes.data()) == gguf_magic) return open_gguf(path, how);
  if (is_llama2c(bytes)) return open_llama2c(path, how);
  fail<format_error>(path, "a Hugging Face folder, a GGUF file or a llama2.c file",
                     detail::describe_stranger(bytes));
}

}  // namespace quipu::io
