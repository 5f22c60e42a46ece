/// @file Texts of a task as a model sees them: tokens in a template, the rows that stand for each, its class.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <quipu/conpet/row_choice.hpp>
#include <quipu/conpet/text_template.hpp>
#include <quipu/core/error.hpp>
#include <quipu/data/task_stream.hpp>
#include <quipu/llama/row_pool.hpp>
#include <quipu/llama/training_batch.hpp>
#include <quipu/pet/key_hash.hpp>

namespace quipu::conpet {

/// One text, ready for passes.
struct encoded_example {
  std::vector<token_id> tokens;
  llama::row_range rows;   ///< whose mean is classified
  std::size_t task = 0;    ///< of the learner
  std::size_t label = 0;   ///< among the classes of the task
};

/// A key of the tokens alone, for caches of rows.
[[nodiscard]] inline std::uint64_t token_key(std::span<const token_id> tokens) {
  pet::key_hash hash;
  hash.add_value(static_cast<std::uint64_t>(tokens.size()));
  hash.add(std::as_bytes(tokens));
  return hash.value();
}

/// @throws format_error, config_error  as the template
template <class Tokenizer, class Template, row_choice Rows>
[[nodiscard]] encoded_example encode_example(const Tokenizer& tokenizer, const Template& form, const Rows& rows, const data::labelled_text& text,
                                             std::size_t task, std::size_t n_longest) {
  encoded_text e = form.encode(tokenizer, text, n_longest);
  const llama::row_range range = rows(e);
  return {std::move(e.tokens), range, task, text.label};
}

template <class Tokenizer, class Template, row_choice Rows>
[[nodiscard]] std::vector<encoded_example> encode_examples(const Tokenizer& tokenizer, const Template& form, const Rows& rows,
                                                           std::span<const data::labelled_text> texts, std::size_t task, std::size_t n_longest) {
  std::vector<encoded_example> all;
  all.reserve(texts.size());
  for (const data::labelled_text& t : texts) all.push_back(encode_example(tokenizer, form, rows, t, task, n_longest));
  return all;
}

/// Examples `first` .. of a list, as many as have together at most `n_row` rows, but one at least. @return how many
template <class At>
[[nodiscard]] std::size_t examples_within(std::size_t first, std::size_t n_example, std::size_t n_row, At&& at) {
  std::size_t n = 0, rows = 0;
  while (first + n < n_example && (n == 0 || rows + at(first + n).tokens.size() <= n_row)) rows += at(first + n++).tokens.size();
  return n;
}

}  // namespace quipu::conpet
