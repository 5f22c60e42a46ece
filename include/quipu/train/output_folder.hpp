/// @file The folder that a training run writes to, held by one process at a time.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>

#include <nlohmann/json.hpp>

#include <quipu/core/compiled.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/mapped_file.hpp>
#include <quipu/io/atomic_file.hpp>
#include <quipu/io/output_place.hpp>
#include <quipu/io/safetensors.hpp>

namespace quipu::train {

/// What a trainer does in a folder where a run lies already.
enum class existing_run {
  refuse,
  resume,
  overwrite,
};

/// Makes the folder, locks it until destruction (the system unlocks it when a process dies), and clears away
/// what killed writers of ours left half done.
class output_folder {
 public:
  static constexpr const char* last_name = "last.safetensors";
  static constexpr const char* best_name = "best.safetensors";
  static constexpr const char* log_name = "log.jsonl";

  /// @throws io_error  the folder cannot be made or written, or another trainer holds it
  explicit output_folder(std::filesystem::path path);
  output_folder(const output_folder&) = delete;
  output_folder& operator=(const output_folder&) = delete;
  ~output_folder() { ::close(descriptor_); }

  [[nodiscard]] std::string file(std::string_view name) const { return (path_ / name).string(); }
  [[nodiscard]] bool has(std::string_view name) const { return std::filesystem::exists(path_ / name); }

  /// @throws config_error  a run lies in the folder and `what` is `refuse`; the folder need not be there
  static void check(const std::filesystem::path& path, existing_run what);

  /// Takes a run away.
  /// @throws format_error  a file of such a name that no trainer wrote; nothing has changed then
  void remove_run() const;

  /// Appends one line of JSON to log.jsonl. @throws io_error  it cannot be written
  void log(const nlohmann::ordered_json& line) const;
  /// Drops the lines of the log after `step`: a resumed run writes them again. So is half a line at the end.
  /// @throws format_error  the file is no log of a trainer; it stays as it is
  void cut_log(std::size_t step) const;

 private:
  /// The lines up to a step.
  [[nodiscard]] std::string read_log(std::size_t step) const;

  std::filesystem::path path_;
  int descriptor_ = -1;
};

}  // namespace quipu::train

#if !defined(QUIPU_COMPILED)
#include <quipu/train/output_folder.ipp>
#endif
