// What run.hpp declares.
// SPDX-License-Identifier: Apache-2.0
#pragma once


#include <nlohmann/json.hpp>

#include <quipu/core/clock.hpp>
#include <quipu/train/run.hpp>

namespace quipu::train {

QUIPU_INLINE nlohmann::ordered_json log_line(const step_report& r) {
  nlohmann::ordered_json line = {{"step", r.step},
                                 {"loss", r.loss},
                                 {"gradient_norm", r.gradient_norm},
                                 {"learning_rate_factor", r.learning_rate_factor},
                                 {"tokens_per_second", r.tokens_per_second}};
  if (r.validation_loss) line["validation_loss"] = *r.validation_loss;
  for (const auto& [key, value] : r.fields.items()) line[key] = value;
  return line;
}

}  // namespace quipu::train
