// The rows of one set of any kind: the default stack, the similarity threshold and plain prompting.
// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <string>

#include <quipu/core/clock.hpp>
#include <quipu/io/atomic_file.hpp>

#include "set_rows.hpp"

int row(const settings& given) {
  settings s = given;
  if (s.minutes > 0) s.deadline = q::steady_seconds() + 60 * s.minutes;
  const model_t m = open_model(s);
  set_job job{.title = s.set, .set = s.set, .data = s.data, .methods = s.methods};
  job.part = s.part;
  job.declarative = s.declarative;
  job.n_untouched = s.n_untouched;
  const bool whole = s.set == "xquad" || s.set == "everyday";  // few questions an edit
  for (const std::string& method : s.methods) job.n_edit[method] = s.edits.empty() ? (whole ? 0 : 100) : s.edits.front();
  const set_rows rows = measure_set(m, s, job);
  if (!rows.stopped.empty()) {
    std::cout << "not finished: " << rows.stopped << "; the same command goes on\n";
    return not_finished;
  }
  const row_page page = page_of({rows});
  std::cout << page.markdown;
  if (s.report.empty()) return 0;
  q::io::write_text(s.report + ".md", page.markdown);
  q::io::write_text(s.report + ".json", page.json.dump(1));
  return 0;
}
