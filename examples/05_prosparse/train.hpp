/// @file What 05_prosparse does: training a sparse model, or thresholds without training.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

#include "training_files.hpp"

/// What the program was asked for.
struct settings {
  std::string model, tokenizer, text, recipe, out, ask = "Once upon a time";
  double largest = 6;
  std::size_t n_thread = 0;
  training_files::run_options run;
};

/// Carries out a recipe of ProSparse. @return the program's exit status
int train_sparse(const settings& s);
