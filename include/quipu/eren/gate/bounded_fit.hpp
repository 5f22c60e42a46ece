/// @file How gates are fitted that are to hold beyond what they were fitted on: bounded, and monotone where sense demands it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <quipu/eren/gate/gate_samples.hpp>

namespace quipu::eren {

/// Options for gates of `lexical` and `read_log_probs`: features count up to two standard deviations; more of the question
/// found in the note, or a likelier answer, never lowers the score; more of it missing, or a likelier abstention, never raises it.
[[nodiscard]] inline gate_fit_options bounded_fit() {
  gate_fit_options options;
  options.bound = 2;
  options.rising = {"bm25",      "bm25_gap",    "char",     "char_gap",  "q_idf_covered", "n_hit", "idf_hit", "frac_hit", "idf_frac_hit",
                    "char4_resid", "topic_len", "topic_idf", "prep_shared",   "ans_v", "ans_v-u", "ans_v/n"};
  options.falling = {"n_unmatched", "idf_unmatched", "n_note_resid", "prep_unmatched", "ans_u"};
  return options;
}

}  // namespace quipu::eren
