/// @file Streams of intents: CLINC150, Banking77, SNIPS.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include <quipu/core/compiled.hpp>
#include <quipu/data/task_stream.hpp>

namespace quipu::data {

/// CLINC150 (Larson et al. 2019): the domains of `domains.json` in the file's order, each a task of its 15 intents; training, validation
/// and test texts of `data_full.json`, 100, 20 and 30 a class. Queries out of scope are the stream's foreign texts.
/// @param folder  with both files
/// @throws io_error, format_error  an intent of the data that no domain has, or as `check_task_stream`
[[nodiscard]] task_stream clinc150_stream(const std::string& folder);

/// Banking77 (Casanueva et al. 2020): 77 intents of one bank in the order of `categories.json`, 11 a task; `train.csv` and `test.csv`. The
/// last tenth of each class's training texts, at least 2, is held out for validation.
/// @throws io_error, format_error
[[nodiscard]] task_stream banking77_stream(const std::string& folder);

/// SNIPS (Coucke et al. 2018): seven intents in alphabetical order as tasks of 3, 2 and 2; `train_X.json`, of which the last tenth, at least
/// 2, is held out for validation; `validate_X.json` is the test.
/// @throws io_error, format_error
[[nodiscard]] task_stream snips_stream(const std::string& folder);

}  // namespace quipu::data

#if !defined(QUIPU_COMPILED)
#include <quipu/data/intent_streams.ipp>
#endif
