/// @file Running an editor over the questions of a set of edits.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <quipu/core/clock.hpp>
#include <quipu/core/compiled.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/progress.hpp>
#include <quipu/eren/answer.hpp>
#include <quipu/eren/study/evaluation_questions.hpp>
#include <quipu/eren/study/evaluation_record.hpp>
#include <quipu/io/resumable_run.hpp>

namespace quipu::eren {

/// When questions that no note should change count as kept.
enum class evaluation_protocol : std::uint8_t {
  abstention_is_preserved,  ///< the paper's: no fallback is run, abstaining counts
  run_fallback,             ///< every answer is compared with the unedited model's
};

struct evaluation_options {
  evaluation_protocol protocol = evaluation_protocol::abstention_is_preserved;
  std::string resume = {};       ///< file of finished questions; continued if it is there. Empty: none
  std::string fingerprint = {};  ///< names the run in that file; another one's file is refused
  std::size_t batch = 16;
  progress_callback progress = {};  ///< false stops; what is done is kept in the file
  /// Answers of the unedited model by question, shared between runs
  std::map<std::string, std::string>* unedited = nullptr;
};

namespace detail {

evaluation_record record_of(const io::log_fields& in);

nlohmann::ordered_json line_of(const evaluation_record& r);

/// Was a note read, how was the best one judged, and what does it say?
void judge(const consideration& c, evaluation_record& r);

}  // namespace detail

/// Asks an editor all questions.
/// @return records in the order of the questions; shorter if `progress` stopped it
/// @throws format_error, config_error  the file to resume from is damaged or belongs to another run
template <class Editor>
[[nodiscard]] std::vector<evaluation_record> evaluate(Editor& editor, std::span<const evaluation_question> questions,
                                                      std::span<const std::vector<notes::note_id>> ids,
                                                      const evaluation_options& options = {}) {
  std::map<std::string, std::string> own_memory;
  std::map<std::string, std::string>& unedited = options.unedited != nullptr ? *options.unedited : own_memory;
  const auto work = [&](std::size_t first, std::size_t count) {
    const auto some = questions.subspan(first, count);
    std::vector<std::string> texts;
    for (const evaluation_question& q : some) texts.push_back(q.question);
    std::vector<consideration> considered = editor.consider(texts);
    std::vector<evaluation_record> records;
    for (std::size_t i = 0; i < count; ++i) {
      evaluation_record r;
      r.applied = considered[i].apply;
      r.probability = considered[i].probability;
      detail::judge(considered[i], r);
      for (const notes::note_id id : considered[i].notes) {
        const auto& own = ids[some[i].edit];
        r.own_note = r.own_note || std::find(own.begin(), own.end(), id) != own.end();
      }
      r.timings = considered[i].timings;
      if (options.protocol == evaluation_protocol::run_fallback) {
        if (const auto known = unedited.find(some[i].question); known != unedited.end()) {
          r.unedited = known->second;
        } else {
          const double begin = steady_seconds();
          r.unedited = unedited[some[i].question] = editor.direct(some[i].question).text;
          r.unedited_seconds = steady_seconds() - begin;
        }
        answer a = editor.answer(std::move(considered[i]));
        r.text = std::move(a.text);
        r.timings = a.trace.timings;
      } else if (r.applied) {
        r.text = considered[i].text;
      }
      records.push_back(std::move(r));
    }
    return records;
  };
  return io::run_resumable<evaluation_record>(
      questions.size(),
      {.path = options.resume,
       .run = concat("evaluation ", options.fingerprint, " ", questions.size(), " questions"),
       .stage = "evaluating",
       .batch = options.batch,
       .progress = options.progress},
      detail::record_of, detail::line_of, work);
}

}  // namespace quipu::eren

#if !defined(QUIPU_COMPILED)
#include <quipu/eren/study/evaluate.ipp>
#endif
