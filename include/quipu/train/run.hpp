/// @file What a training run is asked for, and how it stands after a step.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include <quipu/core/clock.hpp>
#include <quipu/core/compiled.hpp>

namespace quipu::train {

/// How a run stands after a step.
struct step_report {
  std::size_t step = 0;  ///< steps done, of
  std::size_t n_step = 0;
  double loss = 0;           ///< of the step's batches before the update, nats a token
  double gradient_norm = 0;  ///< before clipping
  double learning_rate_factor = 0;
  std::optional<double> validation_loss{};  ///< if one was due
  double tokens_per_second = 0;             ///< since this process began
  double seconds_left = 0;
  nlohmann::ordered_json fields = nlohmann::ordered_json::object();  ///< what companions say
};

/// The line of `log.jsonl`.
[[nodiscard]] nlohmann::ordered_json log_line(const step_report& r);

struct trainer_options {
  std::size_t n_step = 0;        ///< optimiser steps in all
  std::size_t batch_size = 8;    ///< sequences in a pass
  std::size_t n_accumulate = 1;  ///< passes in a step; the loss is the mean over all of them
  double max_gradient_norm = std::numeric_limits<double>::infinity();
  std::uint64_t seed = 0;
  bool shuffle = true;
  std::size_t validate_every = 0;  ///< steps; 0 never
  std::size_t save_every = 0;      ///< steps; 0 only at the end
  std::string folder{};            ///< for last.safetensors, best.safetensors and log.jsonl; empty: nothing is written
  bool resume = false;             ///< go on from last.safetensors if there is one
  bool overwrite = false;          ///< begin anew in place of the run in the folder, which is refused otherwise
  bool trust_unrecorded = false;   ///< resume a run that recorded neither base model nor data, as earlier versions' did
  /// What a resumed run must share besides what the trainer sees itself, by name: a program's options.
  std::map<std::string, std::string, std::less<>> recipe{};
  std::function<bool(const step_report&)> progress{};  ///< after every step; false stops, saving first
  std::function<double()> clock = steady_seconds;      ///< seconds
};

/// Where a run ended.
struct training_result {
  std::size_t step = 0;
  double loss = 0;  ///< of the last step
  std::optional<double> best_validation_loss{};
  bool finished = false;  ///< false if `progress` stopped it
};

}  // namespace quipu::train

#if !defined(QUIPU_COMPILED)
#include <quipu/train/run.ipp>
#endif
