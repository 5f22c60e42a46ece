/// @file The rows of one set: methods on its questions, with what belongs to the set's kind.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/eren/study/evaluation_measures.hpp>

#include "bench.hpp"

/// One set to be measured.
struct set_job {
  std::string title, set, data;
  std::vector<std::string> methods;
  std::map<std::string, std::size_t> n_edit = {};  // by method; 0 and not named: all
  std::string part = {};                           // empty: as is usual for the set
  bool declarative = false;                        // only the edits whose notes are statements, the others are not live either
  std::size_t n_untouched = 0;                     // edits for which the unedited model is run beside the stack
};

struct set_rows {
  std::vector<q::eren::measured_editor> eren, easyedit;
  std::string details;       // Markdown: remarks, reliability tables, untouched answers, costs
  std::string stopped;       // what was not done when the time was over; empty: all is there
};

/// The edits of a job; `remarks` gets what its reader has to say.
[[nodiscard]] study_set open_job(const set_job& job, std::vector<std::string>& remarks);
/// Settings for one method of a job: which questions, and where the finished ones are kept.
[[nodiscard]] settings settings_of(const settings& s, const set_job& job, const std::string& method,
                                   const std::string& run);
/// @param s  with a deadline it may stop in between, and goes on from the files of `resume`
[[nodiscard]] set_rows measure_set(const model_t& m, const settings& s, const set_job& job);
/// Lower case letters, digits and bars.
[[nodiscard]] std::string file_part(const std::string& title);

/// What tables and details are, as a page and as numbers.
struct row_page {
  std::string markdown;
  nlohmann::ordered_json json;
};
[[nodiscard]] row_page page_of(const std::vector<set_rows>& all);
