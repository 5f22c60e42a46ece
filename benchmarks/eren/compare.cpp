// Methods on the same questions, one row each.
// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <quipu/eren/study/cost_table.hpp>

#include "methods.hpp"

records_t run_method(const model_t& m, const settings& s, const study_set& set, const std::string& name) {
  for (method_group* group :
       {stack_methods, gated_methods, paper_methods, other_methods, tuned_methods, taught_methods, free_methods}) {
    if (std::optional<records_t> records = group(m, s, set, name)) return std::move(*records);
  }
  q::fail<q::config_error>("--method",
                           "stack, plain, eren, two-step, two-step-chat, one-step, always, similarity, scr, ike, mello, fine-tuned, "
                           "unedited, reader, joined, free or free-always",
                           name);
}

// Every method with every number of live edits; the unedited model answers a question once.
int compare(const settings& s) {
  const model_t m = open_model(s);
  const study_set whole = open_set(s);
  const bool ladder = s.lives.size() > 1;
  std::map<std::string, std::string> unedited;
  std::list<study_set> sets;
  std::list<records_t> results;
  std::vector<table_row> rows;
  for (const std::size_t n_live : s.lives) {
    settings one = s;
    one.n_live = n_live;
    one.unedited = &unedited;
    study_set& set = sets.emplace_back(whole);
    choose_questions(one, set);
    for (const std::string& name : s.methods) {
      const records_t& records = results.emplace_back(run_method(m, one, set, name));
      rows.push_back({ladder ? q::concat(name, ", ", n_live == 0 ? "all" : std::to_string(n_live), " live") : name,
                      set.questions, records,
                      s.fallback || name == "fine-tuned" ? q::report::preservation_rule::abstained_or_unchanged
                                                         : q::report::preservation_rule::abstained});
    }
  }
  show(rows, s);
  if (!s.fallback) return 0;
  for (const auto& row : rows) {
    const auto [rejected, identical] = q::eren::count_untouched(row.records);
    std::cout << row.name << ": " << identical << " of " << rejected
              << " questions left alone have the unedited model's answer byte for byte\n";
    if (s.batch == 1) std::cout << q::eren::cost_table(row.records).markdown();
  }
  return 0;
}
