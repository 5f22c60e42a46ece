/// @file Sparsity of 05_prosparse without training: thresholds for any SwiGLU or GELU checkpoint.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

struct train_free_settings {
  std::string model, tokenizer;
  std::string text;  ///< three quarters of it calibrate, the rest says what it costs
  std::string out;   ///< GGUF file or folder for weights and thresholds; empty for none
  std::string ask = "What is the capital of France?";
  double first = 0.3;    ///< share of neurons left out by their gate
  double second = 0.7;   ///< share left out by gate or product
  std::size_t n_token = 4096, window = 512, max_tokens = 64, n_thread = 0;
};

/// Finds thresholds, says what they cost and save, and asks the same question dense and sparse. @return the program's exit status
int train_free(const train_free_settings& s);
