// What gate_study.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/scalar.hpp>
#include <quipu/eren/gate/gate_samples.hpp>
#include <quipu/eren/gate_workshop.hpp>
#include <quipu/eren/study/evaluate.hpp>
#include <quipu/eren/study/evaluation_scores.hpp>
#include <quipu/eren/study/gate_study.hpp>
#include <quipu/io/resumable_run.hpp>
#include <quipu/report/answer_match.hpp>

namespace quipu::eren {

QUIPU_INLINE std::string pack_halves(std::span<const float> values) {
  constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const float v : values) {
    const std::uint16_t bits = f16(v).bits;
    for (int shift = 12; shift >= 0; shift -= 4) out += digits[bits >> shift & 15];
  }
  return out;
}

QUIPU_INLINE std::vector<float> unpack_halves(std::string_view text, const std::string& place) {
  std::vector<float> values;
  if (text.size() % 4 != 0) fail<format_error>(place, "four digits a number", text.size());
  for (std::size_t at = 0; at < text.size(); at += 4) {
    std::uint16_t bits = 0;
    for (std::size_t i = at; i < at + 4; ++i) {
      const char c = text[i];
      const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
      if (digit < 0) fail<format_error>(place, "hexadecimal digits", static_cast<int>(c));
      bits = static_cast<std::uint16_t>(bits << 4 | digit);
    }
    values.push_back(static_cast<float>(f16::from_bits(bits)));
  }
  return values;
}

QUIPU_INLINE std::vector<gate_sample> samples_of(std::span<const data::edit_case> cases,
                                                 std::span<const evaluation_question> questions,
                                                 std::span<const studied_question> studied,
                                                 std::span<const std::size_t> columns) {
  std::vector<gate_sample> samples;
  for (std::size_t i = 0; i < studied.size(); ++i) {
    if (!studied[i].found) continue;
    gate_sample s;
    if (columns.empty()) s.features = studied[i].features;
    for (const std::size_t c : columns) s.features.push_back(studied[i].features.at(c));
    s.hidden = studied[i].hidden;
    s.positive = questions[i].kind == question_kind::in_scope && studied[i].own_note;
    s.group = cases[questions[i].edit].id;
    samples.push_back(std::move(s));
  }
  return samples;
}

QUIPU_INLINE std::vector<evaluation_record> records_of(std::span<const studied_question> studied,
                                                       std::span<const double> scores, double threshold) {
  std::vector<evaluation_record> records;
  std::size_t next = 0;
  for (const studied_question& s : studied) {
    evaluation_record r;
    if (s.found) {
      r.read = true;
      r.reading = s.answer;
      if (next >= scores.size()) fail<shape_error>("records_of: scores", concat("more than ", next), scores.size());
      r.score = scores[next++];
      r.applied = r.score >= threshold;
      r.own_note = r.applied && s.own_note;
      if (r.applied) r.text = s.answer;
    }
    records.push_back(std::move(r));
  }
  return records;
}

QUIPU_INLINE gate_quality quality_of(std::span<const evaluation_question> questions,
                                     std::span<const studied_question> studied,
                                     std::map<std::string, double> weights) {
  return [questions, studied, weights = std::move(weights)](double threshold, std::span<const double> scores) {
    double n_scope = 0, n_right = 0;
    std::map<std::string, std::array<double, 2>> groups;  // kept, all
    std::size_t next = 0;
    for (std::size_t i = 0; i < studied.size(); ++i) {
      const bool applied = studied[i].found && scores[next] >= threshold;
      next += studied[i].found ? 1 : 0;
      if (questions[i].kind == question_kind::in_scope) {
        ++n_scope;
        n_right += applied && studied[i].right ? 1 : 0;
      } else if (questions[i].kind == question_kind::unrelated) {
        auto& [kept, n] = groups[questions[i].group];
        kept += applied ? 0 : 1;
        ++n;
      }
    }
    double preserved = 0, total = 0;
    for (const auto& [name, counts] : groups) {
      const auto weight = weights.find(name);
      const double w = weight == weights.end() ? counts[1] : weight->second;
      preserved += w * counts[0] / counts[1];
      total += w;
    }
    if (n_scope == 0 || total == 0) return 0.0;
    const double es = n_right / n_scope, bp = preserved / total;
    return es + bp > 0 ? 2 * es * bp / (es + bp) : 0.0;
  };
}

}  // namespace quipu::eren
