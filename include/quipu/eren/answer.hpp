/// @file What an editor answers, and how it came to it.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <quipu/eren/gate/gate.hpp>
#include <quipu/eren/reading/reading.hpp>
#include <quipu/llama/generate.hpp>  // stop_reason
#include <quipu/notes/note.hpp>

namespace quipu::eren {

enum class answer_source : std::uint8_t {
  read_note,      ///< from notes
  own_knowledge,  ///< from the unedited model, by the application's own prompt
};
using enum answer_source;

/// Seconds by stage; of a batch, each question has its share.
struct answer_timings {
  double retrieve = 0, screen = 0, read = 0, gate = 0, fallback = 0;
  [[nodiscard]] double total() const noexcept { return retrieve + screen + read + gate + fallback; }
};

/// A note that was looked at for a question.
struct considered_note {
  notes::note_id id = notes::no_note;
  std::string text;              ///< guarded, without its final period
  double retrieval_score = 0;
  retrieval_evidence evidence;
  bool worth_reading = true;     ///< what the gate said before the reader
  reading read;                  ///< `done` if it was read; of a joint reading with the best note only
  gate_decision decision;
  bool denied = false;           ///< the note is about the question, and denies or doubts what was read in it: it is not applied
};

/// What is known about a question before the unedited model is asked.
struct consideration {
  std::string question;                  ///< as it was asked
  std::vector<considered_note> candidates;  ///< best first, as retrieved
  bool apply = false;
  std::string text;                      ///< the answer from the notes, if `apply`
  double probability = 0;                ///< that the notes answer the question
  std::vector<notes::note_id> notes;     ///< that the answer comes from, ascending
  bool joint = false;                    ///< several notes were read together
  reading joint_reading;                 ///< if `joint`, and of a chain of two notes that was tried
  std::string bridge;                    ///< what the first note of that chain led to; empty: none was tried
  std::string read_by, judged_by;        ///< by what, where reader and gate say so (`basis()`)
  answer_timings timings;
};

/// What notes about the question would answer if they did not deny or doubt it, see `notes::asserts`.
[[nodiscard]] inline std::vector<std::string> denied_words(const consideration& c) {
  std::vector<std::string> words;
  for (const considered_note& n : c.candidates) {
    if (n.denied) words.push_back(n.read.answer);
  }
  return words;
}

struct answer {
  std::string text;
  answer_source source = answer_source::own_knowledge;
  double probability = 0;             ///< that the notes answer the question, 0 if none was looked at
  std::vector<notes::note_id> notes;  ///< that the answer comes from; none for own knowledge
  consideration trace;
  llama::stop_reason stopped = llama::stop_reason::end_token;  ///< of own knowledge
};

}  // namespace quipu::eren
