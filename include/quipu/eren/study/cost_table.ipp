// What cost_table.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include <quipu/eren/answer.hpp>
#include <quipu/eren/study/cost_table.hpp>
#include <quipu/eren/study/evaluation_record.hpp>
#include <quipu/report/bootstrap.hpp>
#include <quipu/report/table.hpp>

namespace quipu::eren {

QUIPU_INLINE report::table cost_table(std::span<const evaluation_record> records) {
  report::table out({{"questions that were"},
                     {"n", 0},
                     {"retrieve"},
                     {"screen"},
                     {"read"},
                     {"gate"},
                     {"fallback"},
                     {"all"},
                     {"unedited"},
                     {"ratio", 2}});
  const auto add = [&](const char* name, auto&& belongs) {
    std::vector<const evaluation_record*> chosen;
    for (const evaluation_record& r : records) {
      if (r.unedited_seconds > 0 && belongs(r)) chosen.push_back(&r);
    }
    const auto median = [&](auto&& value) -> report::cell {
      if (chosen.empty()) return {};
      std::vector<double> values;
      values.reserve(chosen.size());
      for (const evaluation_record* r : chosen) values.push_back(value(*r));
      std::sort(values.begin(), values.end());
      return report::sorted_quantile(values, 0.5);
    };
    const auto stage = [&](double answer_timings::*member) {
      return median([member](const evaluation_record& r) { return 1000 * r.timings.*member; });
    };
    out.add_row({name, static_cast<std::int64_t>(chosen.size()), stage(&answer_timings::retrieve),
                 stage(&answer_timings::screen), stage(&answer_timings::read), stage(&answer_timings::gate),
                 stage(&answer_timings::fallback),
                 median([](const evaluation_record& r) { return 1000 * r.timings.total(); }),
                 median([](const evaluation_record& r) { return 1000 * r.unedited_seconds; }),
                 median([](const evaluation_record& r) { return r.timings.total() / r.unedited_seconds; })});
  };
  // A stage that is not entered takes some microseconds of bookkeeping.
  const auto was_read = [](const evaluation_record& r) { return r.timings.read > 1e-3; };
  add("not read", [&](const evaluation_record& r) { return !r.applied && !was_read(r); });
  add("read, left alone", [&](const evaluation_record& r) { return !r.applied && was_read(r); });
  add("answered from a note", [](const evaluation_record& r) { return r.applied; });
  return out;
}

}  // namespace quipu::eren
