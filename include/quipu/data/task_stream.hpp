/// @file Streams of classification tasks: each task brings classes of its own, with texts to learn, to choose settings on, and to test.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <quipu/core/compiled.hpp>

namespace quipu::data {

/// Where an entity stands in a text.
struct mention {
  std::string name;
  std::size_t begin = 0, end = 0;  ///< bytes of the text
};

/// A text and its class.
struct labelled_text {
  std::string text;
  std::size_t label = 0;  ///< among the classes of its task
  std::optional<mention> head = {}, tail = {};  ///< of a relation
};

struct stream_task {
  std::string name;
  std::vector<std::string> classes;
  std::vector<labelled_text> train, validation, test;
};

/// Tasks in the order in which they are learned. Text only: tokens are the model's business.
struct task_stream {
  std::string name;
  std::vector<stream_task> tasks;
  std::vector<std::string> foreign_validation = {}, foreign_test = {};  ///< texts of no class, if the set has some
  std::vector<std::string> remarks = {};                                ///< sentences: what was held out, what was left out

  [[nodiscard]] auto begin() const noexcept { return tasks.begin(); }
  [[nodiscard]] auto end() const noexcept { return tasks.end(); }
  [[nodiscard]] std::size_t size() const noexcept { return tasks.size(); }
  [[nodiscard]] std::size_t n_class() const noexcept;
};

/// What every reader of streams checks, and every learner before it learns a task.
/// @param place  file or folder, for messages
/// @throws format_error  no class or the same twice, a class without a text to learn, a label that is no class, an empty text or one that is
///                       not UTF-8, a mention that is not where it says
void check_task(const stream_task& task, std::string_view place);
/// @throws format_error  as `check_task`; no tasks, two of one name, a class in two tasks
void check_task_stream(const task_stream& stream, std::string_view place);

/// Moves the last tenth of each class's training texts, at least `least`, to the end of the validation texts.
/// @throws format_error  a class that would have no text left to learn
void hold_out_last_tenth(stream_task& task, std::size_t least, std::string_view place);

/// A name in a text, upper or lower case and white space aside: the first place that does not begin or end inside a word; the first of
/// all if there is none such.
[[nodiscard]] std::optional<mention> find_mention(std::string_view text, std::string_view name);

/// Test texts that are training texts too, of any task.
struct repeated_texts {
  std::size_t n_test = 0;
  std::size_t n_identical = 0;    ///< byte for byte
  std::size_t n_alike = 0;        ///< these, and what differs in white space and upper case alone
  std::size_t n_other_label = 0;  ///< alike, and no training text alike has the label
};
[[nodiscard]] repeated_texts count_repeated(const task_stream& stream);

}  // namespace quipu::data

#if !defined(QUIPU_COMPILED)
#include <quipu/data/task_stream.ipp>
#endif
