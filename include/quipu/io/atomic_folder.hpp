/// @file Folders whose files appear together.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <span>
#include <string_view>
#include <system_error>

#include <quipu/core/compiled.hpp>

namespace quipu::io {

/// A folder beside the wanted one to write files into; `commit` brings them to their place, all written and whole.
/// Without `commit` nothing remains and the wanted folder, if there is one, is as it was.
class atomic_folder {
 public:
  /// @throws io_error  the folder beside cannot be made
  explicit atomic_folder(std::filesystem::path wanted);
  atomic_folder(const atomic_folder&) = delete;
  atomic_folder& operator=(const atomic_folder&) = delete;
  ~atomic_folder();

  /// Where to write.
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return staged_; }

  /// A folder that was not there appears at once. In one that is there the files replace those of their names one by
  /// one, `last` after all others, and its other files stay.
  /// @param last      the file that makes the folder what it is, "config.json"
  /// @param obsolete  names that the folder must not keep from before; those just written stay
  /// @throws io_error  the file system refuses
  void commit(std::string_view last, std::span<const std::string_view> obsolete = {});

 private:
  [[noreturn]] static void refuse(const std::filesystem::path& path, const char* what, const std::error_code& trouble);

  std::filesystem::path wanted_;
  std::filesystem::path staged_;
};

}  // namespace quipu::io

#if !defined(QUIPU_COMPILED)
#include <quipu/io/atomic_folder.ipp>
#endif
