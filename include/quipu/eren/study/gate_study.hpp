/// @file Studying gates on a set of edits: every question read once, then any gate fitted and scored on it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <quipu/core/compiled.hpp>
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
[[nodiscard]] std::string pack_halves(std::span<const float> values);
/// @throws format_error
[[nodiscard]] std::vector<float> unpack_halves(std::string_view text, const std::string& place);

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
[[nodiscard]] std::vector<gate_sample> samples_of(std::span<const data::edit_case> cases,
                                                  std::span<const evaluation_question> questions,
                                                  std::span<const studied_question> studied,
                                                  std::span<const std::size_t> columns = {});

/// Records of a gate that applies a reading if its score is at least `threshold`.
/// @param scores  of those questions for which a note was read, in order
[[nodiscard]] std::vector<evaluation_record> records_of(std::span<const studied_question> studied,
                                                        std::span<const double> scores, double threshold);

/// EQ over all unrelated questions as a function of the threshold: what thresholds are chosen by. Groups are
/// weighted as in the full set.
[[nodiscard]] gate_quality quality_of(std::span<const evaluation_question> questions,
                                      std::span<const studied_question> studied,
                                      std::map<std::string, double> weights = full_set_weights());

}  // namespace quipu::eren

#if !defined(QUIPU_COMPILED)
#include <quipu/eren/study/gate_study.ipp>
#endif
