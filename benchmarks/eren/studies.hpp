/// @file Studies that more than one command leads to.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "bench.hpp"

/// With `fit` the questions are the edits held back in training, and the better of the joined gates goes to `--gate`.
int study_reader(const model_t& m, const settings& s, study_set set);
/// FEVER and HotpotQA: the set's own readers, or with `--reader` as they were taught.
int study_set_gates(const model_t& m, const settings& s, const study_set& set);
