/// @file What came out for one question of an evaluation.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <quipu/eren/answer.hpp>

namespace quipu::eren {

/// What came out for one question.
struct evaluation_record {
  bool applied = false;
  bool own_note = false;  ///< one of the edit's own notes was used
  bool read = false;      ///< a note was read; false: none was found, or the gate found none worth reading
  double probability = 0;
  double score = 0;      ///< of the gate, for the best note that was read
  std::string text;      ///< final answer; empty if abstaining and the fallback was not run
  std::string reading;   ///< what the reading says that was judged best, applied or not; empty if none was
  std::string unedited;  ///< the unedited model's answer, if it was run
  answer_timings timings;
  double unedited_seconds = 0;  ///< that its answer took; 0 if it was not run, or known from an earlier question
};

}  // namespace quipu::eren
