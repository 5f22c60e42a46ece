/// @file A question with its notes, and what a reader made of them.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <quipu/eren/reading/asked_question.hpp>

namespace quipu::eren {

/// A question to answer from notes. The notes are guarded (see `guarded`).
struct reading_task {
  asked_question question;
  std::vector<std::string> notes;  ///< best first, without final periods; at least one
};

/// What gates may want from a reading besides the answer.
struct reading_wishes {
  std::optional<std::size_t> hidden_depth = {};  ///< blocks after which the prompt's last token is taken, 1 .. n_layer
  bool first_logits = false;                     ///< the logits after the prompt
};

struct reading {
  bool done = false;  ///< false if the prompt did not fit into the context; then nothing else is set
  std::string answer = {};
  bool abstained = false;   ///< the reader itself says that the notes hold no answer
  double log_p_answer = 0;  ///< nats, sum over the answer's tokens, after the prompt
  /// Nats, of the word for "no answer": of its first token, or of all as the reader's options say
  double log_p_abstain = 0;
  std::size_t n_token = 0;               ///< of the answer
  std::size_t n_prompt = 0;              ///< tokens
  std::size_t n_computed = 0;            ///< of them, not taken from a cache
  std::vector<float> hidden = {};        ///< (d_model), if wished for
  std::vector<float> first_logits = {};  ///< (n_vocab), if wished for
  std::string prompt_text = {};          ///< for people
};

/// How a reader wants the notes of a question.
enum class note_grouping : std::uint8_t {
  one_by_one,  ///< each note on its own; the gate decides which one counts
  together,    ///< all notes of a question in one prompt
};

}  // namespace quipu::eren
