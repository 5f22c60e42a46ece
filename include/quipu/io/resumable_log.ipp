// What resumable_log.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/core/error.hpp>
#include <quipu/core/json_text.hpp>
#include <quipu/core/mapped_file.hpp>
#include <quipu/core/printable.hpp>
#include <quipu/io/output_place.hpp>
#include <quipu/io/resumable_log.hpp>

namespace quipu::io {

QUIPU_INLINE const nlohmann::json& log_fields::field(const char* name) const {
  const auto found = line_.is_object() ? line_.find(name) : line_.end();
  if (found == line_.end()) fail<format_error>(place_, concat("a field '", name, "'"), "none");
  return *found;
}

QUIPU_INLINE bool log_fields::flag(const char* name) const {
  if (!field(name).is_boolean())
    fail<format_error>(concat(place_, ".", name), "true or false", field(name).type_name());
  return field(name).get<bool>();
}

QUIPU_INLINE double log_fields::number(const char* name) const {
  if (!field(name).is_number()) fail<format_error>(concat(place_, ".", name), "a number", field(name).type_name());
  return field(name).get<double>();
}

QUIPU_INLINE std::string log_fields::text(const char* name) const {
  if (!field(name).is_string()) fail<format_error>(concat(place_, ".", name), "a string", field(name).type_name());
  return field(name).get<std::string>();
}

QUIPU_INLINE std::vector<double> log_fields::numbers(const char* name) const {
  if (!field(name).is_array()) fail<format_error>(concat(place_, ".", name), "an array", field(name).type_name());
  std::vector<double> all;
  for (const auto& v : field(name)) {
    if (!v.is_number()) fail<format_error>(concat(place_, ".", name), "numbers", v.type_name());
    all.push_back(v.get<double>());
  }
  return all;
}

QUIPU_INLINE resumable_log::resumable_log(std::string path, const std::string& run) : path_(std::move(path)) {
  if (path_.empty()) return;
  const nlohmann::ordered_json first = {{"run", run}};
  const std::string header = first.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  // Without O_NONBLOCK a pipe of this name would wait for a reader.
  descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0666);
  if (descriptor_ < 0) refuse("cannot open");
  try {
    struct ::stat info {};
    if (::fstat(descriptor_, &info) != 0) refuse("cannot read");
    if (!S_ISREG(info.st_mode)) fail<io_error>(path_, "a regular file", "something else");
    if (const lock_state state = try_lock(descriptor_); state == lock_state::taken)
      fail<io_error>(path_, "a log of this process alone", "another process at work with it");
    if (info.st_size > 0) size_ = read(run, header);
    if (::ftruncate(descriptor_, static_cast<off_t>(size_)) != 0 || ::lseek(descriptor_, 0, SEEK_END) < 0)
      refuse("cannot write");
    if (size_ == 0) {
      pending_ = header;
      flush();
    }
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

QUIPU_INLINE std::size_t resumable_log::read(const std::string& run, const std::string& header) {
  std::size_t whole = 0;
  const mapped_file file(path_);
  const std::string_view text = file.text();
  for (std::size_t at = 0, end; (end = text.find('\n', at)) != std::string_view::npos; at = end + 1) {
    nlohmann::json line =
        parse_json(text.substr(at, end - at), concat(path_, ": line ", lines_.size() + (whole == 0 ? 1 : 2)));
    if (whole == 0) {
      const std::string found = log_fields(line, path_).text("run");
      if (found != run) fail<config_error>(path_, concat("the run '", run, "'"), printable(found));
    } else {
      lines_.push_back(std::move(line));
    }
    whole = end + 1;
  }
  // Only a beginning of our own first line is one that was cut off in writing.
  if (whole == 0 && !header.starts_with(text))
    fail<format_error>(path_, "a log that begins with a line {\"run\": ...}", "another file, which stays as it is");
  return whole;
}

QUIPU_INLINE void resumable_log::refuse(const char* what) {
  throw io_error(concat(path_, ": ", what, " (", std::strerror(errno), ")"));
}

QUIPU_INLINE resumable_log::~resumable_log() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

QUIPU_INLINE void resumable_log::append(const nlohmann::ordered_json& line) {
  if (descriptor_ < 0) return;
  pending_ += line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  pending_ += '\n';
}

QUIPU_INLINE void resumable_log::flush() {
  for (std::size_t done = 0; done < pending_.size();) {
    const auto n = ::write(descriptor_, pending_.data() + done, pending_.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      const int cause = errno;
      // Half of it would be doubled by another try.
      if (::ftruncate(descriptor_, static_cast<off_t>(size_)) == 0) ::lseek(descriptor_, 0, SEEK_END);
      errno = cause;
      refuse("cannot write");
    }
    done += static_cast<std::size_t>(n);
  }
  size_ += pending_.size();
  pending_.clear();
}

}  // namespace quipu::io
