/// @file A fitted gate as a C++ header: how the library's built-in weights are made.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include <quipu/eren/gate/gate_model.hpp>
#include <quipu/statistics/logistic_model.hpp>

inline std::string number_text(double value) {
  char buffer[40];
  std::snprintf(buffer, sizeof buffer, "%.9g", value);
  return buffer;
}

inline std::string number_list(const std::vector<double>& values) {
  std::string out = "{", line;
  for (const double value : values) {
    const std::string next = number_text(value) + ", ";
    if (line.size() + next.size() > 120) {
      line.pop_back();
      out += line + "\n          ";
      line.clear();
    }
    line += next;
  }
  out += line;
  if (!values.empty()) out.resize(out.size() - 2);
  return out + "}";
}

inline std::string logistic_text(const quipu::statistics::logistic_model& m) {
  return "{" + number_list(m.mean) + ",\n         " + number_list(m.deviation) + ",\n         " +
         number_list(m.weights) + ",\n         " + number_text(m.bias) + "}";
}

/// @param table  results on the development part, as Markdown
inline std::string gate_header(const quipu::eren::gate_model& m, const std::string& table) {
  std::string out =
      "/// @file Weights of the default gate; made by `eren_bench fit --header`, not by hand.\n"
      "// SPDX-License-Identifier: Apache-2.0\n#pragma once\n\n#include <quipu/eren/gate/gate_features.hpp>\n#include "
      "<quipu/eren/gate/gate_model.hpp>\n\nnamespace quipu::eren {\n\n"
      "/// The gate that was fitted on the development part of CounterFact-Hard (all notes live, the best note of BM25 "
      "read,\n"
      "/// f32 activations) with SmolLM2-135M-Instruct; the threshold has the best EQ\n"
      "/// on same-subject questions (`--judge same_subj`). There, out of fold:\n///\n";
  for (std::size_t at = 0; at < table.size();) {
    const std::size_t end = std::min(table.find('\n', at), table.size());
    out += "///     " + table.substr(at, end - at) + "\n";
    at = end + 1;
  }
  out +=
      "[[nodiscard]] inline gate_model frozen_gate_model() {\n  gate_model m;\n  m.names = lexical::names();\n  for "
      "(std::string& name : read_log_probs::names()) m.names.push_back(std::move(name));\n";
  out += "  m.stack = " + logistic_text(m.stack) + ";\n  m.cheap = " + logistic_text(m.cheap) + ";\n";
  if (m.stack.bound > 0) out += "  m.stack.bound = m.cheap.bound = " + number_text(m.stack.bound) + ";\n";
  out += "  m.threshold = " + number_text(m.threshold) + ";\n  m.cheap_threshold = " + number_text(m.cheap_threshold) +
         ";\n";
  out += "  m.probability = {" + number_text(m.probability.slope) + ", " + number_text(m.probability.offset) +
         "};\n  return m;\n}\n\n}  // namespace quipu::eren\n";
  return out;
}
