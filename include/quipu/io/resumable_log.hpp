/// @file A file of finished pieces of a long run, one JSON text a line, from which the run goes on.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/core/compiled.hpp>

namespace quipu::io {

/// Fields of a line, with errors that name the file.
class log_fields {
 public:
  log_fields(const nlohmann::json& line, std::string place) : line_(line), place_(std::move(place)) {}

  [[nodiscard]] const nlohmann::json& field(const char* name) const;
  [[nodiscard]] bool flag(const char* name) const;
  [[nodiscard]] double number(const char* name) const;
  [[nodiscard]] std::string text(const char* name) const;
  [[nodiscard]] std::vector<double> numbers(const char* name) const;

 private:
  const nlohmann::json& line_;
  std::string place_;
};

/// Lines of one run. The first names the run; a last line that was cut off in writing is dropped. The file is locked
/// while it is open. Without a path nothing is kept.
class resumable_log {
 public:
  /// A file that is refused keeps its bytes.
  /// @throws config_error  the file belongs to another run
  /// @throws format_error  it is no such log: a line that is no JSON, a first one that names no run
  /// @throws io_error      it cannot be read or written, is no regular file, or another process has it open as a log
  resumable_log(std::string path, const std::string& run);
  resumable_log(const resumable_log&) = delete;
  resumable_log& operator=(const resumable_log&) = delete;
  ~resumable_log();

  /// What was there already.
  [[nodiscard]] const std::vector<nlohmann::json>& lines() const noexcept { return lines_; }

  void append(const nlohmann::ordered_json& line);
  /// @throws io_error
  void flush();

 private:
  /// @return bytes of whole lines
  std::size_t read(const std::string& run, const std::string& header);
  [[noreturn]] void refuse(const char* what);

  std::string path_;
  std::vector<nlohmann::json> lines_;
  std::string pending_;
  std::size_t size_ = 0;  // bytes of whole lines in the file
  int descriptor_ = -1;
};

}  // namespace quipu::io

#if !defined(QUIPU_COMPILED)
#include <quipu/io/resumable_log.ipp>
#endif
