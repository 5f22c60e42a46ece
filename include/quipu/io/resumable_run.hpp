/// @file A long list of pieces done in portions, each portion kept in a file as soon as it is done.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/core/error.hpp>
#include <quipu/core/progress.hpp>
#include <quipu/io/resumable_log.hpp>

namespace quipu::io {

struct resumable_run_options {
  std::string path = {};            ///< file of finished pieces; continued if it is there. Empty: none
  std::string run = {};             ///< names the run in that file; another one's file is refused
  std::string_view stage = {};      ///< for `progress`
  std::size_t batch = 16;           ///< pieces of a portion; 0 counts as 1
  progress_callback progress = {};  ///< false stops; what is done is kept in the file
};

/// Does pieces 0 .. n - 1 in order, from the first one that the file does not have.
///
/// @param read   (const log_fields&) -> Record, of a line of the file
/// @param write  (const Record&) -> nlohmann::ordered_json, the line
/// @param work   (first, count) -> the records of so many pieces, in order
/// @return in order; shorter if `progress` stopped it
/// @throws format_error, config_error, io_error  the file is damaged, belongs to another run, or cannot be written
template <class Record, class Read, class Write, class Work>
[[nodiscard]] std::vector<Record> run_resumable(std::size_t n, const resumable_run_options& options, Read&& read,
                                                Write&& write, Work&& work) {
  std::vector<Record> records;
  resumable_log log(options.path, options.run);
  for (const nlohmann::json& line : log.lines()) records.push_back(read(log_fields(line, options.path)));
  if (records.size() > n) fail<format_error>(options.path, concat("at most ", n, " records"), records.size());
  while (records.size() < n) {
    if (!report_progress(options.progress, {options.stage, records.size(), n})) return records;
    const std::size_t count = std::min(std::max<std::size_t>(1, options.batch), n - records.size());
    std::vector<Record> some = work(records.size(), count);
    if (some.size() != count) fail<shape_error>("run_resumable: records of a portion", count, some.size());
    for (Record& r : some) {
      log.append(write(std::as_const(r)));
      records.push_back(std::move(r));
    }
    log.flush();
  }
  static_cast<void>(report_progress(options.progress, {options.stage, records.size(), n}));
  return records;
}

}  // namespace quipu::io
