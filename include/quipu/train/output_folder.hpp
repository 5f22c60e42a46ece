/// @file The folder that a training run writes to, held by one process at a time.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <nlohmann/json.hpp>

#include <quipu/core/error.hpp>
#include <quipu/io/atomic_file.hpp>

namespace quipu::train {

/// Makes the folder, locks it until destruction (the system unlocks it when a process dies), and clears away
/// what a killed writer left half done.
class output_folder {
 public:
  /// @throws io_error  the folder cannot be made or written, or another trainer holds it
  explicit output_folder(std::filesystem::path path) : path_(std::move(path)) {
    std::error_code trouble;
    std::filesystem::create_directories(path_, trouble);
    if (trouble) throw io_error(concat(path_.string(), ": cannot make the folder (", trouble.message(), ")"));
    const std::string lock = file("lock");
    descriptor_ = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor_ < 0) throw io_error(concat(lock, ": cannot open (", std::strerror(errno), ")"));
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
      const int cause = errno;
      ::close(descriptor_);
      if (cause == EWOULDBLOCK)
        fail<io_error>(path_.string(), "a folder of this trainer alone", "another trainer at work in it");
      throw io_error(concat(lock, ": cannot lock (", std::strerror(cause), ")"));
    }
    for (const auto& entry : std::filesystem::directory_iterator(path_, trouble)) {
      if (entry.path().filename().string().find(".part-") != std::string::npos)
        std::filesystem::remove(entry.path(), trouble);
    }
  }
  output_folder(const output_folder&) = delete;
  output_folder& operator=(const output_folder&) = delete;
  ~output_folder() { ::close(descriptor_); }

  [[nodiscard]] std::string file(std::string_view name) const { return (path_ / name).string(); }
  [[nodiscard]] bool has(std::string_view name) const { return std::filesystem::exists(path_ / name); }

  /// Appends one line of JSON to log.jsonl. @throws io_error  it cannot be written
  void log(const nlohmann::ordered_json& line) const {
    std::ofstream out(path_ / "log.jsonl", std::ios::app);
    out << line.dump() << '\n';
    out.flush();
    if (!out) throw io_error(concat(file("log.jsonl"), ": cannot write"));
  }
  /// Drops the lines of the log after `step`: a resumed run writes them again.
  void cut_log(std::size_t step) const {
    std::ifstream in(path_ / "log.jsonl");
    if (!in) return;
    io::atomic_file kept(file("log.jsonl"));
    for (std::string line; std::getline(in, line);) {
      const auto entry = nlohmann::json::parse(line, nullptr, false);
      if (!entry.is_object()) continue;  // half a line of a killed run
      const auto at = entry.find("step");
      if (at == entry.end() || !at->is_number_unsigned() || at->get<std::size_t>() > step) continue;
      kept.write(line);
      kept.write("\n");
    }
    kept.commit();
  }

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
};

}  // namespace quipu::train
