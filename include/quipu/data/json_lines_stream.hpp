/// @file A user's own stream of tasks: one JSON object a line.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include <quipu/core/compiled.hpp>
#include <quipu/data/task_stream.hpp>

namespace quipu::data {

/// Lines `{"text": ..., "label": ..., "task": ..., "split": "train" | "validation" | "test", "head": ..., "tail": ...}`; `split` is train if it
/// is missing, head and tail are entities of the text. Tasks and classes come in the order in which the file names them. A task without
/// validation texts holds out the last tenth of each class's training texts, at least 2, if no class of it has fewer than 4.
/// @throws io_error      the file cannot be read
/// @throws format_error  a line that is no such object, an entity that is not in its text, or as `check_task_stream`
[[nodiscard]] task_stream json_lines_stream(const std::string& path);
/// The same of a text. @param place  for messages
[[nodiscard]] task_stream parse_json_lines_stream(std::string_view text, const std::string& place);

}  // namespace quipu::data

#if !defined(QUIPU_COMPILED)
#include <quipu/data/json_lines_stream.ipp>
#endif
