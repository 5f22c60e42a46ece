/// @file A gate that is judged on what was studied once.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <list>
#include <string>
#include <utility>
#include <vector>

#include <quipu/eren/study/gate_study.hpp>

#include "bench.hpp"

// A gate on some columns of what was studied.
struct candidate_gate {
  std::string name;
  q::eren::gate_model model;
  std::vector<double> scores;
  records_t records;

  candidate_gate(std::string title, q::eren::gate_model m, const std::vector<q::eren::studied_question>& studied,
                 const std::vector<std::string>& names)
      : name(std::move(title)), model(std::move(m)) {
    std::vector<std::size_t> columns;
    for (const std::string& wanted : model.names) {
      const auto at = std::find(names.begin(), names.end(), wanted);
      if (at == names.end()) q::fail<q::config_error>(name, "features that are studied (--second?)", wanted);
      columns.push_back(static_cast<std::size_t>(at - names.begin()));
    }
    for (const auto& question : studied) {
      if (!question.found) continue;
      std::vector<double> x;
      for (const std::size_t c : columns) x.push_back(question.features.at(c));
      scores.push_back(model.stack.score(x));
    }
    score(studied);
  }
  void score(const std::vector<q::eren::studied_question>& studied) {
    records = q::eren::records_of(studied, scores, model.threshold);
  }
};

inline void show_candidates(const std::list<candidate_gate>& candidates, const study_set& set, const settings& s) {
  std::vector<table_row> rows;
  for (const candidate_gate& c : candidates) rows.push_back({c.name, set.questions, c.records});
  show(rows, s);
}
