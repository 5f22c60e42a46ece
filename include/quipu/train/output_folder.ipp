// What output_folder.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include <quipu/core/error.hpp>
#include <quipu/core/mapped_file.hpp>
#include <quipu/io/atomic_file.hpp>
#include <quipu/io/output_place.hpp>
#include <quipu/io/safetensors.hpp>
#include <quipu/train/output_folder.hpp>

namespace quipu::train {

QUIPU_INLINE output_folder::output_folder(std::filesystem::path path)
    : path_(std::move(path)) {
  std::error_code trouble;
  std::filesystem::create_directories(path_, trouble);
  if (trouble) throw io_error(concat(path_.string(), ": cannot make the folder (", trouble.message(), ")"));
  const std::string lock = file("lock");
  descriptor_ = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666);
  if (descriptor_ < 0) throw io_error(concat(lock, ": cannot open (", std::strerror(errno), ")"));
  if (const io::lock_state state = io::try_lock(descriptor_); state != io::lock_state::held) {
    const int cause = errno;
    ::close(descriptor_);
    if (state == io::lock_state::taken)
      fail<io_error>(path_.string(), "a folder of this trainer alone", "another trainer at work in it");
    throw io_error(concat(lock, ": cannot lock (", std::strerror(cause), ")"));
  }
  io::remove_leftovers(path_);
}

QUIPU_INLINE void output_folder::check(const std::filesystem::path& path, existing_run what) {
  if (what != existing_run::refuse) return;
  for (const char* name : {last_name, best_name, log_name}) {
    std::error_code trouble;
    if (!std::filesystem::exists(std::filesystem::symlink_status(path / name, trouble))) continue;
    fail<config_error>(path.string(), "a folder without a run, or --resume to go on with it, or --overwrite",
                       concat(name, " in it"));
  }
}

QUIPU_INLINE void output_folder::remove_run() const {
  std::error_code trouble;
  for (const char* name : {last_name, best_name}) {
    if (!has(name)) continue;
    const io::safetensors_file state(file(name));
    if (!state.metadata().contains("step")) fail<format_error>(file(name), "the state of a run", "another file");
  }
  static_cast<void>(read_log(0));
  for (const char* name : {log_name, best_name, last_name}) std::filesystem::remove(path_ / name, trouble);
}

QUIPU_INLINE void output_folder::log(const nlohmann::ordered_json& line) const {
  std::ofstream out(path_ / log_name, std::ios::app);
  out << line.dump() << '\n';
  out.flush();
  if (!out) throw io_error(concat(file(log_name), ": cannot write"));
}

QUIPU_INLINE void output_folder::cut_log(std::size_t step) const {
  if (!has(log_name)) return;
  const std::string text = read_log(step);
  io::write_text(file(log_name), text);
}

QUIPU_INLINE std::string output_folder::read_log(std::size_t step) const {
  if (!has(log_name)) return {};
  const mapped_file file(this->file(log_name));
  const std::string_view text = file.text();
  const auto foreign = [&](std::size_t line, const char* found) {
    fail<format_error>(concat(file.path(), ": line ", line), "a step in a run's log, {\"step\": N, ...}", found);
  };
  std::string kept;
  std::size_t number = 1;
  for (std::size_t at = 0; at < text.size(); ++number) {
    const std::size_t end = text.find('\n', at);
    const std::string_view line = text.substr(at, end - at);
    if (end == std::string_view::npos) {  // cut off in writing, if it begins as ours do
      constexpr std::string_view begin = "{\"step\":";
      if (line.substr(0, begin.size()) != begin.substr(0, line.size())) foreign(number, "something else");
      break;
    }
    const auto entry = nlohmann::json::parse(line, nullptr, false);
    if (!entry.is_object()) foreign(number, "something else");
    const auto done = entry.find("step");
    if (done == entry.end() || !done->is_number_unsigned()) foreign(number, "an object without a step");
    if (done->template get<std::size_t>() <= step) kept.append(line).append("\n");
    at = end + 1;
  }
  return kept;
}

}  // namespace quipu::train
