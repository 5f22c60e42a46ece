/// @file The gate of the default stack, fitted again on some set.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "set_rows.hpp"

/// Reads the questions of `job.n_edit["fit"]` edits with the default stack, fits its gate as taught readers' gates are, and
/// writes it; the reader stays as it is.
/// @return what was not done when the time was over; empty: the file is there
[[nodiscard]] std::string fit_stack(const model_t& m, const settings& s, const set_job& job, const std::string& path);
