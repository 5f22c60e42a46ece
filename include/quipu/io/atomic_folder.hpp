/// @file Folders whose files appear together.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <span>
#include <string_view>
#include <system_error>

#include <quipu/core/compiled.hpp>

namespace quipu::io {

/// A folder beside the wanted one to write files into; `commit` brings them to their place as one.
/// Without `commit` nothing remains and the wanted folder, if there is one, is as it was.
class atomic_folder {
 public:
  /// @throws io_error  the folder beside cannot be made; something else has the wanted name
  explicit atomic_folder(std::filesystem::path wanted);
  atomic_folder(const atomic_folder&) = delete;
  atomic_folder& operator=(const atomic_folder&) = delete;
  ~atomic_folder();

  /// Where to write files; not folders.
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return staged_; }

  /// A folder that was not there appears at once. One that is there keeps its other files and its permissions, and
  /// changes places with the new one in one step. Where that cannot be (folders or links in it, a file system without
  /// such a step) `last` goes first and comes last: a crash in between leaves a folder without it, which readers
  /// refuse, and never files of one version with those of another.
  /// @param last      the file that makes the folder what it is, "config.json"
  /// @param obsolete  names that the folder must not keep from before; those just written stay
  /// @throws io_error  the file system refuses
  void commit(std::string_view last, std::span<const std::string_view> obsolete = {});

 private:
  [[noreturn]] static void refuse(const std::filesystem::path& path, const char* what, const std::error_code& trouble);

  [[nodiscard]] bool exchange(std::span<const std::string_view> obsolete);
  void replace_one_by_one(std::string_view last, std::span<const std::string_view> obsolete);

  std::filesystem::path wanted_;
  std::filesystem::path staged_;
  int descriptor_ = -1;  // of the folder beside: it is locked while we live
};

}  // namespace quipu::io

#if !defined(QUIPU_COMPILED)
#include <quipu/io/atomic_folder.ipp>
#endif
