/// @file Examples about the same notes in one sequence, so that the notes are computed once for several questions.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <quipu/core/crc32.hpp>
#include <quipu/core/error.hpp>
#include <quipu/eren/reading/prompt.hpp>
#include <quipu/eren/reading/read_prompts.hpp>
#include <quipu/eren/teach/reader_examples.hpp>
#include <quipu/train/example_source.hpp>

namespace quipu::eren {

struct packing_options {
  std::size_t n_question = 6;  ///< in a sequence at most
  std::size_t n_token = 320;   ///< of a sequence of several questions at most
  std::size_t n_longest = 0;   ///< questions of more tokens are left out; 0: none
  std::uint32_t round = 0;     ///< another number packs the questions in another order
};

/// The examples of `encode_examples`, several in a sequence where their notes are the same: the notes, then questions
/// with their answers one after the other. No answer stands twice in a sequence, else it could be copied from the question
/// before. Weights are as in `encode_examples`: answers and abstentions count alike, and so does each example of a kind.
/// @throws config_error  examples of one kind only
template <read_prompt Prompt = plain_note_prompt, text::tokenizer Tokenizer>
  requires plain_read_prompt<Prompt>
[[nodiscard]] train::example_list pack_examples(const Tokenizer& tokenizer, std::span<const reader_example> examples,
                                                const packing_options& options = {}, const Prompt& words = {}) {
  struct pack {
    train::example sequence;
    std::vector<std::string> answers;
    std::size_t n_question = 0;
  };
  const std::size_t n_answer = static_cast<std::size_t>(
      std::count_if(examples.begin(), examples.end(), [](const reader_example& e) { return e.answers; }));
  if (n_answer == 0 || n_answer == examples.size()) {
    fail<config_error>("pack_examples", "notes that answer and notes that do not",
                       concat(n_answer, " of ", examples.size(), " that answer"));
  }
  std::vector<std::size_t> order(examples.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const std::string salt = concat(options.round);
  std::vector<std::uint32_t> sums;
  for (const reader_example& e : examples) sums.push_back(crc32(e.question, crc32(salt)));
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return sums[a] < sums[b]; });

  const prompt_form form;
  std::vector<pack> packs;
  std::map<std::vector<std::string>, std::vector<std::size_t>> open;  // packs of the same notes
  for (const std::size_t i : order) {
    const reader_example& e = examples[i];
    std::vector<token_id> answer = continuation_ids(tokenizer, ":", " " + e.answer);
    if (tokenizer.eos() != no_token) answer.push_back(tokenizer.eos());
    const std::size_t n_kind = e.answers ? n_answer : examples.size() - n_answer;
    const double weight =
        0.5 * static_cast<double>(examples.size()) / static_cast<double>(n_kind) / static_cast<double>(answer.size());
    const auto append = [&](train::example& to, std::span<const token_id> read) {
      const train::example one = train::prompt_and_answer(read, answer);
      to.tokens.insert(to.tokens.end(), one.tokens.begin(), one.tokens.end());
      to.labels.insert(to.labels.end(), one.labels.begin(), one.labels.end());
      to.weights.resize(to.tokens.size(), weight);
    };
    // Without notes the prompt is the question alone.
    const std::string again = "\n" + form.text(words({}, e.question));
    const std::vector<token_id> next = continuation_ids(tokenizer, ".", again);
    std::vector<std::size_t>& of_notes = open[e.notes];
    const auto takes = [&](std::size_t p) {
      const bool known = e.answers && std::find(packs[p].answers.begin(), packs[p].answers.end(), e.answer) != packs[p].answers.end();
      return !known && packs[p].n_question < options.n_question &&
             packs[p].sequence.tokens.size() + next.size() + answer.size() <= options.n_token;
    };
    const auto found = std::find_if(of_notes.begin(), of_notes.end(), takes);
    std::size_t at = packs.size();
    if (found != of_notes.end()) {
      at = *found;
      append(packs[at].sequence, next);
    } else {
      pack fresh;
      append(fresh.sequence, form.encode(tokenizer, words(e.notes, e.question)));
      if (options.n_longest != 0 && fresh.sequence.tokens.size() > options.n_longest) continue;
      of_notes.push_back(at);
      packs.push_back(std::move(fresh));
    }
    pack& taken = packs[at];
    ++taken.n_question;
    if (e.answers) taken.answers.push_back(e.answer);
  }
  train::example_list all;
  for (pack& p : packs) all.push_back(std::move(p.sequence));
  return all;
}

}  // namespace quipu::eren
