// What resumable_log.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/core/error.hpp>
#include <quipu/core/json_text.hpp>
#include <quipu/core/mapped_file.hpp>
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
  std::size_t keep = 0;
  struct ::stat info {};
  if (::stat(path_.c_str(), &info) == 0 && info.st_size > 0) {
    const mapped_file file(path_);
    const std::string_view text = file.text();
    for (std::size_t at = 0, end; (end = text.find('\n', at)) != std::string_view::npos; at = end + 1) {
      nlohmann::json line =
          parse_json(text.substr(at, end - at), concat(path_, ": line ", lines_.size() + (keep == 0 ? 1 : 2)));
      if (keep == 0) {
        const std::string found = log_fields(line, path_).text("run");
        if (found != run) fail<config_error>(path_, concat("the run '", run, "'"), printable(found));
      } else {
        lines_.push_back(std::move(line));
      }
      keep = end + 1;
    }
  }
  descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor_ < 0 || ::ftruncate(descriptor_, static_cast<off_t>(keep)) != 0 ||
      ::lseek(descriptor_, 0, SEEK_END) < 0) {
    throw io_error(concat(path_, ": cannot write"));
  }
  if (keep == 0) {
    append({{"run", run}});
    flush();
  }
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
    if (n <= 0) throw io_error(concat(path_, ": cannot write"));
    done += static_cast<std::size_t>(n);
  }
  pending_.clear();
}

}  // namespace quipu::io
