// What evaluate.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>

#include <quipu/core/clock.hpp>
#include <quipu/core/error.hpp>
#include <quipu/core/progress.hpp>
#include <quipu/eren/answer.hpp>
#include <quipu/eren/study/evaluate.hpp>
#include <quipu/eren/study/evaluation_questions.hpp>
#include <quipu/eren/study/evaluation_record.hpp>
#include <quipu/io/resumable_run.hpp>

namespace quipu::eren {

namespace detail {

QUIPU_INLINE evaluation_record record_of(const io::log_fields& in) {
  evaluation_record r;
  r.applied = in.flag("applied");
  r.own_note = in.flag("own_note");
  r.read = in.flag("read");
  r.probability = in.number("p");
  r.score = in.number("score");
  r.text = in.text("text");
  r.reading = in.text("reading");
  r.unedited = in.text("unedited");
  r.timings = {in.number("t_retrieve"), in.number("t_screen"), in.number("t_read"), in.number("t_gate"),
               in.number("t_fallback")};
  r.unedited_seconds = in.number("t_unedited");
  return r;
}

QUIPU_INLINE nlohmann::ordered_json line_of(const evaluation_record& r) {
  return {{"applied", r.applied},
          {"own_note", r.own_note},
          {"read", r.read},
          {"p", r.probability},
          {"score", r.score},
          {"text", r.text},
          {"reading", r.reading},
          {"unedited", r.unedited},
          {"t_retrieve", r.timings.retrieve},
          {"t_screen", r.timings.screen},
          {"t_read", r.timings.read},
          {"t_gate", r.timings.gate},
          {"t_fallback", r.timings.fallback},
          {"t_unedited", r.unedited_seconds}};
}

QUIPU_INLINE void judge(const consideration& c, evaluation_record& r) {
  const considered_note* best = nullptr;
  for (const considered_note& n : c.candidates) {
    if (n.read.done && (best == nullptr || n.decision.score > best->decision.score)) best = &n;
  }
  r.read = best != nullptr || c.apply;  // an editor of another kind may apply what it never ranked
  if (best != nullptr) {
    r.score = best->decision.score;
    r.reading = best->read.answer;
  }
  if (c.apply) r.reading = c.text;
}

}  // namespace detail

}  // namespace quipu::eren
