/// @file Studying gates on a set of edits: every question read once, then any gate fitted and scored on it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quipu/core/error.hpp>
#include <quipu/core/scalar.hpp>  // f16
#include <quipu/eren/gate/gate_samples.hpp>
#include <quipu/eren/gate_workshop.hpp>
#include <quipu/eren/study/evaluate.hpp>
#include <quipu/eren/study/evaluation_scores.hpp>  // full_set_weights
#include <quipu/io/resumable_run.hpp>
#include <quipu/report/answer_match.hpp>

namespace quipu::eren {

/// A question with what an always-open gate would have answered, and what a gate would have seen.
struct studied_question {
  bool found = false;      ///< a note was read
  bool own_note = false;   ///< it is one of the edit's own
  bool right = false;      ///< the reading is an accepted answer
  notes::note_id note = notes::no_note;
  std::string answer;
  std::vector<double> features;
  std::vector<float> hidden;
};

/// Hidden states as text: four hexadecimal digits of an f16 each.
[[nodiscard]] inline std::string pack_halves(std::span<const float> values) {
  constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const float v : values) {
    const std::uint16_t bits = f16(v).bits;
    for (int shift = 12; shift >= 0; shift -= 4) out += digits[bits >> shift & 15];
  }
  return out;
}
/// @throws format_error
[[nodiscard]] inline std::vector<float> unpack_halves(std::string_view text, const std::string& place) {
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

/// Reads all questions with an editor whose gate has the features to study; it need not be fitted.
/// @return in the order of the questions; shorter if `progress` stopped it
/// @throws as `evaluate`
template <class Editor>
[[nodiscard]] std::vector<studied_question> study(Editor& editor, std::span<const evaluation_question> questions,
                                                  std::span<const std::vector<notes::note_id>> ids,
                                                  const evaluation_options& options = {}) {
  const auto read = [&](const io::log_fields& in) {
    return studied_question{in.flag("found"),
                            in.flag("own_note"),
                            in.flag("right"),
                            static_cast<notes::note_id>(in.number("note")),
                            in.text("answer"),
                            in.numbers("features"),
                            unpack_halves(in.text("hidden"), options.resume)};
  };
  const auto write = [](const studied_question& s) -> nlohmann::ordered_json {
    return {{"found", s.found},
            {"own_note", s.own_note},
            {"right", s.right},
            {"note", s.note},
            {"answer", s.answer},
            {"features", s.features},
            {"hidden", pack_halves(s.hidden)}};
  };
  const auto work = [&](std::size_t first, std::size_t count) {
    const auto some = questions.subspan(first, count);
    std::vector<std::string> texts;
    for (const evaluation_question& q : some) texts.push_back(q.question);
    const std::vector<examined_question> examined = gate_workshop(editor).examine(texts);
    std::vector<studied_question> studied;
    for (std::size_t i = 0; i < count; ++i) {
      const examined_question& x = examined[i];
      const auto& own = ids[some[i].edit];
      studied.push_back({x.found, x.found && std::find(own.begin(), own.end(), x.note) != own.end(),
                         x.found && report::matches_any(x.answer, some[i].accepted), x.note, x.answer, x.features,
                         x.hidden});
    }
    return studied;
  };
  return io::run_resumable<studied_question>(
      questions.size(),
      {.path = options.resume,
       .run = concat("study ", options.fingerprint, " ", questions.size(), " questions"),
       .stage = "reading",
       .batch = options.batch,
       .progress = options.progress},
      read, write, work);
}

/// Samples of the questions for which a note was read; positive if it is the edit's own and the question
/// in its scope. Groups are edits.
/// @param columns  indices of the features to keep; empty: all
[[nodiscard]] inline std::vector<gate_sample> samples_of(std::span<const data::edit_case> cases,
                                                         std::span<const evaluation_question> questions,
                                                         std::span<const studied_question> studied,
                                                         std::span<const std::size_t> columns = {}) {
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

/// Records of a gate that applies a reading if its score is at least `threshold`.
/// @param scores  of those questions for which a note was read, in order
[[nodiscard]] inline std::vector<evaluation_record> records_of(std::span<const studied_question> studied,
                                                               std::span<const double> scores, double threshold) {
  std::vector<evaluation_record> records;
  std::size_t next = 0;
  for (const studied_question& s : studied) {
    evaluation_record r;
    if (s.found) {
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

/// EQ over all unrelated questions as a function of the threshold: what thresholds are chosen by. Groups are
/// weighted as in the full set.
[[nodiscard]] inline gate_quality quality_of(std::span<const evaluation_question> questions,
                                             std::span<const studied_question> studied,
                                             std::map<std::string, double> weights = full_set_weights()) {
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
